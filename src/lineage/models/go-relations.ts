/** How GORM's models hang together: the struct behind a field, and the table that joins the two. */

import { elementOf } from "../go-scope.ts";
import type { Expr, Field } from "../ir.ts";
import type { Program } from "../program.ts";
import { namingOf } from "./go.ts";

export interface Struct {
  m: number;
  c: number;
}

export interface Relation {
  /** `owner` holds the foreign key, or the target does, or a table of its own. */
  keyIn: "owner" | "target" | "join";
  target: Struct;
  /** The table between the two of `many2many`, or null. */
  joinTable: string | null;
}

/** Embedded structs may go this deep. */
const EMBEDDED_MAX = 6;

/** The relation that a field of a model is; null for a column and for what is no field. */
export function relationOf(program: Program, owner: Struct, name: string): Relation | null {
  const fields = fieldsOf(program, owner, 0);
  const found = fields.find((one) => one.field.name === name);
  return found ? relationBy(program, found, fields) : null;
}

/** The relations that a path of fields goes over: `Forked.User`. What comes after an unknown step is unknown. */
export function relationsAlong(program: Program, owner: Struct, path: string): Relation[] {
  const found: Relation[] = [];
  let here = owner;
  for (const name of path.split(".")) {
    const relation = relationOf(program, here, name);
    if (!relation) break;
    found.push(relation);
    here = relation.target;
  }
  return found;
}

/** Every relation of a model to a struct that has a key of its own: what `clause.Associations` stands for. */
export function relationsOf(program: Program, owner: Struct): Relation[] {
  const fields = fieldsOf(program, owner, 0);
  return fields.flatMap((one) => {
    const relation = relationBy(program, one, fields);
    const isModel = relation && fieldsOf(program, relation.target, 0).some(({ field }) => isKey(field));
    return isModel ? [relation] : [];
  });
}

function isKey({ name, tag }: Field): boolean {
  return name === "ID" || name === "Id" || /\bgorm:"[^"]*primary_?key/i.test(tag ?? "");
}

/** A field with the struct that declares it. */
interface Declared {
  of: Struct;
  field: Field;
}

/** The fields of a struct and of those embedded in it. */
function fieldsOf(program: Program, struct: Struct, depth: number): Declared[] {
  return program.class(struct).fields.flatMap((field): Declared[] => {
    const isEmbedded = field.name === "" || /\bgorm:"[^"]*\bembedded\b/.test(field.tag ?? "");
    if (!isEmbedded) return [{ of: struct, field }];
    // What stands in gorm.Model is known without its source.
    const inner = depth < EMBEDDED_MAX ? structBehind(program, struct, field.type) : null;
    return inner ? fieldsOf(program, inner, depth + 1) : [{ of: struct, field: { ...field, name: "ID" } }];
  });
}

function structBehind(program: Program, of: Struct, type: Expr | null): Struct | null {
  const element = type?.k === "list" ? type.items[0] : type;
  const ref = element ? program.resolve({ m: of.m, f: 0 }, element) : null;
  const struct = ref?.t === "class" ? elementOf(program, ref) : null;
  return struct && program.class(struct).fields.length > 0 ? struct : null;
}

/** A list, or a named one: `type Orders []Order`. */
function holdsMany(program: Program, of: Struct, { type }: Field): boolean {
  const ref = type && type.k !== "list" ? program.resolve({ m: of.m, f: 0 }, type) : null;
  return type?.k === "list" || (ref?.t === "class" && program.class(ref).element !== undefined);
}

function relationBy(program: Program, { of, field }: Declared, fields: readonly Declared[]): Relation | null {
  const tag = /\bgorm:"([^"]*)"/.exec(field.tag ?? "")?.[1] ?? "";
  if (/(^|;)-(;|:|$)|serializer:|(^|;)type:/.test(tag)) return null;
  const target = structBehind(program, of, field.type);
  if (!target) return null;
  const between = /(?:^|;)many2many:([^;]+)/i.exec(tag)?.[1];
  if (between) return { keyIn: "join", target, joinTable: namingOf(program).joinTable(between) };
  const key = /(?:^|;)foreignKey:([^;,]+)/i.exec(tag)?.[1] ?? `${field.name}ID`;
  const isOne = !holdsMany(program, of, field) && !/polymorphic/i.test(tag);
  const holds = fields.some((one) => one.field.name.toLowerCase() === key.trim().toLowerCase());
  return { keyIn: isOne && holds ? "owner" : "target", target, joinTable: null };
}
