/** Sequelize: the statements that methods of models, of rows and of associations run. */

import type { AccessFact } from "../../facts.ts";
import type { Expr } from "../../ir.ts";
import type { Model } from "../../models/models.ts";
import type { Place } from "../../program.ts";
import { type Call, calledName, entryOf, receiverOf } from "../../sites.ts";
import { Callbacks } from "../callbacks.ts";
import { type AccessContext, constantOf, keysOf } from "../emit.ts";
import type { Stored } from "../literals.ts";
import { Associations, effectsOf } from "./associations.ts";
import { Includes } from "./includes.ts";
import { ModelNames, type Value } from "./names.ts";
import { Scopes } from "./scopes.ts";
import { keyOf, Values } from "./values.ts";

type Operation = AccessFact["operation"];

/** One access, before it is told at a line. */
interface Access {
  table: string | null;
  operation: Operation;
  columns: readonly string[];
  certainty: AccessFact["certainty"];
  stored?: Stored;
}

/** Methods of a model's class. */
const OF_CLASS: Record<string, readonly Operation[]> = {
  findAll: ["select"],
  findOne: ["select"],
  findByPk: ["select"],
  findById: ["select"],
  find: ["select"],
  all: ["select"],
  findAndCountAll: ["select"],
  findAndCount: ["select"],
  findOrBuild: ["select"],
  findOrInitialize: ["select"],
  count: ["select"],
  sum: ["select"],
  max: ["select"],
  min: ["select"],
  aggregate: ["select"],
  findOrCreate: ["select", "insert"],
  findCreateFind: ["select", "insert"],
  create: ["insert"],
  bulkCreate: ["insert"],
  upsert: ["upsert"],
  insertOrUpdate: ["upsert"],
  update: ["update"],
  increment: ["update"],
  decrement: ["update"],
  restore: ["update"],
  destroy: ["delete"],
  truncate: ["delete"],
};

/** Methods of a row; what `save` does is known from where the row comes from. */
const OF_ROW: Record<string, readonly Operation[]> = {
  save: ["upsert"],
  update: ["update"],
  updateAttributes: ["update"],
  increment: ["update"],
  decrement: ["update"],
  restore: ["update"],
  destroy: ["delete"],
  reload: ["select"],
};

/** Methods of the query interface that name their table: what seeds and migrations of data are made of. */
const OF_INTERFACE: Record<string, Operation> = {
  bulkInsert: "insert",
  bulkUpdate: "update",
  bulkDelete: "delete",
};

/** Which argument of a finder holds its options, `include` among them. */
const OPTIONS_SECOND = /^(findByPk|findById|sum|max|min|aggregate)$/;
const DEPTH_MAX = 6;

/** A reader of all calls of a tree that uses Sequelize. */
export function sequelizeReader(ctx: AccessContext): (place: Place, call: Call) => void {
  const reader = new SequelizeReader(ctx);
  return (place, call) => reader.call(place, call);
}

class SequelizeReader {
  readonly ctx: AccessContext;
  readonly names: ModelNames;
  readonly callbacks: Callbacks;
  readonly values: Values;
  readonly associations: Associations;
  readonly includes: Includes;
  /** Methods that base classes without a table give to models. */
  readonly own: Set<string>;
  readonly done = new Map<string, readonly Access[]>();

  constructor(ctx: AccessContext) {
    this.ctx = ctx;
    this.names = new ModelNames(ctx);
    this.callbacks = new Callbacks(ctx.program, ctx.sites);
    this.values = new Values(ctx, this.names, this.callbacks);
    const modelOf = (place: Place, expr: Expr) => this.values.modelOf(place, expr);
    this.associations = new Associations(ctx, modelOf);
    this.values.associations = this.associations;
    this.includes = new Includes(ctx, this.values, this.associations, new Scopes(ctx, modelOf));
    this.own = this.ownMethods();
  }

  ownMethods(): Set<string> {
    const own = new Set<string>();
    this.ctx.program.modules.forEach((module, m) => {
      module.classes.forEach((cls, c) => {
        if (this.names.isBase({ m, c })) for (const name of cls.methods.keys()) own.add(name);
      });
    });
    return own;
  }

  call(place: Place, call: Call): void {
    for (const { table, operation, columns, certainty, stored } of this.accesses(place, call, null, 0))
      this.ctx.emit(place, call.at, table, operation, columns, certainty, stored);
  }

  /** What one call does; `self` is `this` where a caller says which model it is. */
  accesses(place: Place, call: Call, self: Value | null, depth: number): readonly Access[] {
    const name = calledName(call);
    const receiver = receiverOf(call);
    if (!receiver || depth > DEPTH_MAX) return [];
    if (Object.hasOwn(OF_INTERFACE, name)) return this.ofInterface(place, call);
    const isVerb = Object.hasOwn(OF_CLASS, name) || Object.hasOwn(OF_ROW, name);
    if (!isVerb && !this.own.has(name) && !this.associations.mayAccess(name)) return [];
    const value = this.values.of(place, receiver, self);
    if (!value) return [];
    const accessed = value.model ? this.associations.accessed(value.model, place, call) : null;
    if (accessed && value.kind !== "class")
      return effectsOf(accessed.association, accessed.verb).map((effect) => ({
        ...effect,
        columns: [],
        certainty: value.certainty,
      }));
    const method = value.model ? this.values.methodOf(value, place, receiver, name) : null;
    if (method?.t === "function" && value.model) {
      const cls = this.ctx.program.function(method).cls;
      const isBase = cls !== null && this.names.isBase({ m: method.m, c: cls });
      const told = isBase || isVerb ? this.within(method, value, value.model, depth) : [];
      if (told.length > 0) return isBase ? [...told, ...this.passed(place, call, value, told)] : told;
    }
    return isVerb ? this.ofModel(place, call, value, self !== null) : [];
  }

  /**
   * What a method does to `this`, told at the line that calls it. That is so for a method that a base class without a
   * table defines, since only the caller's line knows the table, and for one that stands in place of Sequelize's. A
   * method of a model's own class has its table, and is reached by the call. Of what is read beside the own table, only
   * that counts which is read whatever the method is given.
   */
  within(method: Place, value: Value, model: Model, depth: number): readonly Access[] {
    const key = `${method.m} ${method.f} ${keyOf(value)}`;
    const known = this.done.get(key);
    if (known) return known;
    this.done.set(key, []);
    const statements = this.callbacks
      .callsIn(method)
      .map(({ place, call }) => {
        const receiver = receiverOf(call);
        const own = receiver ? this.values.of(place, receiver, value) : null;
        return own?.isOwn ? this.accesses(place, call, value, depth + 1) : [];
      })
      .filter((accesses) => accesses.length > 0);
    const reads = statements.map(
      (accesses) => new Set(accesses.flatMap((one) => (one.operation === "select" ? [one.table] : []))),
    );
    const found = statements.flatMap((accesses) =>
      accesses
        .filter(({ operation, table }) => {
          const isOwn = operation !== "select" || table === model.table;
          return isOwn || reads.every((tables) => tables.size === 0 || tables.has(table));
        })
        .map(({ table, operation, columns, certainty }) => ({ table, operation, columns, certainty })),
    );
    this.done.set(key, found);
    return found;
  }

  /** `User.inBatches({ include: [Post] }, …)`: options that a finder of a base class is given go on to Sequelize's. */
  passed(place: Place, call: Call, value: Value, told: readonly Access[]): Access[] {
    const { model, certainty } = value;
    if (!model || !told.some((one) => one.operation === "select")) return [];
    const options = call.args.filter((arg) => arg.k === "object").map((expr) => ({ place, expr }));
    const tables = this.includes.tables(model, [], options, false);
    return [...tables].map((table) => ({ table, operation: "select", columns: [], certainty }));
  }

  ofModel(place: Place, call: Call, value: Value, onlySure: boolean): Access[] {
    const { model, certainty } = value;
    const name = calledName(call);
    const operations =
      (value.kind === "row" ? undefined : OF_CLASS[name]) ??
      (value.kind === "class" ? undefined : OF_ROW[name]);
    if (!operations) return [];
    // `this.find(…)` may be of a list, and `this.all()` of anything.
    if (value.kind === "any" && /^(find|all)$/.test(name)) return [];
    const table = model?.table ?? null;
    const accesses = operations.map((operation): Access => {
      const kind = this.operationOf(call, value, operation);
      const data = this.data(call, model);
      const columns = kind === "select" || kind === "delete" ? [] : this.columns(place, call, model);
      return { table, operation: kind, columns, certainty, ...(data ? { stored: data } : {}) };
    });
    if (operations[0] === "select" && model && name !== "reload")
      for (const read of this.includes.tables(model, value.scope, this.options(place, call), onlySure))
        accesses.push({ table: read, operation: "select", columns: [], certainty });
    return accesses;
  }

  operationOf(call: Call, value: Value, operation: Operation): Operation {
    const name = calledName(call);
    if (name === "save") return value.isStored === null ? "upsert" : value.isStored ? "update" : "insert";
    if (name === "bulkCreate" && entryOf(call.args.slice(1), "updateOnDuplicate")) return "upsert";
    return operation;
  }

  options(place: Place, call: Call): { place: Place; expr: Expr }[] {
    const expr = call.args[OPTIONS_SECOND.test(calledName(call)) ? 1 : 0];
    return expr ? [{ place, expr }] : [];
  }

  columns(place: Place, call: Call, model: Model | null): string[] {
    const { program } = this.ctx;
    const name = calledName(call);
    const [first] = call.args;
    if (name === "save" || name === "restore" || !first) return [];
    if (/^(findOrCreate|findCreateFind)$/.test(name))
      return ["where", "defaults"].flatMap((key) => keysOf(program, place, entryOf([first], key), model));
    const named = first.k === "list" ? first.items : [first];
    const texts = named.map((one) => constantOf(program, place, one));
    if (/^(increment|decrement)$/.test(name) && texts.every((one) => one !== null))
      return texts.map((text) => model?.columns.get(text as string) ?? (text as string));
    return keysOf(program, place, first, model);
  }

  /** What a call stores, where its first argument is that alone. */
  data(call: Call, model: Model | null): Stored | null {
    const name = calledName(call);
    const isData = /^(create|bulkCreate|update|upsert|updateAttributes)$/.test(name);
    return { data: isData ? call.args.slice(0, 1) : [], model };
  }

  /** `queryInterface.bulkInsert("Users", […])`. */
  ofInterface(place: Place, call: Call): Access[] {
    const name = calledName(call);
    const [first, second] = call.args;
    const named = first?.k === "object" ? entryOf([first], "tableName") : first;
    const table = constantOf(this.ctx.program, place, named);
    const receiver = receiverOf(call);
    const of = receiver?.k === "name" || receiver?.k === "member" ? receiver.name : "";
    if (table === null && !/^(queryInterface|qi|context)$/i.test(of)) return [];
    const operation = OF_INTERFACE[name] as Operation;
    const columns = operation === "delete" ? [] : keysOf(this.ctx.program, place, second, null);
    const stored = { data: operation === "delete" || !second ? [] : [second], model: null };
    return [{ table, operation, columns, certainty: "builder", stored }];
  }
}
