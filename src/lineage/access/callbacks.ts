/** Functions handed to calls, and the calls made within functions: how a value reaches the parameter of a callback. */

import type { Place, Program } from "../program.ts";
import type { Call, Site } from "../sites.ts";

/** Where a function is handed over: the call and the position among its arguments. */
export interface Handed {
  place: Place;
  call: Call;
  index: number;
}

export interface Inner {
  place: Place;
  call: Call;
}

export class Callbacks {
  readonly #program: Program;
  readonly #handed = new Map<string, Handed>();
  readonly #calls = new Map<string, Inner[]>();
  readonly #inner = new Map<string, readonly number[]>();

  constructor(program: Program, sites: readonly Site[]) {
    this.#program = program;
    for (const { place, expr } of sites) {
      if (expr.k !== "call") continue;
      const key = `${place.m} ${place.f}`;
      const known = this.#calls.get(key);
      if (known) known.push({ place, call: expr });
      else this.#calls.set(key, [{ place, call: expr }]);
      expr.args.forEach((arg, index) => {
        if (arg.k === "function") this.#handed.set(`${place.m} ${arg.fn}`, { place, call: expr, index });
      });
    }
  }

  /** The call that a function is an argument of, or null. */
  handedTo(fn: Place): Handed | null {
    return this.#handed.get(`${fn.m} ${fn.f}`) ?? null;
  }

  /** The calls in a function and in those within it. */
  callsIn(fn: Place): readonly Inner[] {
    const key = `${fn.m} ${fn.f}`;
    let inner = this.#inner.get(key);
    if (!inner) {
      const { functions } = this.#program.module(fn.m);
      inner = functions.flatMap((one, f) => (one.outer === fn.f && f !== fn.f ? [f] : []));
      this.#inner.set(key, inner);
    }
    return [...(this.#calls.get(key) ?? []), ...inner.flatMap((f) => this.callsIn({ m: fn.m, f }))];
  }
}
