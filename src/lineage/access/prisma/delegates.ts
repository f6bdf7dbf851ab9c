/** Which model's table an expression of Prisma's clients is: `prisma.user`, a repository's `table`, `Prisma.UserDelegate`. */

import { type Expr, partsOf, spell } from "../../ir.ts";
import type { Model } from "../../models/models.ts";
import type { Place } from "../../program.ts";
import { type Call, calledName, receiverOf } from "../../sites.ts";
import type { Value } from "../../value.ts";
import { Values } from "../../values.ts";
import type { AccessContext } from "../emit.ts";

/** Constructed clients of other packages have members of any name: `new Stripe().account`. */
const OTHER_CLIENT = /\(\)$/;
const MAYBE_PRISMA = /prisma|db|database/i;
const READS_MAX = 6;

export class Delegates {
  readonly #ctx: AccessContext;
  readonly #values: Values;

  constructor(ctx: AccessContext) {
    this.#ctx = ctx;
    this.#values = new Values(ctx.program);
  }

  /** The models whose tables the receiver of a call can be. */
  of(place: Place, call: Call): Model[] {
    const receiver = receiverOf(call);
    if (!receiver) return [];
    const python = this.#ctx.program.module(place.m).language === "python";
    const values = this.#values.of(place, receiver);
    const found = new Set(this.ofExpr(place, receiver));
    if (found.size === 0)
      for (const value of values)
        if (value.t === "instance")
          for (const model of this.#handedOn(value, calledName(call), python)) found.add(model);
    return [...found];
  }

  /** The models whose tables an expression can be. */
  ofExpr(place: Place, expr: Expr): Model[] {
    const python = this.#ctx.program.module(place.m).language === "python";
    const values = this.#values.of(place, expr);
    return [...new Set(values.flatMap((value) => this.#modelsOf(value, python, 0)))];
  }

  /** True when the receiver of a call is a table of a client that only run time names: `prisma[model]`. */
  isClients(place: Place, call: Call): boolean {
    const receiver = receiverOf(call);
    return (
      receiver !== null &&
      this.#values.of(place, receiver).some((value) => value.t === "part" && value.name === null)
    );
  }

  #modelsOf(value: Value, python: boolean, depth: number): Model[] {
    switch (value.t) {
      case "part": {
        if (value.name === "()") {
          const { of } = value;
          return python && of.t === "part" && of.name === "prisma" ? this.#ofModelClass(of.of) : [];
        }
        const model = value.name === null ? null : this.property(value.name, python);
        return model && this.#mayBeClient(value.of, value.name as string) ? [model] : [];
      }
      case "function": {
        if (depth > READS_MAX) return [];
        const fn = this.#ctx.program.function(value);
        // A property that a protocol or an abstract class declares.
        const declared = fn.cls !== null && fn.returns.length === 0 ? this.property(fn.name, python) : null;
        if (declared) return [declared];
        return this.#values.read(value).flatMap((one) => this.#modelsOf(one, python, depth + 1));
      }
      case "given":
        return this.#ofType(value.type);
      case "outside": {
        // A value of another module that resolution has followed into the package: `…PrismaClient().user`.
        const [, of, name] = /^(.*prisma.*)\.(\w+)$/i.exec(value.path ?? "") ?? [];
        const model = of && name ? this.property(name, python) : null;
        if (model) return [model];
        return /prisma/i.test(value.path ?? "") ? this.#ofTypeName(value.path as string) : [];
      }
      default:
        return [];
    }
  }

  /** The model of a client's property: `usageRecord` in JavaScript, `usagerecord` in Python. */
  property(name: string, python: boolean): Model | null {
    const model = this.#ctx.models.prisma.get(name.toLowerCase());
    if (!model) return null;
    const { declaredAs } = model;
    const spelled = python
      ? declaredAs.toLowerCase()
      : declaredAs.charAt(0).toLowerCase() + declaredAs.slice(1);
    return name === spelled ? model : null;
  }

  /** Anything may hold a client, save what is known to be something else. */
  #mayBeClient(of: Value, name: string): boolean {
    switch (of.t) {
      case "outside":
        return of.path === null || !OTHER_CLIENT.test(of.path) || MAYBE_PRISMA.test(of.path);
      case "instance":
      case "class": {
        // A field of this name that nobody is seen to fill may be anything; a base outside may declare it.
        const declares = (cls: { m: number; c: number }, depth: number): boolean => {
          const { methods, fields, bases } = this.#ctx.program.class(cls);
          if (methods.has(name) || methods.has("__getattr__") || fields.some((one) => one.name === name))
            return true;
          return bases.some((base) => {
            const ref = this.#ctx.program.resolve({ m: cls.m, f: 0 }, base);
            return ref?.t === "class" ? depth < 8 && declares(ref, depth + 1) : true;
          });
        };
        return declares(of, 0);
      }
      case "expr":
        return false;
      default:
        return true;
    }
  }

  /** A parameter or field by the type that Prisma generates: `Prisma.UserDelegate`, `UserActions[User]`. */
  #ofType(type: Expr | null): Model[] {
    if (!type) return [];
    const of = type.k === "either" ? type.of : [type];
    return of.flatMap((one) => this.#ofTypeName(spell(one)));
  }

  #ofTypeName(path: string): Model[] {
    const name = /(?:^|\.)(\w+)(?:Delegate|Actions)(?:\(\))?$/.exec(path)?.[1];
    const model = name ? this.#ctx.models.prisma.get(name.toLowerCase()) : undefined;
    return model && model.declaredAs === name ? [model] : [];
  }

  /** Python: what `User.prisma` is a part of, where `User` is a class of `prisma.models` or derives from one. */
  #ofModelClass(of: Value): Model[] {
    const [, name] = /^prisma\.models\.(\w+)$/.exec(this.#packagePath(of, 0) ?? "") ?? [];
    const model = name ? this.#ctx.models.prisma.get(name.toLowerCase()) : undefined;
    return model ? [model] : [];
  }

  #packagePath(of: Value, depth: number): string | null {
    if (of.t === "outside") return of.path;
    if ((of.t !== "class" && of.t !== "instance") || depth > 8) return null;
    const base = this.#ctx.program.class(of).bases[0];
    const ref = base ? this.#ctx.program.resolve({ m: of.m, f: 0 }, base) : null;
    if (ref?.t === "package") return ref.path;
    return ref?.t === "class" ? this.#packagePath(ref, depth + 1) : null;
  }

  /** An object whose method of the same name hands the question on to the table that it was made with. */
  #handedOn(self: Value & { t: "instance" }, name: string, python: boolean): Model[] {
    const { program } = this.#ctx;
    const method = program.classMember(self, name);
    if (method?.t !== "function") return [];
    const pending: Expr[] = [...program.function(method).roots];
    for (let steps = 0; pending.length > 0 && steps < 200; steps++) {
      const expr = pending.shift() as Expr;
      const receiver = expr.k === "call" && calledName(expr) === name ? receiverOf(expr) : null;
      if (receiver) {
        // What the method always reads is its own access.
        if (this.#values.of(method, receiver).some((one) => this.#modelsOf(one, python, 0).length > 0))
          return [];
        const models = this.#values
          .inMethod(self, method, receiver)
          .flatMap((one) => this.#modelsOf(one, python, 0));
        if (models.length > 0) return models;
      }
      pending.push(...partsOf(expr));
    }
    return [];
  }
}
