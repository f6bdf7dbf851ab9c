/** What code logs, as templates, and the regular expressions it reads texts with. */

import type { LogFact, PatternFact } from "./facts.ts";
import type { Expr } from "./ir.ts";
import { spell } from "./ir.ts";
import type { Place, Program } from "./program.ts";
import { type Call, calledName, receiverOf, type Site } from "./sites.ts";
import { textsOf } from "./text.ts";

const LEVELS =
  /^(log|trace|debug|info|notice|warn|warning|error|exception|critical|fatal|print|println|printf|Print|Println|Printf|Debug|Debugf|Info|Infof|Warn|Warnf|Error|Errorf|Fatal|Fatalf|Debugw|Infow|Warnw|Errorw|Msg|Msgf|InfoContext|ErrorContext|DebugContext|WarnContext)$/;
const LOGGERS =
  /(^|[._])(log|logger|logging|console|slog|zap|sugar|winston|pino|_?logger|LOG|LOGGER|verbose_logger|verbose_proxy_logger)\d*$|logger$|\blog(\(\))?$/i;
const FORMAT_MARKS = /%(?:\(\w+\))?[-+ #0-9.*]*[sdifrxqvtT]|\{[^{}]*\}/g;

/** Every log statement with its template; interpolations are `{}`. */
export function logFacts(
  program: Program,
  sites: readonly Site[],
  idOf: (place: Place) => number,
): LogFact[] {
  const facts: LogFact[] = [];
  for (const { place, expr } of sites) {
    if (expr.k !== "call") continue;
    const level = levelOf(program, place, expr);
    if (level === null) continue;
    const first = expr.args.find((arg) => templateOf(program, place, arg) !== null);
    const template = first ? templateOf(program, place, first) : null;
    if (template === null || template.trim() === "") continue;
    facts.push({
      function_id: idOf(place),
      file: program.module(place.m).file,
      line: expr.at,
      level,
      template,
    });
  }
  return facts;
}

function levelOf(program: Program, place: Place, call: Call): string | null {
  const name = calledName(call);
  const receiver = receiverOf(call);
  const { language } = program.module(place.m);
  if (receiver === null) return language === "python" && name === "print" ? "print" : null;
  if (!LEVELS.test(name)) return null;
  const of = spell(receiver);
  if (!LOGGERS.test(of) && !(language === "go" && of === "fmt" && /^Print/.test(name))) return null;
  return name.replace(/(f|w|ln|Context)$/, "").toLowerCase() || name.toLowerCase();
}

function templateOf(program: Program, place: Place, expr: Expr): string | null {
  if (expr.k !== "text" && expr.k !== "call" && expr.k !== "name" && expr.k !== "tagged") return null;
  const text = textsOf(program, place, expr)[0];
  if (!text?.some((piece) => "text" in piece && piece.text.trim() !== "")) return null;
  return text
    .map((piece) => ("hole" in piece ? "{}" : piece.text.replace(FORMAT_MARKS, "{}")))
    .join("")
    .slice(0, 2000);
}

const COMPILES =
  /^(compile|match|search|fullmatch|findall|finditer|sub|split|subn|RegExp|MustCompile|Compile|MatchString|matchAll|test|exec|replace|replaceAll)$/;

/** Every regular expression, with the function that uses it. */
export function patternFacts(
  program: Program,
  sites: readonly Site[],
  idOf: (place: Place) => number,
): PatternFact[] {
  const facts: PatternFact[] = [];
  const seen = new Set<string>();
  const add = (place: Place, line: number, pattern: string) => {
    const function_id = idOf(place);
    const key = `${function_id} ${line} ${pattern}`;
    if (pattern === "" || seen.has(key)) return;
    seen.add(key);
    facts.push({ function_id, file: program.module(place.m).file, line, pattern: pattern.slice(0, 2000) });
  };
  for (const { place, expr } of sites) {
    if (expr.k !== "call") continue;
    const receiver = receiverOf(expr);
    for (const part of [receiver, ...expr.args]) if (part?.k === "regex") add(place, part.at, part.source);
    if (!COMPILES.test(calledName(expr))) continue;
    const { language } = program.module(place.m);
    const isRegex =
      language === "python" || language === "go"
        ? receiver !== null && /^(re|regex|regexp)$/.test(spell(receiver))
        : calledName(expr) === "RegExp";
    const text = isRegex && expr.args[0] ? textsOf(program, place, expr.args[0])[0] : undefined;
    if (text?.every((piece) => "text" in piece))
      add(place, expr.at, text.map((piece) => ("text" in piece ? piece.text : "")).join(""));
  }
  program.modules.forEach((module, m) => {
    module.functions.forEach((fn, f) => {
      for (const values of fn.bindings.values())
        for (const value of values) if (value.k === "regex") add({ m, f }, value.at, value.source);
    });
  });
  return facts;
}
