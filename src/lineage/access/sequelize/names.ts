/** Sequelize: which model a name, a type or a member of a collection of models stands for. */

import type { AccessFact } from "../../facts.ts";
import type { Expr } from "../../ir.ts";
import type { Model } from "../../models/models.ts";
import type { Place } from "../../program.ts";
import { calledName } from "../../sites.ts";
import type { AccessContext } from "../emit.ts";
import { DEFAULT_SCOPE, type ScopeUse } from "./scopes.ts";

export interface Value {
  /** Null in a base class that has no table of its own: its subclasses have. */
  model: Model | null;
  /** The class, or a row, or several rows; `any` is `this`, which may be either. */
  kind: "class" | "row" | "any";
  scope: ScopeUse;
  /** It comes from `this`. */
  isOwn: boolean;
  /** A row that was built, or found; null where that is not seen. */
  isStored: boolean | null;
  certainty: AccessFact["certainty"];
}

export function valueFor(model: Model | null, kind: Value["kind"], more: Partial<Value> = {}): Value {
  return { model, kind, scope: DEFAULT_SCOPE, isOwn: false, isStored: null, certainty: "builder", ...more };
}

/** The value that all known ones agree on, or null where two are of different models. */
export function agreed(values: readonly (Value | null)[]): Value | null {
  const known = values.filter((value): value is Value => value !== null);
  const [first] = known;
  if (!first || known.some((value) => value.model !== first.model)) return null;
  const kinds = new Set(known.map((value) => value.kind));
  if (kinds.has("class") && kinds.has("row")) return null;
  const kind = [...kinds].find((one) => one !== "any") ?? "any";
  const isStored = known.every((value) => value.isStored === first.isStored) ? first.isStored : null;
  return { ...first, kind, isStored };
}

/** Types of a model's class, beside `typeof User`. */
const CLASS_TYPE = /^(ModelStatic|ModelCtor|ModelClass|Repository)$/;
/** Types of several of what they are given. */
const LIST_TYPE = /^(Array|ReadonlyArray|Set|Promise)$/;
/** What holds models by name: `db.user`, `sequelize.models.user`. */
const HOLDER = /^(models|db|database|sequelize|orm)$/i;
const SEQUELIZE_MODEL = /^(sequelize|sequelize-typescript|@sequelize\/core)\b.*\.Model$/;
const DEPTH_MAX = 12;

export class ModelNames {
  readonly #ctx: AccessContext;
  readonly #byName = new Map<string, Model | null>();
  readonly #bases = new Map<string, boolean>();

  constructor(ctx: AccessContext) {
    this.#ctx = ctx;
    for (const [model, { modelName }] of ctx.models.sequelize)
      for (const name of new Set([modelName, model.declaredAs])) {
        const known = this.#byName.get(name);
        this.#byName.set(name, known === undefined || known?.table === model.table ? model : null);
      }
  }

  /** The one model of a name in the tree. */
  named(name: string): Value | null {
    const model = this.#byName.get(name) ?? null;
    return model ? valueFor(model, "class", { certainty: "name" }) : null;
  }

  /** A model's class or instance, as the program resolves it. */
  resolved(place: Place, expr: Expr): Value | null {
    const { program, models } = this.#ctx;
    const ref = program.resolve(place, expr);
    const model = models.of(program, place, expr);
    if (model?.family !== "sequelize") return null;
    return valueFor(model, ref?.t === "instance" ? "row" : "class");
  }

  /** `const { User } = require("./models")`, where the module collects its models at run time. */
  imported(place: Place, name: string): Value | null {
    const { program } = this.#ctx;
    const module = program.module(place.m);
    const one = module.imports.find((item) => item.local === name);
    if (!one || !/^[A-Z]/.test(one.name) || !("module" in program.imports.resolve(module, one.source)))
      return null;
    return this.named(one.name);
  }

  /** `models.User`, `sequelize.models.user`: collected at run time, known by the one model of that name. */
  held(place: Place, expr: Expr & { k: "member" }): Value | null {
    if (!this.#byName.has(expr.name)) return null;
    const { of } = expr;
    const name = of.k === "member" || of.k === "name" ? of.name : "";
    if (!/^[A-Z]/.test(expr.name) && !HOLDER.test(name)) return null;
    const ref = this.#ctx.program.resolve(place, of);
    // Where the holder is a known class, so is what it holds.
    if (ref?.t === "instance" && this.#ctx.program.classMember(ref, expr.name)) return null;
    return this.named(expr.name);
  }

  /** What a type says of a value; a union of models says nothing. */
  typed(place: Place, type: Expr, depth = 0): Value | null {
    if (depth > DEPTH_MAX) return null;
    const next = (inner: Expr) => this.typed(place, inner, depth + 1);
    const asClass = (value: Value | null): Value | null => (value ? { ...value, kind: "class" } : null);
    if (type.k === "either") return agreed(type.of.map(next));
    if (type.k === "list") return agreed(type.items.map(next));
    if (type.k === "member" && type.name === "constructor") return asClass(next(type.of));
    if (type.k === "call") {
      const name = calledName(type);
      const [inner] = type.args;
      if (inner && CLASS_TYPE.test(name)) return asClass(next(inner));
      return next(inner && LIST_TYPE.test(name) ? inner : type.callee);
    }
    if (type.k !== "name" && type.k !== "member") return null;
    const { program, models } = this.#ctx;
    const ref = program.resolve(place, type);
    const model = ref?.t === "class" ? models.ofClass(ref) : null;
    return model?.family === "sequelize" ? valueFor(model, "row") : null;
  }

  /** Whether a class is a model's base: it extends Sequelize's own and has no table. */
  isBase(of: { m: number; c: number }, depth = 0): boolean {
    const key = `${of.m} ${of.c}`;
    const known = this.#bases.get(key);
    if (known !== undefined || depth > DEPTH_MAX) return known ?? false;
    this.#bases.set(key, false);
    const { program, models } = this.#ctx;
    const is =
      models.ofClass(of) === null &&
      program.class(of).bases.some((base) => {
        const ref = program.resolve({ m: of.m, f: 0 }, base);
        if (ref?.t === "package") return SEQUELIZE_MODEL.test(ref.path);
        return ref?.t === "class" && this.isBase(ref, depth + 1);
      });
    this.#bases.set(key, is);
    return is;
  }
}
