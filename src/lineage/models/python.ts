/** Models of Python: SQLAlchemy, SQLModel, Django and Peewee. */

import type { ClassIR, Expr } from "../ir.ts";
import { spell } from "../ir.ts";
import type { Place, Program, Ref } from "../program.ts";
import { type Call, calledName, entryOf } from "../sites.ts";
import { textsOf } from "../text.ts";
import { djangoTable, isDjangoModel, isProxy, metaOf } from "./django.ts";
import type { Model, Models } from "./models.ts";
import { snakeCase } from "./names.ts";

type Family = "sqlalchemy" | "sqlmodel" | "flask" | "django" | "peewee";

/** Finds the models of every Python module. */
export function pythonModels(program: Program, models: Models): void {
  program.modules.forEach((module, m) => {
    if (module.language !== "python") return;
    module.classes.forEach((cls, c) => {
      const family = familyOf(program, { m, c }, 0);
      if (family) fromClass(program, m, c, cls, family, models);
    });
    module.functions.forEach((fn, f) => {
      for (const [name, values] of fn.bindings)
        for (const value of values) if (value.k === "call") fromTable(program, { m, f }, name, value, models);
    });
  });
}

/** `users = Table("users", metadata, Column(…))`; `sa.table(…)` and what a migration creates only name a table. */
function fromTable(program: Program, place: Place, name: string, call: Call, models: Models): void {
  const called = calledName(call);
  if (!/^(Table|table|create_table)$/.test(called)) return;
  const ref = program.resolve(place, call.callee);
  const path = ref?.t === "package" ? ref.path : "";
  if (called === "Table" ? !program.uses("sqlalchemy") : !/^(sqlalchemy|alembic)\b/.test(path)) return;
  const table = text(program, place.m, call.args[0], place.f);
  if (table === null) return;
  const columns = new Map<string, string>();
  for (const arg of call.args)
    if (arg.k === "call" && /^[Cc]olumn$/.test(calledName(arg))) {
      const column = text(program, place.m, arg.args[0], place.f);
      if (column !== null) columns.set(column, column);
    }
  const isSchema = called === "Table" && columns.size > 0;
  const { file } = program.module(place.m);
  models.add(
    {
      table,
      declaredAs: name,
      how: isSchema ? "schema" : null,
      family: "sqlalchemy",
      file,
      line: call.at,
      columns,
    },
    call,
  );
}

/** Which library's model a class is, by what it inherits. */
function familyOf(program: Program, of: { m: number; c: number }, depth: number): Family | null {
  if (depth > 8) return null;
  const cls = program.class(of);
  for (const base of cls.bases) {
    if (base.k === "named") continue;
    const ref = program.resolve({ m: of.m, f: 0 }, base);
    const family = ofPackage(spell(base), ref, program);
    if (family) return family;
    if (ref?.t === "package" && isDjangoModel(program, of.m, cls, ref.path)) return "django";
    if (ref?.t === "class" && !(ref.m === of.m && ref.c === of.c)) {
      const inherited = familyOf(program, ref, depth + 1);
      if (inherited) return inherited;
    }
  }
  return cls.fields.some((field) => field.name === "__tablename__") && program.uses("sqlalchemy")
    ? "sqlalchemy"
    : null;
}

function ofPackage(written: string, ref: Ref | null, program: Program): Family | null {
  const path = ref?.t === "package" ? ref.path : "";
  if (/^sqlmodel\.SQLModel/.test(path)) return "sqlmodel";
  if (/declarative_base\(\)|DeclarativeBase|MappedAsDataclass|automap_base\(\)/.test(path))
    return "sqlalchemy";
  if (/^peewee\.|playhouse/.test(path)) return "peewee";
  if (/(^|\.)db\.Model$/.test(written) && program.uses("flask_sqlalchemy")) return "flask";
  if (/flask_sqlalchemy.*\.Model$/.test(path)) return "flask";
  return null;
}

function fromClass(
  program: Program,
  m: number,
  c: number,
  cls: ClassIR,
  family: Family,
  models: Models,
): void {
  const module = program.module(m);
  const meta = metaOf(program, { m, c });
  const field = (of: ClassIR | undefined, name: string): Expr | null =>
    of?.fields.find((one) => one.name === name)?.value ?? null;
  const isAbstract = isTrue(field(cls, "__abstract__")) || isTrue(field(meta, "abstract"));
  if (isAbstract) return;
  const table = family === "django" ? djangoTable(program, { m, c }) : tableOf(program, m, cls, meta, family);
  const inherited =
    table === null && family !== "django" ? inheritedTable(program, { m, c }, family, 0) : null;
  if (table === null && inherited === null) return;
  const columns = columnsOf(program, { m, c }, family, 0);
  const model: Model = {
    table: table ?? (inherited as string),
    declaredAs: cls.name,
    how: inherited !== null || (family === "django" && isProxy(meta)) ? null : "orm",
    family: family === "django" || family === "peewee" ? family : "sqlalchemy",
    file: module.file,
    line: cls.at,
    columns,
  };
  models.add(model, { m, c });
}

function tableOf(
  program: Program,
  m: number,
  cls: ClassIR,
  meta: ClassIR | undefined,
  family: Exclude<Family, "django">,
): string | null {
  const value = (of: ClassIR | undefined, name: string) =>
    of?.fields.find((one) => one.name === name)?.value ?? undefined;
  switch (family) {
    case "peewee":
      return (
        text(program, m, value(meta, "table_name")) ??
        text(program, m, value(meta, "db_table")) ??
        (columnsHere(cls).length > 0 ? cls.name.toLowerCase() : null)
      );
    case "sqlmodel":
      if (!cls.bases.some((base) => base.k === "named" && base.name === "table" && isTrue(base.of)))
        return null;
      return text(program, m, value(cls, "__tablename__")) ?? cls.name.toLowerCase();
    case "flask":
      return (
        text(program, m, value(cls, "__tablename__")) ??
        (columnsHere(cls).length > 0 ? snakeCase(cls.name) : null)
      );
    default:
      return text(program, m, value(cls, "__tablename__"));
  }
}

/** The table of the class that another one extends without a table of its own. */
function inheritedTable(
  program: Program,
  of: { m: number; c: number },
  family: Exclude<Family, "django">,
  depth: number,
): string | null {
  if (depth > 6 || family === "peewee") return null;
  for (const base of program.class(of).bases) {
    const ref = base.k === "named" ? null : program.resolve({ m: of.m, f: 0 }, base);
    if (ref?.t !== "class" || (ref.m === of.m && ref.c === of.c)) continue;
    const cls = program.class(ref);
    const isAbstract = cls.fields.some((one) => one.name === "__abstract__" && isTrue(one.value));
    // What extends a SQLModel is a plain model of data, unless it says `table=True`.
    if (family === "sqlmodel" || isAbstract) continue;
    const own = tableOf(program, ref.m, cls, undefined, family);
    const found = own ?? inheritedTable(program, ref, family, depth + 1);
    if (found !== null) return found;
  }
  return null;
}

function columnsHere(cls: ClassIR): ClassIR["fields"] {
  return cls.fields.filter(
    (field) =>
      (field.value?.k === "call" &&
        /^(Column|mapped_column|[A-Z]\w*Field|ForeignKey)$/.test(calledName(field.value))) ||
      (field.value?.k === "call" && calledName(field.value) === "Column"),
  );
}

function columnsOf(
  program: Program,
  of: { m: number; c: number },
  family: Family,
  depth: number,
): Map<string, string> {
  const columns = new Map<string, string>();
  if (depth > 6) return columns;
  const cls = program.class(of);
  for (const base of cls.bases) {
    const ref = base.k === "named" ? null : program.resolve({ m: of.m, f: 0 }, base);
    if (ref?.t === "class" && !(ref.m === of.m && ref.c === of.c))
      for (const [name, column] of columnsOf(program, ref, family, depth + 1)) columns.set(name, column);
  }
  for (const field of cls.fields) {
    if (field.name.startsWith("__") || field.name === "model_config") continue;
    const value = field.value;
    const called = value?.k === "call" ? calledName(value) : "";
    if (
      /^(relationship|synonym|hybrid_property|column_property|association_proxy|\w*ManyToManyField|GenericForeignKey|GenericRelation|Manager|backref|Relationship|ConfigDict)$/.test(
        called,
      ) ||
      called.endsWith("Manager")
    )
      continue;
    if (value?.k === "call" && (called === "Column" || called === "mapped_column")) {
      columns.set(field.name, text(program, of.m, value.args[0]) ?? field.name);
    } else if (
      family === "django" &&
      /(ForeignKey|OneToOneField|ParentalKey)$/.test(called) &&
      value?.k === "call"
    )
      columns.set(
        field.name,
        text(program, of.m, entryOf(value.args, "db_column") ?? undefined) ?? `${field.name}_id`,
      );
    else if ((family === "django" || family === "peewee") && /Field$/.test(called) && value?.k === "call")
      columns.set(
        field.name,
        text(
          program,
          of.m,
          entryOf(value.args, family === "django" ? "db_column" : "column_name") ?? undefined,
        ) ?? field.name,
      );
    else if (family === "peewee" && called === "ForeignKeyField") columns.set(field.name, `${field.name}_id`);
    else if (
      (family === "sqlmodel" || family === "sqlalchemy") &&
      field.type &&
      called !== "relationship" &&
      !/^_/.test(field.name) &&
      (value === null || called === "Field")
    )
      columns.set(field.name, field.name);
  }
  return columns;
}

function text(program: Program, m: number, expr: Expr | undefined, f = 0): string | null {
  if (!expr || expr.k === "object") return null;
  const found = textsOf(program, { m, f }, expr)[0];
  if (!found?.every((piece) => "text" in piece)) return null;
  return found.map((piece) => ("text" in piece ? piece.text : "")).join("");
}

function isTrue(expr: Expr | null): boolean {
  return expr?.k === "value" && expr.value === true;
}
