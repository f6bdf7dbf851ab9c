/** Texts that calls make: formatted, joined, replaced, read from a file, or given by a function of the tree. */

import { bounded, constant, newlines, type Text } from "./flat.ts";
import { EMBEDS, type Expr } from "./ir.ts";
import { listOf } from "./lists.ts";
import type { Place, Program } from "./program.ts";
import { embeddedSql } from "./sql-files.ts";

/** The texts of a further expression, here or at another place. */
type TextsOf = (expr: Expr, place?: Place) => Text[];

/** Methods and functions whose result is the text they were given, or close to it. */
const SAME =
  /^(trim|trimStart|trimEnd|strip|lstrip|rstrip|dedent|cleandoc|text|raw|unsafe|unsafeRaw|literal|TrimSpace|toString|String|string|str|SQL|Rebind|BindNamed|stripIndent|outdent|Composed)$/;
const FORMATS = /^(format|%|Sprintf|Errorf|sprintf|Fprintf|vsprintf)$/;

/** The texts that a call gives: of formats, joins, replacements and functions of the tree. */
export function callTexts(
  program: Program,
  place: Place,
  expr: Expr & { k: "call" },
  textsOf: TextsOf,
): Text[] {
  const { callee } = expr;
  const name = callee.k === "member" || callee.k === "name" ? callee.name : "";
  const self = callee.k === "member" ? callee.of : null;
  const first = expr.args[0];
  if (FORMATS.test(name)) {
    const isMethod = self !== null && textsOf(self).length > 0;
    const template = isMethod ? self : first;
    const args = isMethod ? expr.args : expr.args.slice(1);
    if (!template) return [];
    const spread = args.length === 1 && args[0]?.k === "list" ? args[0].items : args;
    return bounded(textsOf(template).flatMap((text) => filled(place, text, spread, name, textsOf)));
  }
  if (name === "join" || name === "Join") {
    // Python joins by the separator's method, JavaScript by the list's, Go by a function.
    const ofText = self ? textsOf(self)[0] : undefined;
    const isMethod = name === "join" && !ofText;
    const list = listOf(program, place, isMethod || !first ? (self ?? expr) : first);
    const by = isMethod ? first : expr.args[1];
    const separator = ofText ?? (by ? textsOf(by)[0] : undefined);
    if (!list || !separator) return [];
    const pieces = list.items.map(
      (one) => textsOf(one.expr, one.place)[0] ?? [{ hole: one.expr, place: one.place }],
    );
    return pieces.length === 0
      ? []
      : [pieces.flatMap((piece, i) => (i === 0 ? piece : [...separator, ...piece]))];
  }
  if (SAME.test(name)) {
    if (first) {
      const given = textsOf(first);
      if (given.length > 0) return given;
    }
    return self ? textsOf(self) : [];
  }
  if (name === "concat") return self ? textsOf(self) : [];
  if (/^(replace|replaceAll|replace_all|Replace|ReplaceAll)$/.test(name)) {
    // Go's is a function of a package, which is given the text first.
    const texts = self ? textsOf(self) : [];
    const isMethod = texts.length > 0;
    const given = isMethod || !first ? texts : textsOf(first);
    return given.map((text) => replaced(place, text, isMethod ? expr.args : expr.args.slice(1), textsOf));
  }
  if (program.module(place.m).language === "go") {
    const isBytes = callee.k === "list";
    // `sqlx.In` and `sqlx.Named` give the text they were given, with other placeholders.
    const isRebound = /^(In|Named)$/.test(name) && self?.k === "name" && self.name === "sqlx";
    if (first && (isBytes || isRebound)) return textsOf(first);
    if (first && (name === EMBEDS || name === "ReadFile")) {
      const path = constant(textsOf(first)[0]);
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
      .flatMap((value) => textsOf(value, { m: ref.m, f: ref.f })),
  );
}

/** A text in which a constant is replaced; by what only run time knows, it is a hole. Patterns are left as they stand. */
function replaced(place: Place, text: Text, args: readonly Expr[], textsOf: TextsOf): Text {
  const [search, by] = args;
  const mark = search?.k === "text" && search.parts.length === 1 ? search.parts[0] : null;
  if (typeof mark !== "string" || mark === "" || !by) return text;
  const value = textsOf(by)[0] ?? [{ hole: by, place }];
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

const PLACEHOLDERS: Record<string, RegExp> = {
  format: /\{(\w*)(?:![rsa])?(?::[^{}]*)?\}/g,
  "%": /%(?:\((\w+)\))?[-+ #0-9.*]*[sdifrx]/g,
};
const C_STYLE = /%(?:\[(\d+)\])?[-+ #0-9.*]*[sdvqxtfTw]/g;

/** Puts arguments into the marks of a format text: a text for every value that the arguments can have. */
function filled(place: Place, text: Text, args: readonly Expr[], how: string, textsOf: TextsOf): Text[] {
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
      const values = arg ? textsOf(arg) : [];
      add(
        values.length > 0 ? values : [[{ hole: arg ?? ({ k: "other", of: [], at: line } as Expr), place }]],
      );
      from = match.index + match[0].length;
    }
    add([[{ text: piece.text.slice(from), m: piece.m, at: line }]]);
  }
  return texts;
}
