/** SQL statements that stand whole in a file: found where the file is read, so that every thread analyses its own. */

import type { Expr, ModuleIR } from "../ir.ts";
import { partsOf } from "../ir.ts";
import { sqlShape } from "./tokens.ts";

/** Without one of these no text of a file is surely SQL. */
const KEYWORD = /\b(?:SELECT|INSERT|UPDATE|DELETE|REPLACE|MERGE|WITH|CREATE|ALTER|DROP)\b/;
const DEPTH_MAX = 400;

/** The constant texts of a module that are written as SQL; `source` is its file's text. */
export function statementsIn(module: ModuleIR, source: string): Set<string> {
  const found = new Set<string>();
  if (!KEYWORD.test(source)) return found;
  for (const fn of module.functions) {
    for (const root of fn.roots) visit(root, found, 0);
    for (const values of fn.bindings.values()) for (const value of values) visit(value, found, 0);
  }
  return found;
}

function visit(expr: Expr, found: Set<string>, depth: number): void {
  if (depth > DEPTH_MAX) return;
  if (expr.k === "text" && expr.parts.length === 1 && typeof expr.parts[0] === "string") {
    const [text] = expr.parts;
    if (KEYWORD.test(text) && sqlShape(text) === "strong") found.add(text);
    return;
  }
  for (const part of partsOf(expr)) visit(part, found, depth + 1);
}
