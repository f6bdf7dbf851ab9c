/** What code gives the fields of Go's structs, anywhere in the tree: Go has no constructor that would hold it. */

import { type Expr, partsOf } from "./ir.ts";
import { dotted } from "./lower/builder.ts";
import type { Program } from "./program.ts";
import type { Place, Ref } from "./refs.ts";

/** A value, and the place that sees it. */
export interface Given {
  place: Place;
  expr: Expr;
}

interface Assignment extends Given {
  /** What the field belongs to: the type of a composite literal, or the variable left of the dot. */
  holder: Expr;
}

interface ClassRef {
  m: number;
  c: number;
}

/** Struct embedding may go this deep. */
const EMBEDDED_MAX = 8;

export class GoFields {
  readonly #program: Program;
  /** Field name → assignments whose struct nobody asked for yet; null until the tree is read. */
  #unplaced: Map<string, Assignment[]> | null = null;
  /** `m c name` → values. */
  readonly #values = new Map<string, Given[]>();

  constructor(program: Program) {
    this.#program = program;
  }

  /** Every value that the field of a struct, or of a struct embedded in it, is given; in the order of files. */
  of(struct: ClassRef, name: string): readonly Given[] {
    const owner = this.#ownerOf(struct, name, 0);
    if (!owner) return [];
    this.#place(name);
    return this.#values.get(`${owner.m} ${owner.c} ${name}`) ?? [];
  }

  /** The query that a library for named queries puts into a field: `Insert *sqlx.Stmt `query:"insert-user"``. */
  queryOf(struct: ClassRef, name: string): string | null {
    const owner = this.#ownerOf(struct, name, 0);
    const field = owner && this.#program.class(owner).fields.find((one) => one.name === name);
    return /\bquery:"([^"]+)"/.exec(field?.tag ?? "")?.[1] ?? null;
  }

  /** The struct that a reference is an instance of, composite literals included; null for anything else. */
  structOf(ref: Ref | null): ClassRef | null {
    if (ref?.t === "class" || ref?.t === "instance") return ref;
    if (ref?.t !== "expr" || ref.expr.k !== "object" || !ref.expr.type) return null;
    const type = this.#program.resolve(ref.place, ref.expr.type);
    return type?.t === "class" ? type : null;
  }

  /** The struct that declares a field: this one, or the one embedded in it that Go promotes the field from. */
  #ownerOf(struct: ClassRef, name: string, depth: number): ClassRef | null {
    const cls = this.#program.class(struct);
    if (cls.fields.some((field) => field.name === name)) return struct;
    for (const base of depth < EMBEDDED_MAX ? cls.bases : []) {
      const embedded = this.#program.resolve({ m: struct.m, f: 0 }, base);
      const owner = embedded?.t === "class" ? this.#ownerOf(embedded, name, depth + 1) : null;
      if (owner) return owner;
    }
    return null;
  }

  /** Finds the struct of every assignment to a field of this name, once. */
  #place(name: string): void {
    const unplaced = this.#read();
    const assignments = unplaced.get(name) ?? [];
    unplaced.delete(name);
    for (const { place, holder, expr } of assignments) {
      const struct = this.structOf(this.#program.resolve(place, holder));
      const owner = struct ? this.#ownerOf(struct, name, 0) : null;
      if (!owner) continue;
      const key = `${owner.m} ${owner.c} ${name}`;
      const known = this.#values.get(key);
      if (known) known.push({ place, expr });
      else this.#values.set(key, [{ place, expr }]);
    }
  }

  #read(): Map<string, Assignment[]> {
    if (this.#unplaced) return this.#unplaced;
    const found = new Map<string, Assignment[]>();
    this.#unplaced = found;
    const add = (name: string, assignment: Assignment) => {
      const known = found.get(name);
      if (known) known.push(assignment);
      else found.set(name, [assignment]);
    };
    this.#program.modules.forEach((module, m) => {
      if (module.language !== "go") return;
      module.functions.forEach((fn, f) => {
        const place = { m, f };
        for (const root of fn.roots) this.#literals(root, place, add);
        for (const [path, values] of fn.bindings) {
          const dot = path.lastIndexOf(".");
          if (dot < 0 || !/^[\w.]+$/.test(path)) continue;
          for (const expr of values)
            add(path.slice(dot + 1), { place, holder: dotted(path.slice(0, dot), expr.at), expr });
        }
      });
    });
    return found;
  }

  /** `Store{query: "…"}` and `Store{db, "…"}`. */
  #literals(expr: Expr, place: Place, add: (name: string, assignment: Assignment) => void): void {
    if (expr.k === "object" && expr.type) {
      const holder = expr.type;
      if (expr.entries.every((entry) => entry.key === null)) {
        const type = expr.entries.length > 0 ? this.#program.resolve(place, holder) : null;
        const fields = type?.t === "class" ? this.#program.class(type).fields : [];
        expr.entries.forEach(({ value }, i) => {
          if (fields[i]) add(fields[i].name, { place, holder, expr: value });
        });
      } else
        for (const { key, value } of expr.entries) if (key !== null) add(key, { place, holder, expr: value });
    }
    for (const part of partsOf(expr)) this.#literals(part, place, add);
  }
}
