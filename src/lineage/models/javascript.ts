/** Models of JavaScript: drizzle, TypeORM, Objection, and plain schema objects; Sequelize has a file of its own. */

import type { ClassIR, Expr } from "../ir.ts";
import type { Place, Program } from "../program.ts";
import { type Call, calledName, entryOf } from "../sites.ts";
import { textsOf } from "../text.ts";
import type { Model, Models } from "./models.ts";
import { snakeCase } from "./names.ts";

const DRIZZLE =
  /^(sqliteTable|pgTable|mysqlTable|singlestoreTable|createTable|table|sqliteView|pgView|mysqlView)$/;

/** Finds the models of every JavaScript and TypeScript module. */
export function javascriptModels(program: Program, models: Models): void {
  const uses = {
    drizzle: program.uses("drizzle-orm"),
    typeorm: program.uses("typeorm") || program.uses("@nestjs/typeorm"),
    objection: program.uses("objection"),
  };
  program.modules.forEach((module, m) => {
    if (!/^(javascript|typescript|tsx)$/.test(module.language)) return;
    module.functions.forEach((fn, f) => {
      for (const [name, values] of fn.bindings)
        for (const value of values) fromBinding(program, { m, f }, name, value, uses, models);
    });
    module.exports.forEach((one) => {
      if (one.value && one.value.k !== "name")
        fromBinding(program, { m, f: 0 }, one.name, one.value, uses, models);
    });
    module.classes.forEach((cls, c) => {
      if (uses.typeorm) fromEntity(program, m, c, cls, models);
      if (uses.objection) fromObjection(program, m, c, cls, models);
    });
  });
}

function fromBinding(
  program: Program,
  place: Place,
  name: string,
  value: Expr,
  uses: { drizzle: boolean },
  models: Models,
): void {
  if (value.k === "object" && place.f === 0) return schemaObject(program, place, value, models);
  if (value.k !== "call" || models.ofExpr(value)) return;
  const called = calledName(value);
  if (uses.drizzle && DRIZZLE.test(called)) {
    const table = text(program, place, value.args[0]);
    const columns = value.args[1]?.k === "object" ? drizzleColumns(program, place, value.args[1]) : null;
    if (table !== null && columns)
      add(program, place, models, value, table, name, "schema", "drizzle", columns);
  }
}

function drizzleColumns(program: Program, place: Place, object: Expr & { k: "object" }): Map<string, string> {
  const columns = new Map<string, string>();
  for (const { key, value } of object.entries) {
    if (key === null) continue;
    let here: Expr = value;
    while (here.k === "call" && here.callee.k === "member" && here.callee.of.k === "call")
      here = here.callee.of;
    const named = here.k === "call" ? text(program, place, here.args[0]) : null;
    columns.set(key, named ?? key);
  }
  return columns;
}

/** TypeORM: `@Entity("name") class User`. */
function fromEntity(program: Program, m: number, c: number, cls: ClassIR, models: Models): void {
  const place = { m, f: 0 };
  const entity = cls.decorators.find(
    (one): one is Call => one.k === "call" && /^(Entity|ViewEntity|ChildEntity)$/.test(calledName(one)),
  );
  if (!entity) return;
  const given =
    text(program, place, entity.args[0]) ?? text(program, place, entryOf(entity.args, "name") ?? undefined);
  const columns = new Map<string, string>();
  for (const field of cls.fields) {
    const column = field.decorators.find(
      (one): one is Call => one.k === "call" && /Column$/.test(calledName(one)),
    );
    const join = field.decorators.find(
      (one): one is Call => one.k === "call" && calledName(one) === "JoinColumn",
    );
    if (column)
      columns.set(field.name, text(program, place, entryOf(column.args, "name") ?? undefined) ?? field.name);
    else if (join)
      columns.set(
        field.name,
        text(program, place, entryOf(join.args, "name") ?? undefined) ?? `${field.name}Id`,
      );
  }
  add(
    program,
    place,
    models,
    { m, c },
    given ?? snakeCase(cls.name),
    cls.name,
    "orm",
    "typeorm",
    columns,
    cls.at,
  );
}

function fromObjection(program: Program, m: number, c: number, cls: ClassIR, models: Models): void {
  const place = { m, f: 0 };
  const field = cls.fields.find((one) => one.name === "tableName");
  const getter = cls.methods.get("tableName");
  const value =
    field?.value ?? (getter === undefined ? undefined : program.function({ m, f: getter }).returns[0]);
  const table = text(program, place, value ?? undefined);
  if (table !== null)
    add(program, place, models, { m, c }, table, cls.name, "orm", "objection", new Map(), cls.at);
}

const SQL_TYPE =
  /^\s*(integer|int|text|real|blob|numeric|varchar|char|bigint|smallint|serial|bigserial|timestamp|timestamptz|datetime|date|boolean|bool|json|jsonb|uuid|double|float|decimal)(?=[\s(]|$)/i;
/** A constraint, or a type written as SQL writes it: `text` alone is also a kind of input field. */
const SURELY_SQL = /^\s*[A-Z]{3,}(?=[\s(]|$)/;
const CONSTRAINT = /\s(primary\s+key|not\s+null|default|references|autoincrement|unique)\b/i;

/** `{ usageRecords: { columns: { id: "TEXT PRIMARY KEY" } } }`: an object whose keys are tables and whose leaves are SQL types. */
function schemaObject(program: Program, place: Place, object: Expr & { k: "object" }, models: Models): void {
  for (const { key, value, at } of object.entries) {
    if (key === null || value.k !== "object") continue;
    const inner = entryOf([value], "columns") ?? value;
    if (inner.k !== "object" || inner.entries.length === 0) continue;
    const typed = inner.entries.filter((entry) => SQL_TYPE.test(text(program, place, entry.value) ?? ""));
    if (typed.length === 0 || typed.length < inner.entries.length / 2) continue;
    if (
      !typed.some(
        (entry) =>
          SURELY_SQL.test(text(program, place, entry.value) ?? "") ||
          CONSTRAINT.test(text(program, place, entry.value) ?? ""),
      )
    )
      continue;
    const columns = new Map(
      inner.entries.flatMap((entry) =>
        entry.key === null ? [] : [[entry.key, entry.key] as [string, string]],
      ),
    );
    const named = text(
      program,
      place,
      entryOf([value], "tableName") ?? entryOf([value], "name") ?? undefined,
    );
    add(program, place, models, value, named ?? key, key, "schema", "schema", columns, at);
  }
}

function add(
  program: Program,
  place: Place,
  models: Models,
  key: Expr | { m: number; c: number },
  table: string,
  declaredAs: string,
  how: Model["how"],
  family: string,
  columns: Map<string, string>,
  line = "at" in key ? key.at : 1,
): void {
  if (table === "") return;
  models.add({ table, declaredAs, how, family, file: program.module(place.m).file, line, columns }, key);
}

/** The constant text of an expression, or null. */
export function text(program: Program, place: Place, expr: Expr | undefined): string | null {
  if (!expr || expr.k === "object" || expr.k === "function") return null;
  const found = textsOf(program, place, expr)[0];
  if (!found?.every((piece) => "text" in piece)) return null;
  return found.map((piece) => ("text" in piece ? piece.text : "")).join("");
}
