/** Which managers Django's models have, which methods of this tree they give, and what views query. */

import type { Expr } from "../../ir.ts";
import type { Model, Models } from "../../models/models.ts";
import type { Program } from "../../program.ts";
import { calledName } from "../../sites.ts";
import type { Query } from "./held.ts";
import type { Values } from "./values.ts";

type ClassRef = { m: number; c: number };

interface Manager {
  classes: ClassRef[];
  /** It is of a package: it may have further methods. */
  isOpen: boolean;
}

/** Managers that every model has. */
const STANDARD = /^(objects|_default_manager|_base_manager)$/;

export class Managers {
  readonly #program: Program;
  readonly #models: Models;
  /** Manager or queryset class → the models that have it. */
  readonly #users = new Map<string, Set<Model>>();
  readonly #known = new Map<Model, Map<string, Manager>>();

  constructor(program: Program, models: Models) {
    this.#program = program;
    this.#models = models;
    for (const model of models.all) {
      if (model.family !== "django") continue;
      for (const manager of this.#of(model).values())
        for (const { m, c } of manager.classes.flatMap((cls) => classesOf(program, cls))) {
          const key = `${m} ${c}`;
          this.#users.set(key, (this.#users.get(key) ?? new Set()).add(model));
        }
    }
  }

  /** Names of the methods that managers and querysets of this tree have. */
  methods(): Set<string> {
    const names = new Set<string>();
    for (const key of this.#users.keys()) {
      const [m = 0, c = 0] = key.split(" ").map(Number);
      for (const name of this.#program.class({ m, c }).methods.keys()) names.add(name);
    }
    return names;
  }

  /** The model that a manager or queryset class works on, where there is one. */
  modelOf(cls: ClassRef): Model | null {
    const users = this.#users.get(`${cls.m} ${cls.c}`);
    if (users) return users.size === 1 ? ([...users][0] ?? null) : null;
    if (!isManagerClass(this.#program, cls)) return null;
    for (const base of this.#program.class(cls).bases) {
      // `class Items(models.Manager["Item"])`.
      const type: Expr | null =
        base.k === "index"
          ? base.key
          : base.k === "member" && /(Manager|QuerySet)$/.test(calledPath(base.of))
            ? { k: "name", name: base.name, at: base.at }
            : null;
      const ref = type ? this.#program.resolve({ m: cls.m, f: 0 }, type) : null;
      if (ref?.t === "class") return this.#models.ofClass(ref);
    }
    return null;
  }

  /** The manager of this name, as a query on all rows. */
  manager(values: Values, model: Model, name: string): Query | null {
    const own = this.#of(model).get(name);
    if (own) return values.all(model, own.classes, own.isOpen);
    // `Order.global_objects` of a soft-deleting model of a package.
    if (/^\w+_objects$/.test(name) && this.#isOpen(model)) return values.all(model, [], true);
    return STANDARD.test(name) ? this.standard(values, model) : null;
  }

  /** The manager that relations use. */
  standard(values: Values, model: Model): Query {
    const managers = this.#of(model);
    const own = managers.get("objects") ?? [...managers.values()][0];
    return values.all(model, own?.classes ?? [], own?.isOpen ?? this.#isOpen(model));
  }

  /** Django's own models and those that extend a model of a package have managers that the tree does not show. */
  #isOpen(model: Model): boolean {
    const of = this.#models.classOf(model);
    if (!of) return true;
    return classesOf(this.#program, of).some(({ m, c }) =>
      this.#program.class({ m, c }).bases.some((base) => {
        const ref = base.k === "named" ? null : this.#program.resolve({ m, f: 0 }, base);
        return ref?.t === "package" && !/^django\.(contrib\.gis\.)?db\.models\.Model$/.test(ref.path);
      }),
    );
  }

  #of(model: Model): Map<string, Manager> {
    const known = this.#known.get(model);
    if (known) return known;
    const found = new Map<string, Manager>();
    const of = this.#models.classOf(model);
    for (const { m, c } of of ? classesOf(this.#program, of) : [])
      for (const { name, value } of this.#program.class({ m, c }).fields) {
        const manager = value && !found.has(name) ? managerOf(this.#program, m, value) : null;
        if (manager) found.set(name, manager);
      }
    this.#known.set(model, found);
    return found;
  }
}

/** `Items()`, `Items.as_manager()`, `Items.from_queryset(Rows)()`. */
function managerOf(program: Program, m: number, value: Expr): Manager | null {
  if (value.k !== "call") return null;
  const { callee } = value;
  if (callee.k === "call" && calledName(callee) === "from_queryset")
    return mergedOf(program, m, [callee.callee.k === "member" ? callee.callee.of : null, callee.args[0]]);
  const isMade = callee.k === "member" && callee.name === "as_manager";
  return mergedOf(program, m, [isMade ? callee.of : callee]);
}

function mergedOf(program: Program, m: number, of: readonly (Expr | null | undefined)[]): Manager | null {
  const manager: Manager = { classes: [], isOpen: false };
  for (const expr of of) {
    const ref = expr ? program.resolve({ m, f: 0 }, expr) : null;
    if (ref?.t === "class" && isManagerClass(program, ref)) {
      manager.classes.push(ref);
      if (extendsUnknown(program, ref)) manager.isOpen = true;
    } else if (ref?.t === "package" && /(Manager|QuerySet)(\(\))?$/.test(ref.path)) {
      if (!/^django\.(contrib\.gis\.)?db\.models\./.test(ref.path)) manager.isOpen = true;
    } else return null;
  }
  return manager;
}

/** A class of this tree that extends one of Django's managers or querysets. */
function isManagerClass(program: Program, cls: ClassRef): boolean {
  return basePaths(program, cls).some((path) => /(Manager|QuerySet)\b/.test(path));
}

function extendsUnknown(program: Program, cls: ClassRef): boolean {
  return basePaths(program, cls).some(
    (path) => /(Manager|QuerySet)\b/.test(path) && !/^django\.(contrib\.gis\.)?db\.models\./.test(path),
  );
}

/** What the class and its bases in the tree extend of packages. */
export function basePaths(program: Program, cls: ClassRef): string[] {
  return classesOf(program, cls).flatMap(({ m, c }) =>
    program.class({ m, c }).bases.flatMap((base) => {
      const plain = base.k === "index" ? base.of : base;
      const call = plain.k === "call" && plain.callee.k === "member" ? plain.callee.of : plain;
      const ref = plain.k === "named" ? null : program.resolve({ m, f: 0 }, call);
      return ref?.t === "package" ? [ref.path] : [];
    }),
  );
}

/** A class and its bases in the tree, nearest first. */
export function classesOf(program: Program, cls: ClassRef): ClassRef[] {
  const found: ClassRef[] = [cls];
  for (let i = 0; i < found.length && i < 24; i++) {
    const { m, c } = found[i] as ClassRef;
    for (const base of program.class({ m, c }).bases) {
      if (base.k === "named") continue;
      const plain = base.k === "index" ? base.of : base;
      const refs = [plain, ...(plain.k === "call" ? plain.args : [])].map((one) =>
        program.resolve({ m, f: 0 }, one),
      );
      for (const ref of refs)
        if (ref?.t === "class" && !found.some((one) => one.m === ref.m && one.c === ref.c)) found.push(ref);
    }
  }
  return found;
}

/** The query of a view or a view set: its `queryset`, or all rows of its `model`. */
export function modelOfView(values: Values, of: ClassRef): Query | null {
  const { program } = values.ctx;
  if (!basePaths(program, of).some((path) => /(View|ViewSet|Mixin|Admin)$/.test(path))) return null;
  for (const { m, c } of classesOf(program, of))
    for (const name of ["queryset", "model"]) {
      const value = program.class({ m, c }).fields.find((field) => field.name === name)?.value;
      const held = value ? values.of({ m, f: 0 }, value) : null;
      if (held?.t === "query") return { ...held, isLocal: false };
      if (held?.t === "model") return { ...values.all(held.model), isLocal: false };
    }
  return null;
}

function calledPath(expr: Expr): string {
  return expr.k === "name" || expr.k === "member" ? expr.name : "";
}
