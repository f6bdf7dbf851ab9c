/** What a chain of GORM is built of, wherever its parts stand: variables, functions that give a query on, scopes. */

import type { Expr } from "../../ir.ts";
import { GORM } from "../../models/go.ts";
import type { Place, Program } from "../../program.ts";
import { valuesAt } from "../../reaching.ts";

/** An expression, the place that sees it, and what the parameters there stand for. */
export interface Located {
  place: Place;
  expr: Expr;
  given: Given | null;
}

type Given = ReadonlyMap<string, Located>;

export interface ChainStep {
  name: string;
  args: readonly Located[];
}

const DEPTH_MAX = 24;
/** Functions that one chain is followed into. */
const RETURNS_MAX = 6;

/**
 * The steps that may have been taken before an expression of `*gorm.DB` runs, conditional ones included. `G` is the
 * type that `gorm.G[User](db)` names.
 */
export function stepsOf(program: Program, place: Place, expr: Expr): ChainStep[] {
  return new ChainReader(program).walk({ place, expr, given: null }, 0);
}

class ChainReader {
  readonly program: Program;
  /** Values already read: each adds its steps once, in whatever branches it is given. */
  readonly #read = new Set<Expr>();
  readonly #open = new Set<Expr>();

  constructor(program: Program) {
    this.program = program;
  }

  walk(from: Located, depth: number): ChainStep[] {
    if (depth > DEPTH_MAX) return [];
    const { place, expr, given } = from;
    if (expr.k === "name") return this.#name(from, expr, depth);
    if (expr.k === "member") return this.walk({ place, given, expr: expr.of }, depth + 1);
    if (expr.k !== "call" || expr.isNew) return [];
    const { callee } = expr;
    const args = expr.args.map((arg) => locate({ place, given, expr: arg }));
    if (callee.k === "index") {
      const ref = this.program.resolve(place, callee.of);
      return ref?.t === "package" && GORM.test(ref.path) && ref.path.endsWith(".G")
        ? [{ name: "G", args: [{ place, given, expr: callee.key }] }]
        : [];
    }
    const ref = this.program.resolve(place, callee);
    if (ref?.t === "function") return this.#called(ref, args, depth);
    if (callee.k !== "member") return [];
    const before = this.walk({ place, given, expr: callee.of }, depth + 1);
    const step = { name: callee.name, args };
    const within =
      callee.name === "Scopes" || callee.name === "Preload"
        ? args.flatMap((arg) => this.#scope(arg, depth))
        : [];
    return [...before, step, ...within];
  }

  /** A variable holds what it was given before, and a parameter what the caller gives. */
  #name({ place, given }: Located, { name, at }: Expr & { k: "name" }, depth: number): ChainStep[] {
    for (let f: number | null = place.f; f !== null; ) {
      const fn = this.program.function({ m: place.m, f });
      const here = { m: place.m, f };
      const values = valuesAt(fn, name, f === place.f ? at : Number.MAX_SAFE_INTEGER, (value) =>
        this.#open.has(value),
      );
      if (values.length > 0)
        return values.flatMap((value) => {
          if (this.#read.has(value)) return [];
          this.#read.add(value);
          this.#open.add(value);
          const steps = this.walk({ place: here, expr: value, given }, depth + 1);
          this.#open.delete(value);
          return steps;
        });
      if (fn.params.some((param) => param.name === name)) {
        const argument = given?.get(name);
        return argument ? this.walk(argument, depth + 1) : [];
      }
      f = fn.outer;
    }
    return [];
  }

  /** `listed(db, user).Find(&x)`: what the function has built. */
  #called(fn: Place, args: readonly Located[], depth: number): ChainStep[] {
    const { params, returns, receiver } = this.program.function(fn);
    // A method's receiver comes first among the parameters, where it has a name.
    const [first] = params;
    const own = first?.type?.k === "name" && first.type.name === receiver ? params.slice(1) : params;
    const given = new Map(args.flatMap((arg, i) => (own[i] ? [[own[i].name, arg] as const] : [])));
    return returns
      .filter((value) => value.k !== "call" || !value.isNew)
      .slice(0, RETURNS_MAX)
      .flatMap((value) => this.walk({ place: fn, expr: value, given }, depth + 1));
  }

  /** What a function adds to the query it is given: named, literal, or made by another function. */
  #scope({ place, expr, given }: Located, depth: number): ChainStep[] {
    let fn: Place | null = null;
    if (expr.k === "function") fn = { m: place.m, f: expr.fn };
    else if (expr.k === "name" || expr.k === "member") {
      const ref = this.program.resolve(place, expr);
      if (ref?.t === "function") fn = ref;
    } else if (expr.k === "call") {
      const ref = this.program.resolve(place, expr.callee);
      const made =
        ref?.t === "function"
          ? this.program.function(ref).returns.find((value) => value.k === "function")
          : undefined;
      if (ref?.t === "function" && made?.k === "function") fn = { m: ref.m, f: made.fn };
    }
    if (!fn) return [];
    const { returns } = this.program.function(fn);
    const at = fn;
    return returns
      .filter((value) => value.k !== "call" || !value.isNew)
      .slice(0, RETURNS_MAX)
      .flatMap((value) => this.walk({ place: at, expr: value, given }, depth + 1));
  }
}

/** An argument that is a parameter of an inlined function is what the caller gave. */
function locate(from: Located): Located {
  const argument = from.expr.k === "name" ? from.given?.get(from.expr.name) : undefined;
  return argument ?? from;
}
