/** Tells tables whose rows are calls from tables whose rows sum up many. */

import type { Grain } from "../contract/evidence.ts";
import type { Role } from "../contract/roles.ts";
import type { Candidate, Context } from "./candidates.ts";
import { hasAny, setOf } from "./guess.ts";

const SESSION = setOf("session conversation chat thread");
const HOLDERS = setOf(
  "user key team organization org customer account counter total token budget member membership tag credit balance quota tenant plan subscription project wallet channel",
);

/** Decided from names and the sample; null when rows are single calls, traces or jobs. */
export function grainOf(context: Context, roles: ReadonlyMap<Role, Candidate>): Grain {
  const amounts = [...roles.keys()].some((role) => role === "cost" || role.endsWith("_tokens"));
  if (!amounts) return null;
  const time = roles.get("time");
  const last = context.table.at(-1) ?? "";
  const timed = time ? bucketOf(context, time, roles.has("id")) : null;
  if (timed) return timed;
  if (SESSION.has(last) && !roles.has("session_id")) return "session";
  const single = roles.has("model") || roles.has("session_id") || roles.has("input_tokens");
  if (!single && (HOLDERS.has(last) || context.candidates.some(isLimit))) return "total";
  return context.rollup && !time ? "total" : null;
}

function bucketOf(context: Context, time: Candidate, hasId: boolean): Grain {
  const { facts, leaf } = time;
  if (facts.count === 0) return null;
  const monthly = leaf.includes("month") || context.table.includes("monthly");
  const day = /^DATE$/i.test(time.column.declared) || facts.days === facts.count;
  if (day && (context.rollup || !hasId)) return monthly ? "month" : "day";
  if (!context.rollup || facts.hours < facts.count) return null;
  if (monthly) return "month";
  return context.table.includes("daily") || facts.midnights === facts.count ? "day" : "hour";
}

const isLimit = ({ leaf, depth }: Candidate) =>
  depth === 0 && hasAny(leaf, setOf("max tpm rpm limit")) && hasAny(leaf, setOf("budget limit requests"));
