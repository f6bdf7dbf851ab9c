/** The tables that code declares as objects and classes: what a model, a schema object or a struct is in the database. */

import type { TableFact } from "../facts.ts";
import type { Expr } from "../ir.ts";
import type { Place, Program, Ref } from "../program.ts";
import { goModels } from "./go.ts";
import { javascriptModels } from "./javascript.ts";
import { prismaModels } from "./prisma.ts";
import { pythonModels } from "./python.ts";
import { type SequelizeDeclaration, sequelizeModels } from "./sequelize.ts";

export interface Model {
  /** The table's name in the database. */
  table: string;
  /** As the code calls it. */
  declaredAs: string;
  /** Null for a name that code gives to a table which is declared elsewhere (`sa.table("users", …)`). */
  how: TableFact["how"] | null;
  /** `drizzle`, `typeorm`, `sequelize`, `prisma`, `sqlalchemy`, `django`, `peewee`, `gorm`, `objection`, `schema`. */
  family: string;
  file: string;
  line: number;
  /** Attribute in code → column in the database. */
  columns: Map<string, string>;
}

export class Models {
  readonly all: Model[] = [];
  readonly #byClass = new Map<string, Model>();
  readonly #classes = new Map<Model, { m: number; c: number }>();
  readonly #byExpr = new Map<Expr, Model>();
  readonly #byName = new Map<string, Model | null>();
  /** Prisma: client property (lower case) → model. */
  readonly prisma = new Map<string, Model>();
  /** Prisma: the fields of a model that lead to other models. */
  readonly relations = new Map<Model, Map<string, { to: Model; isList: boolean }>>();
  /** Sequelize: what a model was declared with. */
  readonly sequelize = new Map<Model, SequelizeDeclaration>();

  constructor(program: Program) {
    prismaModels(program, this);
    javascriptModels(program, this);
    sequelizeModels(program, this);
    pythonModels(program, this);
    goModels(program, this);
  }

  /** Keeps a model under the class or the expression that declares it. */
  add(model: Model, key: { m: number; c: number } | Expr | null): void {
    this.all.push(model);
    if (key && "k" in key) this.#byExpr.set(key, model);
    else if (key) {
      this.#byClass.set(`${key.m} ${key.c}`, model);
      this.#classes.set(model, key);
    }
    const known = this.#byName.get(model.declaredAs);
    this.#byName.set(model.declaredAs, known === undefined || known?.table === model.table ? model : null);
  }

  ofClass(ref: { m: number; c: number }): Model | null {
    return this.#byClass.get(`${ref.m} ${ref.c}`) ?? null;
  }

  /** The class that declares a model, or null. */
  classOf(model: Model): { m: number; c: number } | null {
    return this.#classes.get(model) ?? null;
  }

  /** The model that a name stands for in the whole tree, when only one does. */
  named(name: string, family: string): Model | null {
    const model = this.#byName.get(name) ?? null;
    return model?.family === family ? model : null;
  }

  ofRef(ref: Ref | null): Model | null {
    if (ref?.t === "class" || ref?.t === "instance") return this.ofClass(ref);
    if (ref?.t === "expr") return this.#byExpr.get(ref.expr) ?? null;
    return null;
  }

  ofExpr(expr: Expr): Model | null {
    return this.#byExpr.get(expr) ?? null;
  }

  /** The model an expression refers to, through names, imports and the call that made it. */
  of(program: Program, place: Place, expr: Expr): Model | null {
    const direct = this.#byExpr.get(expr);
    if (direct) return direct;
    const made = definitionOf(program, place, expr, 0);
    const byMade = made ? this.#byExpr.get(made) : undefined;
    return byMade ?? this.ofRef(program.resolve(place, expr));
  }
}

/** The call behind a name or a member: `users` → `sqliteTable("users", …)`. */
export function definitionOf(program: Program, place: Place, expr: Expr, depth: number): Expr | null {
  if (depth > 10) return null;
  if (expr.k === "call") return expr;
  if (expr.k === "name") {
    for (let f: number | null = place.f; f !== null; ) {
      const fn = program.function({ m: place.m, f });
      const value = fn.bindings.get(expr.name)?.at(-1);
      if (value) return value === expr ? null : definitionOf(program, { m: place.m, f }, value, depth + 1);
      if (fn.params.some((param) => param.name === expr.name)) return null;
      f = fn.outer;
    }
    const module = program.module(place.m);
    const imported = module.imports.find((one) => one.local === expr.name);
    const target = imported ? program.imports.resolve(module, imported.source) : null;
    return target && "module" in target && imported
      ? exportedDefinition(program, target.module, imported.name, depth + 1)
      : null;
  }
  if (expr.k === "member") {
    const of = program.resolve(place, expr.of);
    if (of?.t === "module") return exportedDefinition(program, of.m, expr.name, depth + 1);
    if (of?.t === "expr" && of.expr.k === "object") {
      const value = of.expr.entries.find((entry) => entry.key === expr.name)?.value;
      return value ? definitionOf(program, of.place, value, depth + 1) : null;
    }
  }
  return null;
}

function exportedDefinition(program: Program, m: number, name: string, depth: number): Expr | null {
  if (depth > 10) return null;
  const module = program.module(m);
  for (const one of module.exports) {
    if (one.name !== name && one.name !== "*") continue;
    if (one.value && one.name === name)
      return one.value.k === "name" && one.value.name === name
        ? lastGiven(program, m, name, depth)
        : definitionOf(program, { m, f: 0 }, one.value, depth + 1);
    if (one.source === null) continue;
    const target = program.imports.resolve(module, one.source);
    const found =
      "module" in target ? exportedDefinition(program, target.module, one.from ?? name, depth + 1) : null;
    if (found) return found;
  }
  return lastGiven(program, m, name, depth);
}

function lastGiven(program: Program, m: number, name: string, depth: number): Expr | null {
  const value = program.module(m).functions[0]?.bindings.get(name)?.at(-1);
  if (value) return definitionOf(program, { m, f: 0 }, value, depth + 1);
  const imported = program.module(m).imports.find((one) => one.local === name);
  return imported ? definitionOf(program, { m, f: 0 }, { k: "name", name, at: 0 }, depth + 1) : null;
}
