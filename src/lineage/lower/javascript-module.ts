/** What JavaScript says about modules and statements without any state. */

import type { Expr } from "../ir.ts";

/** Statements that only hold others. */
export const STATEMENTS = new Set([
  "program",
  "statement_block",
  "if_statement",
  "else_clause",
  "for_statement",
  "while_statement",
  "do_statement",
  "try_statement",
  "catch_clause",
  "finally_clause",
  "switch_statement",
  "switch_body",
  "switch_case",
  "switch_default",
  "labeled_statement",
  "throw_statement",
  "with_statement",
  "ambient_declaration",
  "internal_module",
  "module",
  "ERROR",
]);

/** The module that `require("x")`, `require("x").y` or `await import("x")` gives, or null. */
export function moduleOf(value: Expr): { source: string; name: string | null } | null {
  if (value.k === "member") {
    const inner = moduleOf(value.of);
    return inner && inner.name === null ? { source: inner.source, name: value.name } : null;
  }
  if (value.k !== "call" || value.callee.k !== "name") return null;
  if (value.callee.name !== "require" && value.callee.name !== "import") return null;
  const [first] = value.args;
  if (first?.k !== "text" || first.parts.length !== 1 || typeof first.parts[0] !== "string") return null;
  return { source: first.parts[0], name: null };
}
