/** Models of Sequelize: `define`, `init`, and the decorators of sequelize-typescript and of Sequelize 7. */

import { type ClassIR, type Expr, partsOf } from "../ir.ts";
import type { Place, Program } from "../program.ts";
import { type Call, calledName, entryOf, receiverOf } from "../sites.ts";
import { text } from "./javascript.ts";
import type { Model, Models } from "./models.ts";
import { pluralOf, snakeCase } from "./names.ts";

/** What a model was declared with, beside its table. */
export interface SequelizeDeclaration {
  /** The name under which `sequelize.models` knows it. */
  modelName: string;
  /** Its options, as objects of code: `{ tableName, defaultScope, scopes }`. */
  options: readonly Expr[];
  place: Place;
}

/** True when the tree uses Sequelize in some edition. */
export function usesSequelize(program: Program): boolean {
  return ["sequelize", "sequelize-typescript", "@sequelize/core", "@nestjs/sequelize"].some((name) =>
    program.uses(name),
  );
}

/** Parts of parts of a statement that are looked at. */
const DEPTH_MAX = 24;

/** Options that `new Sequelize(…, { define: { … } })` gives to every model. */
type Defaults = readonly Expr[];

/** Finds the models of every JavaScript and TypeScript module. */
export function sequelizeModels(program: Program, models: Models): void {
  if (!usesSequelize(program)) return;
  const defaults = definedForAll(program);
  program.modules.forEach((module, m) => {
    if (!/^(javascript|typescript|tsx)$/.test(module.language)) return;
    module.functions.forEach((fn, f) => {
      for (const root of fn.roots) {
        for (const call of callsIn(root, 0)) {
          const called = calledName(call);
          if (called === "init") fromInit(program, { m, f }, call, models, defaults);
          else if (called === "define") fromDefine(program, { m, f }, call, models, defaults);
        }
      }
    });
    module.classes.forEach((cls, c) => {
      fromTable(program, m, c, cls, models, defaults);
    });
  });
}

/** The calls in an expression. */
function callsIn(expr: Expr, depth: number): Call[] {
  if (depth > DEPTH_MAX) return [];
  const inner = partsOf(expr).flatMap((part) => callsIn(part, depth + 1));
  return expr.k === "call" ? [expr, ...inner] : inner;
}

/** The `define` of the one connection that the tree makes; several that differ say nothing. */
function definedForAll(program: Program): Defaults {
  const found: Expr[] = [];
  for (const module of program.modules) {
    if (module.isTest || !/^(javascript|typescript|tsx)$/.test(module.language)) continue;
    for (const fn of module.functions)
      for (const root of fn.roots)
        for (const call of callsIn(root, 0)) {
          if (!call.isNew || calledName(call) !== "Sequelize") continue;
          const define = entryOf(call.args, "define");
          if (define?.k === "object") found.push(define);
        }
  }
  return found.length === 1 ? found : [];
}

/** `sequelize.define("User", { … }, { … })`. */
function fromDefine(program: Program, place: Place, call: Call, models: Models, defaults: Defaults): void {
  if (call.args.length < 2 || models.ofExpr(call)) return;
  const name = text(program, place, call.args[0]);
  const [, given] = call.args;
  const ref = given && given.k !== "object" ? program.resolve(place, given) : null;
  const attributes = ref?.t === "expr" ? ref.expr : given;
  // `customElements.define("a-b", Button)`, and the modules of AMD.
  if (name === null || attributes?.k !== "object") return;
  addModel(program, place, models, call, name, name, attributes, call.args.slice(2), defaults, call.at);
}

/** `User.init({ … }, { sequelize, modelName: "User" })`. */
function fromInit(program: Program, place: Place, call: Call, models: Models, defaults: Defaults): void {
  if (call.args.length < 2 || call.args[0]?.k !== "object") return;
  const receiver = receiverOf(call);
  const ref = receiver ? program.resolve(place, receiver) : null;
  const cls = ref?.t === "class" || ref?.t === "instance" ? { m: ref.m, c: ref.c } : null;
  const options = call.args.slice(1);
  if (!cls || !entryOf(options, "sequelize")) return;
  const { name } = program.class(cls);
  const modelName = text(program, place, entryOf(options, "modelName") ?? undefined) ?? name;
  addModel(program, place, models, cls, modelName, name, call.args[0], options, defaults, call.at);
}

/** `@Table({ tableName }) class User extends Model`; Sequelize 7 needs no `@Table` where attributes are decorated. */
function fromTable(
  program: Program,
  m: number,
  c: number,
  cls: ClassIR,
  models: Models,
  defaults: Defaults,
): void {
  const place = { m, f: 0 };
  const table = cls.decorators.find((one) => decoratorName(one) === "Table");
  const attributes = cls.fields.filter((field) =>
    field.decorators.some((one) => /^(Column|Attribute)$/.test(decoratorName(one))),
  );
  const isBare = attributes.some((field) =>
    field.decorators.some((one) => decoratorName(one) === "Attribute"),
  );
  if (!table && !isBare) return;
  const options = table?.k === "call" ? table.args : [];
  if (isTrue(entryOf(options, "abstract"))) return;
  const columns: Expr = {
    k: "object",
    entries: attributes.map((field) => ({
      key: field.name,
      value: columnOptions(field.decorators),
      at: field.at,
    })),
    type: null,
    at: cls.at,
  };
  const modelName = text(program, place, entryOf(options, "modelName") ?? undefined) ?? cls.name;
  addModel(program, place, models, { m, c }, modelName, cls.name, columns, options, defaults, cls.at);
}

/** What `@Column({ field })` and `@ColumnName("…")` say of a column, as `define` would be told. */
function columnOptions(decorators: readonly Expr[]): Expr {
  for (const one of decorators) {
    if (one.k !== "call") continue;
    const [first] = one.args;
    if (/^(Column|Attribute)$/.test(decoratorName(one)) && first?.k === "object") return first;
    if (decoratorName(one) === "ColumnName" && first)
      return { k: "object", entries: [{ key: "field", value: first, at: one.at }], type: null, at: one.at };
  }
  return { k: "value", value: null, at: 0 };
}

/** `Column` of `@Column` and of `@Column({ … })`. */
export function decoratorName(decorator: Expr): string {
  return decorator.k === "call" ? calledName(decorator) : decorator.k === "name" ? decorator.name : "";
}

function addModel(
  program: Program,
  place: Place,
  models: Models,
  key: Expr | { m: number; c: number },
  modelName: string,
  declaredAs: string,
  attributes: Expr | undefined,
  own: readonly Expr[],
  defaults: Defaults,
  line: number,
): void {
  const option = (name: string) => entryOf(own, name) ?? entryOf(defaults, name);
  const snake = isTrue(option("underscored"));
  const columns = new Map<string, string>();
  for (const { key: attribute, value } of attributes?.k === "object" ? attributes.entries : []) {
    if (attribute === null) continue;
    const field = value.k === "object" ? text(program, place, entryOf([value], "field") ?? undefined) : null;
    columns.set(attribute, field ?? (snake ? snakeCase(attribute) : attribute));
  }
  const given = entryOf(own, "tableName");
  // A name that only run time knows is not the one that Sequelize would form.
  const named = given ? text(program, place, given) : null;
  if (given && named === null) return;
  const formed = isTrue(option("freezeTableName"))
    ? modelName
    : pluralOf(snake ? snakeCase(modelName) : modelName);
  const table = named ?? formed;
  if (table === "") return;
  const file = program.module(place.m).file;
  const model: Model = { table, declaredAs, how: "orm", family: "sequelize", file, line, columns };
  models.add(model, key);
  models.sequelize.set(model, { modelName, options: own, place });
}

function isTrue(expr: Expr | null): boolean {
  return expr?.k === "value" && expr.value === true;
}
