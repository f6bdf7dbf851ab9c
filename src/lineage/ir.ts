/** One small language for all source languages: what a file declares, calls and says, without its syntax. */

export const LANGUAGES = ["javascript", "typescript", "tsx", "python", "go", "sql", "prisma"] as const;
export type Language = (typeof LANGUAGES)[number];

/** An expression. `at` is its 1-based line. */
export type Expr =
  | { k: "text"; parts: (string | Expr)[]; at: number }
  | { k: "name"; name: string; at: number }
  | { k: "member"; of: Expr; name: string; at: number }
  | { k: "index"; of: Expr; key: Expr; at: number }
  /** `isNew`: `new X()`; `end`: its last line. */
  | { k: "call"; callee: Expr; args: Expr[]; at: number; isNew: boolean }
  | { k: "tagged"; tag: Expr; text: Expr; at: number }
  /** `type`: the type of a Go composite literal. A null key is a spread or a computed key. */
  | { k: "object"; entries: Entry[]; type: Expr | null; at: number }
  | { k: "list"; items: Expr[]; at: number }
  | { k: "function"; fn: number; at: number }
  | { k: "value"; value: number | boolean | null; at: number }
  /** A value that is one of these: `a ?? b`, `c ? a : b`. */
  | { k: "either"; of: Expr[]; at: number }
  /** A named argument. */
  | { k: "named"; name: string; of: Expr; at: number }
  /** What a component shows: `<Chart/>`. */
  | { k: "element"; name: Expr; at: number }
  /** A regular expression literal. */
  | { k: "regex"; source: string; at: number }
  /** One of the values of a collection, as a loop variable holds it; `index` where a pattern says which: `[user, isNew]`. */
  | { k: "item"; of: Expr; at: number; index?: number }
  /** Anything else; its parts are kept for the calls in them. */
  | { k: "other"; of: Expr[]; at: number };

export interface Entry {
  key: string | null;
  value: Expr;
  at: number;
}

export interface Param {
  name: string;
  type: Expr | null;
  initial: Expr | null;
}

export interface FunctionIR {
  /** Bare name; "" for an anonymous function. */
  name: string;
  qualified: string;
  at: number;
  end: number;
  /** Index of the function around it; null for the module itself. */
  outer: number | null;
  /** Index of the class it is a method of (JavaScript, Python), or null. */
  cls: number | null;
  /** Name of the receiver's type (Go), or null. */
  receiver: string | null;
  /** `named` stands for itself; `inner` and `anonymous` belong to the nearest named one. */
  rank: "module" | "named" | "inner" | "anonymous";
  params: Param[];
  decorators: Expr[];
  /** Every value a local name is given, in order; `name[]` holds what is appended to the list of that name. */
  bindings: Map<string, Expr[]>;
  /** For a name that is given several values, the last line of the block in which each is given; null without any. */
  blockEnds: Map<string, number[]> | null;
  /** The expressions of its body. */
  roots: Expr[];
  returns: Expr[];
}

export interface Field {
  name: string;
  value: Expr | null;
  type: Expr | null;
  decorators: Expr[];
  /** A Go struct tag. */
  tag: string | null;
  at: number;
}

export interface ClassIR {
  name: string;
  at: number;
  bases: Expr[];
  decorators: Expr[];
  fields: Field[];
  /** Method name → function index. */
  methods: Map<string, number>;
  /** Index of the class around it (Django's Meta), or null. */
  outer: number | null;
}

export interface ImportIR {
  local: string;
  source: string;
  /** What is taken from the source: a name, `default`, or `*` for the module itself. */
  name: string;
  at: number;
}

export interface ExportIR {
  /** The name outside; `*` re-exports everything. */
  name: string;
  /** What it is inside; null for a re-export. */
  value: Expr | null;
  source: string | null;
  /** The name at the source of a re-export. */
  from: string | null;
}

export interface ModuleIR {
  /** Relative to the input, with `/`. */
  file: string;
  language: Language;
  isTest: boolean;
  /** Go: the package's name. */
  package: string | null;
  functions: FunctionIR[];
  classes: ClassIR[];
  imports: ImportIR[];
  exports: ExportIR[];
  /** Directives that stand first: `use server`. */
  directives: string[];
  /** .sql and schema.prisma: the text itself. */
  text: string | null;
  /** Line of the first syntax error, or null. */
  brokenAt: number | null;
}

/** The direct parts of an expression. */
export function partsOf(expr: Expr): readonly Expr[] {
  switch (expr.k) {
    case "text":
      return expr.parts.filter((part): part is Expr => typeof part !== "string");
    case "member":
    case "named":
    case "item":
      return [expr.of];
    case "index":
      return [expr.of, expr.key];
    case "call":
      return [expr.callee, ...expr.args];
    case "tagged":
      return [expr.tag, expr.text];
    case "object":
      return expr.type ? [expr.type, ...expr.entries.map((e) => e.value)] : expr.entries.map((e) => e.value);
    case "list":
      return expr.items;
    case "either":
    case "other":
      return expr.of;
    case "element":
      return [expr.name];
    default:
      return [];
  }
}

/** `a.b.c` of an expression, calls as `()`: what a person would call it. Cut to 200 characters. */
export function spell(expr: Expr): string {
  const text = spellFully(expr, 0);
  return text.length > 200 ? `${text.slice(0, 199)}…` : text;
}

function spellFully(expr: Expr, depth: number): string {
  if (depth > 30) return "…";
  switch (expr.k) {
    case "name":
      return expr.name;
    case "member":
      return `${spellFully(expr.of, depth + 1)}.${expr.name}`;
    case "call":
      return `${expr.isNew ? "new " : ""}${spellFully(expr.callee, depth + 1)}()`;
    case "index":
      return `${spellFully(expr.of, depth + 1)}[…]`;
    case "either":
      return expr.of[0] ? spellFully(expr.of[0], depth + 1) : "…";
    case "function":
      return "(function)";
    case "element":
      return spellFully(expr.name, depth + 1);
    case "other":
      return expr.of.length === 1 && expr.of[0] ? spellFully(expr.of[0], depth + 1) : "…";
    default:
      return "…";
  }
}
