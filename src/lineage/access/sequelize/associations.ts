/** Sequelize: how models are associated, the methods that an association gives to rows, and what those do. */

import type { AccessFact } from "../../facts.ts";
import type { Expr } from "../../ir.ts";
import type { Model } from "../../models/models.ts";
import { pluralOf } from "../../models/names.ts";
import { decoratorName } from "../../models/sequelize.ts";
import type { Place } from "../../program.ts";
import { type Call, calledName, entryOf, receiverOf } from "../../sites.ts";
import { type AccessContext, constantOf } from "../emit.ts";

type Kind = "belongsTo" | "hasOne" | "hasMany" | "belongsToMany";

export interface Association {
  kind: Kind;
  source: Model;
  target: Model;
  /** The name it was given, or null for the one that Sequelize forms of the target's. */
  as: string | null;
  /** Name of the target, of which names are formed. */
  targetName: string;
  /** The table between, of `belongsToMany`. */
  through: string | null;
}

/** What a call of an association's method does to a table. */
export interface Effect {
  table: string;
  operation: AccessFact["operation"];
}

/** The model of an expression that names one: a class, `models.User`, `() => User`. */
export type ModelOf = (place: Place, expr: Expr) => Model | null;

const KINDS: Record<string, Kind> = {
  belongsTo: "belongsTo",
  hasOne: "hasOne",
  hasMany: "hasMany",
  belongsToMany: "belongsToMany",
  BelongsTo: "belongsTo",
  HasOne: "hasOne",
  HasMany: "hasMany",
  BelongsToMany: "belongsToMany",
};

const ACCESSOR = /^(get|set|add|remove|has|count|create)([A-Z]\w*)$/;
/** The same by the name of the association: `user.$get("posts")`. */
const BY_NAME = /^\$(get|set|add|remove|has|count|create)$/;

/** All associations of the tree. */
export class Associations {
  readonly #of = new Map<Model, Association[]>();
  readonly #byExpr = new Map<Expr, Association>();
  /** Every word that an accessor may end with, in lower case: most calls of `getX` are of something else. */
  readonly #words = new Set<string>();
  readonly #ctx: AccessContext;

  constructor(ctx: AccessContext, modelOf: ModelOf) {
    this.#ctx = ctx;
    for (const { place, expr } of ctx.sites)
      if (expr.k === "call" && Object.hasOwn(KINDS, calledName(expr)) && receiverOf(expr))
        this.#called(place, expr, modelOf);
    for (const model of ctx.models.sequelize.keys()) this.#decorated(model, modelOf);
  }

  /** The associations that start at a model. */
  from(model: Model): readonly Association[] {
    return this.#of.get(model) ?? [];
  }

  /** The association that an expression made: `static Posts = User.hasMany(Post)`. */
  ofExpr(expr: Expr): Association | null {
    return this.#byExpr.get(expr) ?? null;
  }

  /** The association of a name, singular or plural. */
  named(model: Model, name: string): Association | null {
    const word = name.toLowerCase();
    return this.from(model).find((one) => wordsOf(one).has(word)) ?? null;
  }

  /** The association that a call's name or first argument says, with what is done: `getPosts()`, `$add("posts", …)`. */
  accessed(model: Model, place: Place, call: Call): { association: Association; verb: string } | null {
    const name = calledName(call);
    const byName = BY_NAME.exec(name);
    const named = byName ? constantOf(this.#ctx.program, place, call.args[0]) : ACCESSOR.exec(name)?.[2];
    const association = named ? this.named(model, named) : null;
    const verb = byName?.[1] ?? ACCESSOR.exec(name)?.[1];
    return association && verb ? { association, verb } : null;
  }

  /** Whether a method's name can be that of an association's method. */
  mayAccess(name: string): boolean {
    if (BY_NAME.test(name)) return true;
    const word = ACCESSOR.exec(name)?.[2];
    return word !== undefined && this.#words.has(word.toLowerCase());
  }

  /** `User.hasMany(Post, { as: "posts" })`. */
  #called(place: Place, call: Call, modelOf: ModelOf): void {
    const source = modelOf(place, receiverOf(call) as Expr);
    const target = source && call.args[0] ? modelOf(place, call.args[0]) : null;
    if (!source || !target) return;
    const options = call.args.slice(1);
    const given = entryOf(options, "as");
    // `as: { singular, plural }`.
    const as = constantOf(
      this.#ctx.program,
      place,
      given?.k === "object" ? entryOf([given], "plural") : given,
    );
    const through = this.#through(place, entryOf(options, "through"), modelOf);
    const kind = KINDS[calledName(call)] as Kind;
    this.#byExpr.set(
      call,
      this.#add({ kind, source, target, as, targetName: this.#nameOf(target), through }),
    );
  }

  /** `@HasMany(() => Post) posts: Post[]`. */
  #decorated(source: Model, modelOf: ModelOf): void {
    const of = this.#ctx.models.classOf(source);
    if (!of) return;
    const place = { m: of.m, f: 0 };
    for (const field of this.#ctx.program.class(of).fields) {
      for (const decorator of field.decorators) {
        const kind = KINDS[decoratorName(decorator)];
        const first = decorator.k === "call" ? decorator.args[0] : undefined;
        if (!kind || decorator.k !== "call" || !first) continue;
        const target = modelOf(place, first);
        if (!target) continue;
        const between = entryOf(decorator.args, "through") ?? decorator.args[1];
        const through = kind === "belongsToMany" ? this.#through(place, between, modelOf) : null;
        this.#add({ kind, source, target, as: field.name, targetName: this.#nameOf(target), through });
      }
    }
  }

  #nameOf(model: Model): string {
    return this.#ctx.models.sequelize.get(model)?.modelName ?? model.declaredAs;
  }

  /** The table between: a model's, or one that Sequelize makes with the name given. */
  #through(place: Place, given: Expr | null | undefined, modelOf: ModelOf): string | null {
    if (!given) return null;
    const expr = given.k === "object" ? entryOf([given], "model") : given;
    if (!expr) return null;
    const model = modelOf(place, expr);
    if (model) return model.table;
    const name = constantOf(this.#ctx.program, place, expr);
    return name === null ? null : (this.#ctx.models.named(name, "sequelize")?.table ?? name);
  }

  #add(association: Association): Association {
    const { source } = association;
    const known = this.#of.get(source);
    if (known) known.push(association);
    else this.#of.set(source, [association]);
    for (const word of wordsOf(association)) this.#words.add(word);
    return association;
  }
}

const wordsKnown = new WeakMap<Association, Set<string>>();

/** The names of an association, in lower case: as given, and the other number of it. */
function wordsOf(association: Association): Set<string> {
  const known = wordsKnown.get(association);
  if (known) return known;
  const name = association.as ?? association.targetName;
  const words = new Set([name, pluralOf(name), ...singularsOf(name)].map((word) => word.toLowerCase()));
  wordsKnown.set(association, words);
  return words;
}

/** Words of which a word is the plural. */
function singularsOf(plural: string): string[] {
  const tries = [plural.replace(/s$/, ""), plural.replace(/es$/, ""), plural.replace(/ies$/, "y")];
  return tries.filter((word) => word !== plural && word !== "" && pluralOf(word) === plural);
}

/** What an association's method does. */
export function effectsOf({ kind, source, target, through }: Association, verb: string): Effect[] {
  const of = (table: string, operation: Effect["operation"]): Effect => ({ table, operation });
  const reads = [of(target.table, "select"), ...(through === null ? [] : [of(through, "select")])];
  if (verb === "get" || verb === "count" || verb === "has") return reads;
  if (kind === "belongsTo")
    return verb === "create"
      ? [of(target.table, "insert"), of(source.table, "update")]
      : [of(source.table, "update")];
  if (verb === "create")
    return [of(target.table, "insert"), ...(through === null ? [] : [of(through, "insert")])];
  if (kind !== "belongsToMany")
    return [...(verb === "set" ? [of(target.table, "select")] : []), of(target.table, "update")];
  if (through === null) return [];
  if (verb === "remove") return [of(through, "delete")];
  return [of(through, "select"), of(through, "insert"), ...(verb === "set" ? [of(through, "delete")] : [])];
}
