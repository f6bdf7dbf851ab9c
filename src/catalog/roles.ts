/** Infers what each column of a table means from its name, its type and its values. */

import type { ColumnProfile } from "../contract/loaded.ts";
import type { Role } from "../contract/roles.ts";
import { wordsOf } from "./names.ts";

export interface RoleGuess {
  /** The column, or the path inside a JSON column. */
  name: string;
  role: Role;
  confidence: number;
  reason: string;
}

const IN = /^(prompt|input|in|sent|promt)$/;
const OUT = /^(completion|output|out|generated|received|answer|response)$/;

/** At most one guess per role: the best; earlier columns win ties. */
export function inferRoles(columns: readonly ColumnProfile[]): RoleGuess[] {
  const best = new Map<Role, RoleGuess>();
  for (const column of columns) {
    const guess = guessOf(column);
    if (guess && (best.get(guess.role)?.confidence ?? 0) < guess.confidence) best.set(guess.role, guess);
  }
  return [...best.values()];
}

function guessOf(column: ColumnProfile): RoleGuess | null {
  const words = wordsOf(column.name);
  const has = (...any: string[]) => any.some((word) => words.includes(word));
  const guess = (role: Role, confidence: number, reason: string): RoleGuess => ({
    name: column.name,
    role,
    confidence,
    reason,
  });
  if (has("tokens", "token")) {
    if (has("limit", "max", "id", "name", "cumulative")) return null;
    if (words.some((w) => IN.test(w))) return guess("input_tokens", 0.95, "name says input tokens");
    if (words.some((w) => OUT.test(w))) return guess("output_tokens", 0.95, "name says output tokens");
    if (has("total")) return guess("total_tokens", 0.95, "name says total tokens");
  }
  const name = words.join("_");
  if (/^(id|uuid|job_id|request_id|trace_id|span_id)$/.test(name))
    return guess("id", column.primaryKey ? 0.95 : 0.8, "name says id");
  if (/^(parent_id|parent_trace_id|parent_span_id)$/.test(name))
    return guess("parent_id", 0.9, "name says parent");
  if (/^session_id$/.test(name)) return guess("session_id", 0.9, "name says session");
  if (/^(created_at|timestamp|time|started_at|start_time|ts)$/.test(name))
    return guess("time", 0.9, "name says when it began");
  if (/^(completed_at|ended_at|end_time|finished_at)$/.test(name))
    return guess("end_time", 0.9, "name says when it ended");
  if (/^(cost|spend|total_cost|cost_usd)$/.test(name)) return guess("cost", 0.9, "name says cost");
  if (/^(model|model_name|model_id)$/.test(name)) return guess("model", 0.9, "name says model");
  if (/^(provider|provider_id)$/.test(name)) return guess("provider", 0.9, "name says provider");
  if (/^(status|validation_status|status_code)$/.test(name)) return guess("status", 0.8, "name says status");
  return null;
}
