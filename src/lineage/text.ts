/** What texts an expression can be: constants followed across modules, templates joined, interpolations kept as holes. */

import { EMBEDS, type Expr } from "./ir.ts";
import type { Place, Program } from "./program.ts";
import { valuesAt } from "./reaching.ts";
import { holeName } from "./sql/parse.ts";
import { embeddedSql, namedSql } from "./sql-files.ts";

/** Values one expression may have before the rest is left out. */
const ALTERNATIVES_MAX = 12;
const DEPTH_MAX = 16;
const CHARS_MAX = 400_000;

/** A constant stretch with where it stands, or something that only run time knows. */
export type Piece = { text: string; m: number; at: number } | { hole: Expr; place: Place };
export type Text = Piece[];

/** A text as one string, holes as names that no table has, and the way back to its lines. */
export interface Flat {
  sql: string;
  /** Where an offset of `sql` stands. */
  locate(offset: number): { m: number; line: number };
  /** No hole at all. */
  constant: boolean;
}

type Name = Expr & { k: "name" };

/** What stands for a hole, when it can be known: a table object's name. */
export type HoleName = (hole: Expr, place: Place) => string | null;

/** Texts already found, by expression; null while one is being looked for, so that `x = x.trim()` ends. */
const known = new WeakMap<Program, Map<Expr, Text[] | null>>();

/** Every text that an expression can be, the latest assignment first; empty when it is no text. */
export function textsOf(program: Program, place: Place, expr: Expr, depth = 0): Text[] {
  if (depth > DEPTH_MAX) return [];
  if (expr.k === "value" || expr.k === "function" || expr.k === "regex" || expr.k === "other") return [];
  let cache = known.get(program);
  if (!cache) {
    cache = new Map();
    known.set(program, cache);
  }
  const found = cache.get(expr);
  if (found !== undefined) return found ?? [];
  cache.set(expr, null);
  const texts = find(program, place, expr, depth);
  cache.set(expr, texts);
  return texts;
}

function find(program: Program, place: Place, expr: Expr, depth: number): Text[] {
  const next = (inner: Expr, at: Place = place) => textsOf(program, at, inner, depth + 1);
  switch (expr.k) {
    case "text":
      return joined(program, place, expr.parts, expr.at, depth);
    case "tagged":
      return next(expr.text);
    case "either":
      return bounded(expr.of.flatMap((one) => next(one)));
    case "named":
      return next(expr.of);
    case "item": {
      const { nth } = expr;
      if (nth !== undefined) return nthTexts(program, place, expr.of, nth, depth);
      const list = listOf(program, place, expr.of);
      return bounded((list?.items ?? []).flatMap((one) => next(one.expr, one.place)));
    }
    case "name":
      return namedTexts(program, place, expr, depth);
    case "member": {
      const bound = boundTexts(program, place, expr, depth);
      if (bound.length > 0) return bound;
      const ref = program.resolve(place, expr.of);
      if (!ref || ref.t === "package") return elementTexts(program, place, expr, depth);
      if (ref.t === "module" || ref.t === "expr" || ref.t === "folder") {
        const found = program.member(ref, expr.name);
        if (found?.t === "expr") return next(found.expr, found.place);
      }
      const struct = program.goFields.structOf(ref);
      return struct ? fieldTexts(program, struct, expr.name, depth) : [];
    }
    case "index": {
      const ref = program.resolve(place, expr.of);
      if (ref?.t !== "expr") return [];
      const values =
        ref.expr.k === "object"
          ? ref.expr.entries.map((e) => e.value)
          : ref.expr.k === "list"
            ? ref.expr.items
            : [];
      return bounded(values.flatMap((one) => next(one, ref.place)));
    }
    case "call":
      return callTexts(program, place, expr, depth);
    case "object": {
      // `{ text: "SELECT …", values }`, `{ sql: … }`.
      const entry = expr.entries.find(
        (one) => one.key === "text" || one.key === "sql" || one.key === "query",
      );
      return entry ? next(entry.value) : [];
    }
    default:
      return [];
  }
}

/** `sql, params = build()`: the nth of what a list holds or a function returns. */
function nthTexts(program: Program, place: Place, of: Expr, nth: number, depth: number): Text[] {
  if (depth > DEPTH_MAX) return [];
  if (of.k === "either")
    return bounded(of.of.flatMap((one) => nthTexts(program, place, one, nth, depth + 1)));
  const list = listOf(program, place, of)?.items[nth];
  if (list) return textsOf(program, list.place, list.expr, depth + 1);
  const made = of.k === "name" ? (program.function(place).bindings.get(of.name)?.at(-1) ?? of) : of;
  const ref = made.k === "call" ? program.resolve(place, made.callee) : null;
  if (ref?.t !== "function") return [];
  const { returns } = program.function(ref);
  if (returns.length > 6) return [];
  return bounded(returns.flatMap((value) => nthTexts(program, ref, value, nth, depth + 2)));
}

/** True while an expression's texts are being looked for. */
function isOpen(program: Program, expr: Expr): boolean {
  return known.get(program)?.get(expr) === null;
}

/** One text that is reached on several ways counts once. */
function bounded(texts: Text[]): Text[] {
  return [...new Set(texts)].slice(0, ALTERNATIVES_MAX);
}

function joined(
  program: Program,
  place: Place,
  parts: readonly (string | Expr)[],
  at: number,
  depth: number,
): Text[] {
  let texts: Text[] = [[]];
  let line = at;
  for (const part of parts) {
    if (typeof part === "string") {
      for (const text of texts) text.push({ text: part, m: place.m, at: line });
      line += newlines(part);
      continue;
    }
    const values = textsOf(program, place, part, depth + 1);
    const options: Text[] = values.length > 0 ? values : [[{ hole: part, place }]];
    texts = bounded(texts.flatMap((text) => options.map((option) => [...text, ...option])));
  }
  return texts;
}

function namedTexts(program: Program, place: Place, { name, at: line }: Name, depth: number): Text[] {
  for (let f: number | null = place.f; f !== null; ) {
    const fn = program.function({ m: place.m, f });
    const values = valuesAt(fn, name, f === place.f ? line : Number.MAX_SAFE_INTEGER, (value) =>
      isOpen(program, value),
    );
    if (values.length > 0) {
      // `sql += …` holds what it was before: only the longest form counts.
      const whole = values.filter(
        (value) => !values.some((other) => other.k === "text" && other.parts[0] === value),
      );
      const at = { m: place.m, f };
      return bounded(
        whole
          .filter((value) => !(value.k === "name" && value.name === name))
          .reverse()
          .flatMap((value) => textsOf(program, at, value, depth + 1)),
      );
    }
    const param = fn.params.find((one) => one.name === name);
    if (param) return param.initial ? textsOf(program, place, param.initial, depth + 1) : [];
    f = fn.outer;
  }
  const ref = program.lookup(place, name);
  return ref?.t === "expr" ? textsOf(program, ref.place, ref.expr, depth + 1) : [];
}

function boundTexts(program: Program, place: Place, expr: Expr & { k: "member" }, depth: number): Text[] {
  if (expr.of.k !== "name") return [];
  const values = program.function(place).bindings.get(`${expr.of.name}.${expr.name}`) ?? [];
  return bounded(values.flatMap((value) => textsOf(program, place, value, depth + 1)));
}

/** `queries["list-users"].Query` of a library for named queries; `one.sql` of a loop over a list of objects. */
function elementTexts(program: Program, place: Place, expr: Expr & { k: "member" }, depth: number): Text[] {
  const { of } = expr;
  if (of.k === "member" && expr.name === "Query") {
    const query = namedSql(program, of.name);
    return query ? [[query]] : [];
  }
  const value = of.k === "name" ? program.function(place).bindings.get(of.name)?.at(-1) : of;
  const list = value?.k === "item" ? listOf(program, place, value.of) : null;
  return bounded(
    (list?.items ?? []).flatMap((item) => {
      const entries = item.expr.k === "object" ? item.expr.entries : [];
      const given = entries.find((entry) => entry.key === expr.name)?.value;
      return given ? textsOf(program, item.place, given, depth + 1) : [];
    }),
  );
}

function fieldTexts(program: Program, ref: { m: number; c: number }, name: string, depth: number): Text[] {
  const query = program.goFields.queryOf(ref, name);
  if (query !== null) {
    const text = namedSql(program, query);
    if (text) return [[text]];
  }
  if (program.module(ref.m).language === "go")
    return bounded(
      program.goFields.of(ref, name).flatMap(({ place, expr }) => textsOf(program, place, expr, depth + 1)),
    );
  const cls = program.class(ref);
  const field = cls.fields.find((one) => one.name === name && one.value);
  if (field?.value) {
    const maker = cls.methods.get("constructor") ?? cls.methods.get("__init__") ?? 0;
    return textsOf(program, { m: ref.m, f: maker }, field.value, depth + 1);
  }
  for (const base of cls.bases) {
    const found = program.resolve({ m: ref.m, f: 0 }, base);
    if (found?.t === "class" && !(found.m === ref.m && found.c === ref.c))
      return fieldTexts(program, found, name, depth + 1);
  }
  return [];
}

/** Methods and functions whose result is the text they were given, or close to it. */
const SAME =
  /^(trim|trimStart|trimEnd|strip|lstrip|rstrip|dedent|cleandoc|text|raw|unsafe|unsafeRaw|literal|TrimSpace|toString|String|string|str|SQL|Rebind|BindNamed|stripIndent|outdent|Composed)$/;
const FORMATS = /^(format|%|Sprintf|Errorf|sprintf|Fprintf|vsprintf)$/;

function callTexts(program: Program, place: Place, expr: Expr & { k: "call" }, depth: number): Text[] {
  const { callee } = expr;
  const name = callee.k === "member" || callee.k === "name" ? callee.name : "";
  const self = callee.k === "member" ? callee.of : null;
  const first = expr.args[0];
  if (FORMATS.test(name)) {
    const isMethod = self !== null && textsOf(program, place, self, depth + 1).length > 0;
    const template = isMethod ? self : first;
    const args = isMethod ? expr.args : expr.args.slice(1);
    if (!template) return [];
    const spread = args.length === 1 && args[0]?.k === "list" ? args[0].items : args;
    return bounded(
      textsOf(program, place, template, depth + 1).flatMap((text) =>
        filled(program, place, text, spread, name, depth),
      ),
    );
  }
  if (name === "join" || name === "Join") {
    // Python joins by the separator's method, JavaScript by the list's, Go by a function.
    const ofText = self ? textsOf(program, place, self, depth + 1)[0] : undefined;
    const isMethod = name === "join" && !ofText;
    const list = listOf(program, place, isMethod || !first ? (self ?? expr) : first);
    const by = isMethod ? first : expr.args[1];
    const separator = ofText ?? (by ? textsOf(program, place, by, depth + 1)[0] : undefined);
    if (!list || !separator) return [];
    const pieces = list.items.map(
      (one) => textsOf(program, one.place, one.expr, depth + 1)[0] ?? [{ hole: one.expr, place: one.place }],
    );
    return pieces.length === 0
      ? []
      : [pieces.flatMap((piece, i) => (i === 0 ? piece : [...separator, ...piece]))];
  }
  if (SAME.test(name)) {
    if (first) {
      const given = textsOf(program, place, first, depth + 1);
      if (given.length > 0) return given;
    }
    return self ? textsOf(program, place, self, depth + 1) : [];
  }
  if (name === "concat") return self ? textsOf(program, place, self, depth + 1) : [];
  if (/^(replace|replaceAll|replace_all|Replace|ReplaceAll)$/.test(name)) {
    // Go's is a function of a package, which is given the text first.
    const texts = self ? textsOf(program, place, self, depth + 1) : [];
    const isMethod = texts.length > 0;
    const given = isMethod || !first ? texts : textsOf(program, place, first, depth + 1);
    return given.map((text) =>
      replaced(program, place, text, isMethod ? expr.args : expr.args.slice(1), depth),
    );
  }
  if (program.module(place.m).language === "go") {
    const isBytes = callee.k === "list";
    // `sqlx.In` and `sqlx.Named` give the text they were given, with other placeholders.
    const isRebound = /^(In|Named)$/.test(name) && self?.k === "name" && self.name === "sqlx";
    if (first && (isBytes || isRebound)) return textsOf(program, place, first, depth + 1);
    if (first && (name === EMBEDS || name === "ReadFile")) {
      const path = constant(textsOf(program, place, first, depth + 1)[0]);
      const file = path === null ? null : embeddedSql(program, program.module(place.m), path);
      return file ? [[file]] : [];
    }
  }
  const ref = program.resolve(place, callee);
  if (ref?.t !== "function") return [];
  const fn = program.function(ref);
  if (fn.returns.length > 6) return [];
  return bounded(
    fn.returns
      .filter((value) => value.k !== "call" || value.isNew === false)
      // `execute(*build())`: a text and its parameters, returned together.
      .map((value) => (value.k === "list" && value.items[0] ? value.items[0] : value))
      .flatMap((value) => textsOf(program, { m: ref.m, f: ref.f }, value, depth + 2)),
  );
}

/** A text in which a constant is replaced; by what only run time knows, it is a hole. Patterns are left as they stand. */
function replaced(program: Program, place: Place, text: Text, args: readonly Expr[], depth: number): Text {
  const [search, by] = args;
  const mark = search?.k === "text" && search.parts.length === 1 ? search.parts[0] : null;
  if (typeof mark !== "string" || mark === "" || !by) return text;
  const value = textsOf(program, place, by, depth + 1)[0] ?? [{ hole: by, place }];
  return text.flatMap((piece): Text => {
    if ("hole" in piece) return [piece];
    let line = piece.at;
    return piece.text.split(mark).flatMap((stretch, i): Text => {
      const out: Text = [...(i > 0 ? value : []), { text: stretch, m: piece.m, at: line }];
      line += newlines(stretch) + newlines(mark);
      return out;
    });
  });
}

/** A text without a hole. */
function constant(text: Text | undefined): string | null {
  if (!text?.every((piece) => "text" in piece)) return null;
  return text.map((piece) => ("text" in piece ? piece.text : "")).join("");
}

const PLACEHOLDERS: Record<string, RegExp> = {
  format: /\{(\w*)(?:![rsa])?(?::[^{}]*)?\}/g,
  "%": /%(?:\((\w+)\))?[-+ #0-9.*]*[sdifrx]/g,
};
const C_STYLE = /%(?:\[(\d+)\])?[-+ #0-9.*]*[sdvqxtfTw]/g;

/** Puts arguments into the marks of a format text: a text for every value that the arguments can have. */
function filled(
  program: Program,
  place: Place,
  text: Text,
  args: readonly Expr[],
  how: string,
  depth: number,
): Text[] {
  const marks = PLACEHOLDERS[how] ?? C_STYLE;
  let n = 0;
  let texts: Text[] = [[]];
  const add = (options: Text[]) => {
    texts = bounded(texts.flatMap((before) => options.map((option) => [...before, ...option])));
  };
  for (const piece of text) {
    if ("hole" in piece) {
      add([[piece]]);
      continue;
    }
    let from = 0;
    let line = piece.at;
    for (const match of piece.text.matchAll(marks)) {
      const before = piece.text.slice(from, match.index);
      add([[{ text: before, m: piece.m, at: line }]]);
      line += newlines(before);
      const key = match[1];
      const named =
        key && args.find((arg): arg is Expr & { k: "named" } => arg.k === "named" && arg.name === key);
      // `{0}` counts from nought, `%[1]s` from one.
      const nth = key && /^\d+$/.test(key) ? Number(key) - (marks === C_STYLE ? 1 : 0) : null;
      const arg = named || (nth !== null ? args[nth] : key ? undefined : args[n++]);
      const values = arg ? textsOf(program, place, arg, depth + 1) : [];
      add(
        values.length > 0 ? values : [[{ hole: arg ?? ({ k: "other", of: [], at: line } as Expr), place }]],
      );
      from = match.index + match[0].length;
    }
    add([[{ text: piece.text.slice(from), m: piece.m, at: line }]]);
  }
  return texts;
}

/** The items of a list, followed through names. */
export function listOf(
  program: Program,
  place: Place,
  expr: Expr,
): { items: { expr: Expr; place: Place }[] } | null {
  if (expr.k === "list") return { items: expr.items.map((item) => ({ expr: item, place })) };
  if (
    expr.k === "call" &&
    expr.callee.k === "member" &&
    /^(keys|values|entries|filter|items|sort|slice)$/.test(expr.callee.name)
  )
    return listOf(program, place, expr.callee.of);
  if (
    expr.k === "call" &&
    expr.args.length === 1 &&
    expr.callee.k === "name" &&
    /^(set|list|tuple|sorted|frozenset|Set)$/.test(expr.callee.name)
  )
    return listOf(program, place, expr.args[0] as Expr);
  const ref = program.resolve(place, expr);
  const grown = expr.k === "name" ? appendedTo(program, place, expr.name) : [];
  if (ref?.t === "expr" && ref.expr.k === "list") {
    const { place: at } = ref;
    return { items: [...ref.expr.items.map((item) => ({ expr: item, place: at })), ...grown] };
  }
  return grown.length > 0 ? { items: grown } : null;
}

/** What is appended to the list that a name holds. */
function appendedTo(program: Program, place: Place, name: string): { expr: Expr; place: Place }[] {
  for (let f: number | null = place.f; f !== null; ) {
    const fn = program.function({ m: place.m, f });
    const at = { m: place.m, f };
    if (fn.bindings.has(name) || fn.bindings.has(`${name}[]`))
      return (fn.bindings.get(`${name}[]`) ?? []).map((value) => ({ expr: value, place: at }));
    f = fn.outer;
  }
  return [];
}

/** Joins a text's pieces. */
export function flatten(text: Text, nameOfHole: HoleName): Flat {
  const marks: { offset: number; m: number; at: number }[] = [];
  let sql = "";
  let holes = 0;
  for (const piece of text) {
    if (sql.length > CHARS_MAX) break;
    if ("hole" in piece) {
      const name = nameOfHole(piece.hole, piece.place);
      sql += name ?? holeName(holes);
      if (name === null) holes++;
    } else {
      marks.push({ offset: sql.length, m: piece.m, at: piece.at });
      sql += piece.text;
    }
  }
  return {
    sql,
    constant: holes === 0,
    locate(offset) {
      let mark = marks[0] ?? { offset: 0, m: 0, at: 1 };
      for (const one of marks) if (one.offset <= offset) mark = one;
      return { m: mark.m, line: mark.at + newlines(sql.slice(mark.offset, offset)) };
    },
  };
}

function newlines(text: string): number {
  let count = 0;
  for (let i = text.indexOf("\n"); i >= 0; i = text.indexOf("\n", i + 1)) count++;
  return count;
}
