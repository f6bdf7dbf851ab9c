/** What the lowerings of all languages share: functions, classes and scopes of one module under construction. */

import type { ClassIR, Expr, FunctionIR, Language, ModuleIR } from "../ir.ts";
import type { Node, Syntax } from "../syntax.ts";

export const NOTHING: Expr = { k: "other", of: [], at: 0 };

/** Builds one ModuleIR; `current` is the function whose body is being read. */
export class Builder {
  readonly module: ModuleIR;
  readonly syntax: Syntax;
  current: FunctionIR;
  currentIndex = 0;

  constructor(file: string, language: Language, isTest: boolean, syntax: Syntax) {
    this.syntax = syntax;
    this.module = emptyModule(file, language, isTest);
    this.module.brokenAt = syntax.brokenAt;
    this.current = this.addFunction("<module>", "module", syntax.root, null);
  }

  at(node: Node): number {
    return this.syntax.lineAt(node.start);
  }

  text(node: Node): string {
    return this.syntax.text(node);
  }

  /** Source between two offsets: operators and keywords that are no named nodes. */
  between(start: number, end: number): string {
    return this.syntax.source.slice(start, end).trim();
  }

  addFunction(name: string, rank: FunctionIR["rank"], node: Node, outer: number | null): FunctionIR {
    const fn: FunctionIR = {
      name,
      qualified: name,
      at: this.at(node),
      end: this.syntax.lineAt(Math.max(node.start, node.end - 1)),
      outer,
      cls: null,
      receiver: null,
      rank,
      params: [],
      decorators: [],
      bindings: new Map(),
      blockEnds: null,
      types: null,
      roots: [],
      returns: [],
    };
    this.module.functions.push(fn);
    return fn;
  }

  indexOf(fn: FunctionIR): number {
    return this.module.functions.lastIndexOf(fn);
  }

  addClass(name: string, node: Node, outer: number | null): ClassIR {
    const cls: ClassIR = {
      name,
      at: this.at(node),
      bases: [],
      decorators: [],
      fields: [],
      methods: new Map(),
      outer,
    };
    this.module.classes.push(cls);
    return cls;
  }

  /** Reads a body with `fn` as the current function. */
  inside(fn: FunctionIR, work: () => void): void {
    const [outer, outerIndex] = [this.current, this.currentIndex];
    this.current = fn;
    this.currentIndex = this.indexOf(fn);
    work();
    this.current = outer;
    this.currentIndex = outerIndex;
  }

  /** Gives a value to a name in the current function. */
  bind(name: string, value: Expr): void {
    this.#bindIn(this.current, name, value);
  }

  /** Appends values to the list that a name holds, here or in a function around. */
  grow(name: string, values: readonly Expr[]): void {
    let fn = this.current;
    while (!fn.bindings.has(name) && fn.outer !== null) fn = this.module.functions[fn.outer] as FunctionIR;
    for (const value of values) this.#bindIn(fn, `${name}[]`, value);
  }

  #bindIn(fn: FunctionIR, name: string, value: Expr): void {
    const known = fn.bindings.get(name);
    if (!known) {
      fn.bindings.set(name, [value]);
      this.#firstEnds.set(value, this.#blockEnd);
      return;
    }
    fn.blockEnds ??= new Map();
    const ends = fn.blockEnds.get(name);
    if (ends) ends.push(this.#blockEnd);
    else fn.blockEnds.set(name, [this.#firstEnds.get(known[0] as Expr) ?? 0, this.#blockEnd]);
    known.push(value);
  }

  /** The block ends of names that have one value so far: most never get another. */
  readonly #firstEnds = new Map<Expr, number>();
  #blockEnd = Number.MAX_SAFE_INTEGER;

  /** Reads the statements of a block: what is given a value in it holds to its end. */
  inBlock(block: Node, work: () => void): void {
    const outer = this.#blockEnd;
    this.#blockEnd = this.syntax.lineAt(Math.max(block.start, block.end - 1));
    work();
    this.#blockEnd = outer;
  }

  /** Keeps an expression of the body; one that only reads names and numbers says nothing to any later stage. */
  root(expr: Expr): void {
    if (saysSomething(expr)) this.current.roots.push(expr);
  }
}

function saysSomething(expr: Expr): boolean {
  switch (expr.k) {
    case "name":
    case "value":
      return false;
    case "member":
    case "item":
      return saysSomething(expr.of);
    case "index":
      return saysSomething(expr.of) || saysSomething(expr.key);
    case "other":
    case "either":
      return expr.of.some(saysSomething);
    default:
      return true;
  }
}

/** A module in which nothing is declared yet. */
export function emptyModule(file: string, language: Language, isTest: boolean): ModuleIR {
  return {
    file,
    language,
    isTest,
    package: null,
    functions: [],
    classes: [],
    imports: [],
    exports: [],
    directives: [],
    text: null,
    brokenAt: null,
  };
}

/** A dotted name as an expression: `models.Usage`. */
export function dotted(path: string, at: number): Expr {
  const [first = "", ...rest] = path.split(".");
  let expr: Expr = { k: "name", name: first, at };
  for (const name of rest) expr = { k: "member", of: expr, name, at };
  return expr;
}

/** Joins the parts of a text, merging neighbours. */
export function textOf(parts: readonly (string | Expr)[], at: number): Expr {
  return { k: "text", parts: [...parts], at };
}
