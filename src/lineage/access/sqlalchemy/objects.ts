/** What the objects, properties and functions of the tree give: followed with the arguments they are called with. */

import type { Place } from "../../program.ts";
import type { Call } from "../../sites.ts";
import { type Frame, foreign, type Given, type Held, merged } from "./held.ts";
import type { Values } from "./values.ts";

const FRAMES_MAX = 8;
const VALUES_MAX = 12;

export class Objects {
  readonly #values: Values;

  constructor(values: Values) {
    this.#values = values;
  }

  /** A field of an object that is no model: what it is made with, what its class gives it, or its type. */
  field(of: Held & { t: "object" }, name: string, place: Place): Held | null {
    const { program } = this.#values.ctx;
    const made = of.given?.get(name);
    const pending: { m: number; c: number }[] = [of];
    for (let steps = 0; pending.length > 0 && steps < 12; steps++) {
      const cls = pending.shift() as { m: number; c: number };
      const { fields, methods, bases } = program.class(cls);
      const maker = methods.get("__init__");
      if (made && maker === undefined) return this.#values.of(made.place, made.expr, made.frame);
      // `class Orders(Store, table=Order)`: what `__init_subclass__` keeps.
      const passed = bases.find((base) => base.k === "named" && base.name === name);
      if (passed?.k === "named") return this.#values.of({ m: cls.m, f: 0 }, passed.of);
      for (const field of fields) {
        if (field.name !== name || !field.value) continue;
        const at = { m: cls.m, f: maker ?? 0 };
        const frame = of.given && maker !== undefined ? this.#frame(at, of.given, of, null) : null;
        const held =
          this.#values.of(at, field.value, frame) ??
          (maker ? this.#values.of({ m: cls.m, f: 0 }, field.value) : null);
        if (held) return foreign(held);
      }
      if (methods.has(name)) return this.classMember(of, cls, name, place);
      for (const base of bases) {
        const ref = base.k === "named" ? null : program.resolve({ m: cls.m, f: 0 }, base);
        if (ref?.t === "class" && !(ref.m === cls.m && ref.c === cls.c)) pending.push(ref);
      }
      const typed = fields.find((field) => field.name === name && field.type && !field.value);
      if (typed?.type && pending.length === 0) return this.#values.typed({ m: cls.m, f: 0 }, typed.type);
    }
    return null;
  }

  /** A property of a class is what it returns. */
  classMember(self: Held, cls: { m: number; c: number } | null, name: string, place: Place): Held | null {
    const ref = cls ? this.#values.ctx.program.classMember(cls, name) : null;
    if (ref?.t !== "function") return null;
    const isProperty = this.#values.ctx.program
      .function(ref)
      .decorators.some((one) => (one.k === "name" || one.k === "member") && /property$/.test(one.name));
    return isProperty ? this.returned(ref, new Map(), self, place) : null;
  }

  /** What a function of the tree gives back; a statement that it returns is named there. */
  returned(
    fn: Place,
    args: Frame["args"],
    self: Held | null,
    from: Place,
    outer: Frame | null = null,
  ): Held | null {
    const { program } = this.#values.ctx;
    const frame = args.size > 0 || self ? this.#frame(fn, args, self, outer) : null;
    const { returns } = program.function(fn);
    const held = merged(returns.slice(0, VALUES_MAX).map((value) => this.#values.of(fn, value, frame)));
    const isSame = fn.m === from.m && program.owner(fn) === program.owner(from);
    return isSame ? held : foreign(held);
  }

  #frame(at: Place, args: Frame["args"], self: Held | null, outer: Frame | null): Frame | null {
    const depth = (outer?.depth ?? 0) + 1;
    return depth > FRAMES_MAX ? null : { ...at, args, self, known: new Map(), depth };
  }

  /** The arguments of a call by the names of the parameters. */
  bind(fn: Place, call: Call, place: Place, frame: Frame | null): Map<string, Given> {
    const { params, cls } = this.#values.ctx.program.function(fn);
    const names = params.map((param) => param.name);
    if (cls !== null && /^(self|cls)$/.test(names[0] ?? "")) names.shift();
    const given = new Map<string, Given>();
    let n = 0;
    for (const arg of call.args) {
      const name = arg.k === "named" ? arg.name : names[n++];
      if (name) given.set(name, { place, expr: arg.k === "named" ? arg.of : arg, frame });
    }
    return given;
  }
}
