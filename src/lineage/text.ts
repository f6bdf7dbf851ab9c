/** What texts an expression can be: constants followed across modules, templates joined, interpolations kept as holes. */

import { bounded, newlines, type Text } from "./flat.ts";
import type { Expr } from "./ir.ts";
import { listOf } from "./lists.ts";
import type { Place, Program } from "./program.ts";
import { valuesAt } from "./reaching.ts";
import { namedSql } from "./sql-files.ts";
import { callTexts } from "./text-calls.ts";

const DEPTH_MAX = 16;

type Name = Expr & { k: "name" };

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
      return callTexts(program, place, expr, next);
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
