/** Models of Go: the structs that GORM stores. */

import { type ClassIR, type Expr, partsOf, spell } from "../ir.ts";
import type { Program } from "../program.ts";
import { textsOf } from "../text.ts";
import type { Models } from "./models.ts";
import { pluralOf, snakeCase } from "./names.ts";

/** The packages of GORM, both of its major versions. */
export const GORM = /^(?:gorm\.io\/(?:gorm|plugin)|github\.com\/jinzhu\/gorm)\b/;

/** Every struct with GORM tags, an embedded gorm.Model or a TableName method; others are models once GORM is given them. */
export function goModels(program: Program, models: Models): void {
  if (!program.uses("gorm.io/gorm") && !program.uses("github.com/jinzhu/gorm")) return;
  program.modules.forEach((module, m) => {
    if (module.language !== "go") return;
    module.classes.forEach((cls, c) => {
      const named = program.classMember({ m, c }, "TableName");
      const isModel =
        named !== null ||
        cls.fields.some((field) => (field.tag ? /\bgorm:/.test(field.tag) : false)) ||
        cls.bases.some((base) => spell(base) === "gorm.Model");
      if (!isModel) return;
      models.add(
        {
          table: tableNameOf(program, m, c, cls),
          declaredAs: cls.name,
          how: "orm",
          family: "gorm",
          file: module.file,
          line: cls.at,
          columns: columnsOf(program, { m, c }, 0),
        },
        { m, c },
      );
    });
  });
}

/** What `TableName()` returns, else the plural in snake case. */
export function tableNameOf(program: Program, m: number, c: number, cls: ClassIR): string {
  const method = program.classMember({ m, c }, "TableName");
  if (method?.t === "function") {
    const value = program
      .function(method)
      .returns.find((one) => one.k === "text" || one.k === "name" || one.k === "member");
    const found = value ? textsOf(program, method, value)[0] : undefined;
    if (found?.every((piece) => "text" in piece))
      return found.map((piece) => ("text" in piece ? piece.text : "")).join("");
  }
  return namingOf(program).table(cls.name);
}

/** How GORM names the tables of a program. */
export interface Naming {
  /** The table of a struct. */
  table(name: string): string;
  /** The table that `many2many:name` names. */
  joinTable(name: string): string;
}

const namings = new WeakMap<Program, Naming>();

/** GORM's own naming, with the prefix and the singular that a `schema.NamingStrategy` of the program asks for. */
export function namingOf(program: Program): Naming {
  let naming = namings.get(program);
  if (!naming) {
    const { prefix, isSingular } = strategyOf(program);
    const table = (name: string) => prefix + (isSingular ? snakeCase(name) : pluralOf(snakeCase(name)));
    naming = { table, joinTable: (name) => (name === name.toLowerCase() ? prefix + name : table(name)) };
    namings.set(program, naming);
  }
  return naming;
}

function strategyOf(program: Program): { prefix: string; isSingular: boolean } {
  for (let m = 0; m < program.modules.length; m++) {
    const { language, imports, functions } = program.module(m);
    if (language !== "go" || !imports.some((one) => one.source === "gorm.io/gorm/schema")) continue;
    for (let f = 0; f < functions.length; f++)
      for (const root of program.function({ m, f }).roots) {
        const found = strategyIn(root);
        if (!found) continue;
        const entry = (key: string) => found.entries.find((one) => one.key === key)?.value;
        const [prefix, singular] = [entry("TablePrefix"), entry("SingularTable")];
        const text = prefix ? textsOf(program, { m, f }, prefix)[0] : undefined;
        return {
          prefix: text?.map((piece) => ("text" in piece ? piece.text : "")).join("") ?? "",
          isSingular: singular?.k === "value" && singular.value === true,
        };
      }
  }
  return { prefix: "", isSingular: false };
}

function strategyIn(expr: Expr): (Expr & { k: "object" }) | null {
  if (expr.k === "object" && expr.type && spell(expr.type) === "schema.NamingStrategy") return expr;
  for (const part of partsOf(expr)) {
    const found = strategyIn(part);
    if (found) return found;
  }
  return null;
}

function columnsOf(program: Program, of: { m: number; c: number }, depth: number): Map<string, string> {
  const columns = new Map<string, string>();
  if (depth > 6) return columns;
  for (const field of program.class(of).fields) {
    const tag = /\bgorm:"([^"]*)"/.exec(field.tag ?? "")?.[1] ?? "";
    if (/(^|;)-(;|:|$)/.test(tag)) continue;
    if (field.name === "") {
      if (field.type && spell(field.type) === "gorm.Model")
        for (const name of ["ID", "CreatedAt", "UpdatedAt", "DeletedAt"]) columns.set(name, snakeCase(name));
      const ref = field.type ? program.resolve({ m: of.m, f: 0 }, field.type) : null;
      if (ref?.t === "class")
        for (const [name, column] of columnsOf(program, ref, depth + 1)) columns.set(name, column);
      continue;
    }
    if (!/^\p{Lu}/u.test(field.name)) continue;
    const column = /(?:^|;)column:([^;]+)/i.exec(tag)?.[1];
    const ref = field.type
      ? program.resolve(
          { m: of.m, f: 0 },
          field.type.k === "list" && field.type.items[0] ? field.type.items[0] : field.type,
        )
      : null;
    // Another struct is a relation, unless it is stored as text.
    if (
      !column &&
      ref?.t === "class" &&
      program.class(ref).fields.length > 0 &&
      !/serializer|type:/.test(tag)
    )
      continue;
    columns.set(field.name, column ?? snakeCase(field.name));
  }
  return columns;
}
