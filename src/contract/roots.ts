/** Roots of traces and sessions, and the sums their tokens should be: shared by the check and the repair. */

import type { UsageRelation } from "./evidence.ts";
import type { Value } from "./finding.ts";
import type { TokenRole } from "./roles.ts";
import { isUnfinished } from "./scope.ts";
import type { SqlDialect } from "./sql.ts";

/** Levels below a root that are followed; deeper rows are not summed. */
export const DEPTH_MAX = 32;

/** Where the right sums of a table's roots come from. */
export interface RootBasis {
  kind: "messages" | "descendants";
  /** The table that is summed: the messages', or the traces' own. */
  source: UsageRelation;
  /** The root's column that names its group: its session, or itself. */
  key: "session_id" | "id";
  /** CTEs that end in `sums(root_key, right_0 …)`, a row per group, one column per measure. */
  sums: string;
}

/** The token roles in which a root and its parts are compared: input and output, else the total. */
export function measuresOf(usage: UsageRelation): TokenRole[] {
  const parts = (["input_tokens", "output_tokens"] as const).filter((role) => usage.has(role));
  return parts.length > 0 ? parts : usage.has("total_tokens") ? ["total_tokens"] : [];
}

/** True in roots: no parent, or itself. Of a table of sessions every row is its session's own. */
export function isRoot(usage: UsageRelation): string {
  if (usage.grain === "session" || !usage.has("parent_id")) return "TRUE";
  return "(parent_id IS NULL OR parent_id = '' OR parent_id = id)";
}

/** True in rows of which every measure is 0 or NULL; a negative count is no count. */
export function isZero(measures: readonly TokenRole[]): string {
  return `(${measures.map((role) => `COALESCE(${role}, 0) <= 0`).join(" AND ")})`;
}

/** Roots that should have tokens: finished, and of a kind whose rows carry some. */
export function rootScope(usage: UsageRelation, sql: SqlDialect): string {
  return `${isRoot(usage)} AND is_call AND NOT ${isUnfinished(usage, sql)}`;
}

/** Tables whose rows are the calls of this table's sessions, by the column that may name the session. */
export function messageBases(usage: UsageRelation, all: readonly UsageRelation[]): RootBasis[] {
  const measures = measuresOf(usage);
  const keys: ("session_id" | "id")[] =
    usage.grain === "session" ? ["id"] : usage.has("session_id") ? ["session_id", "id"] : ["id"];
  const sources = all.filter(
    (one) =>
      one.name !== usage.name &&
      one.grain === null &&
      one.origin === "table" &&
      one.has("session_id", ...measures) &&
      // Another table of traces has roots of its own, and no messages.
      !(one.has("parent_id") && usage.has("parent_id") && sameShape(one, usage)),
  );
  return sources.flatMap((source) =>
    keys
      .filter((key) => usage.has(key))
      .map(
        (key): RootBasis => ({
          kind: "messages",
          source,
          key,
          sums: `sums AS (SELECT session_id AS root_key, ${rights(measures)} FROM ${source.relation}
      WHERE session_id IS NOT NULL AND ${measures.map((role) => `${role} IS NOT NULL`).join(" OR ")} GROUP BY session_id)`,
        }),
      ),
  );
}

function sameShape(one: UsageRelation, other: UsageRelation): boolean {
  const leaf = (usage: UsageRelation) => usage.name.split(".").at(-1);
  return leaf(one) === leaf(other);
}

/** The sum over everything below a root; null where the table has no parents, or they are previous messages. */
export function descendantBasis(usage: UsageRelation): RootBasis | null {
  if (usage.grain !== null || !usage.has("id", "parent_id")) return null;
  const measures = measuresOf(usage);
  const child = "parent_id IS NOT NULL AND parent_id <> '' AND (id IS NULL OR parent_id <> id)";
  return {
    kind: "descendants",
    source: usage,
    key: "id",
    sums: `children AS (SELECT id AS child_id, parent_id AS child_of, ${measures.join(", ")} FROM ${usage.relation} WHERE ${child}),
    tree(root_key, node, depth) AS (
      SELECT id, id, 0 FROM ${usage.relation} WHERE ${isRoot(usage)} AND id IN (SELECT child_of FROM children)
      UNION SELECT root_key, child_id, depth + 1 FROM tree JOIN children ON child_of = node
      WHERE depth < ${DEPTH_MAX} AND child_id <> root_key),
    nodes AS (SELECT DISTINCT root_key, node FROM tree WHERE depth > 0),
    sums AS (SELECT root_key, ${rights(measures)} FROM nodes JOIN children ON child_id = node GROUP BY root_key)`,
  };
}

function rights(measures: readonly TokenRole[]): string {
  return measures
    .map((role, i) => `sum(CASE WHEN ${role} > 0 THEN ${role} ELSE 0 END) AS right_${i}`)
    .join(", ");
}

/** What one basis says about a table's roots. */
export interface RootFacts {
  basis: RootBasis;
  /** Roots that should have tokens. */
  roots: number;
  /** Those without tokens although their parts have some, and the right sums of these, by measure. */
  zero: number;
  right: Value[];
  /** Of the zero roots: NULL in every measure; without a model. */
  nulls: number;
  withoutModel: number;
  /** Roots with tokens whose parts have some too, and those of them that hold exactly their parts' sums. */
  peers: number;
  obeying: number;
}

/** Roots beside the sums of a basis: a SELECT list may use `zero`, `carries`, `right_0` … of `judged`. */
export function judgedRoots(usage: UsageRelation, basis: RootBasis, sql: SqlDialect): string {
  const measures = measuresOf(usage);
  return `RECURSIVE ${basis.sums},
    judged AS (SELECT r.*, ${measures.map((_, i) => `right_${i}`).join(", ")}, ${isZero(measures)} AS zero,
        ${measures.map((_, i) => `COALESCE(right_${i}, 0) > 0`).join(" OR ")} AS carries
      FROM ${usage.relation} AS r LEFT JOIN sums ON root_key = r.${basis.key} WHERE ${rootScope(usage, sql)})`;
}

/** Asks one basis. Linear in the rows of both tables. */
export async function rootFacts(
  usage: UsageRelation,
  basis: RootBasis,
  ctx: { sql: SqlDialect; query(sql: string): Promise<Record<string, Value>[]> },
): Promise<RootFacts> {
  const measures = measuresOf(usage);
  const bad = "zero AND carries";
  const [row = {}] = await ctx.query(
    `WITH ${judgedRoots(usage, basis, ctx.sql)} SELECT count(*) AS roots, count(*) FILTER (WHERE ${bad}) AS zero_roots,
       ${measures.map((_, i) => `sum(right_${i}) FILTER (WHERE ${bad}) AS sum_${i}`).join(", ")},
       count(*) FILTER (WHERE ${bad} AND ${measures.map((role) => `${role} IS NULL`).join(" AND ")}) AS nulls,
       ${usage.has("model") ? `count(*) FILTER (WHERE ${bad} AND model IS NULL)` : "0"} AS without_model,
       count(*) FILTER (WHERE NOT zero AND carries) AS peers,
       count(*) FILTER (WHERE NOT zero AND carries AND ${measures.map((role, i) => `${role} = right_${i}`).join(" AND ")}) AS obeying
     FROM judged`,
  );
  const count = (name: string) => Number(row[name] ?? 0);
  return {
    basis,
    roots: count("roots"),
    zero: count("zero_roots"),
    right: measures.map((_, i) => row[`sum_${i}`] ?? null),
    nulls: count("nulls"),
    withoutModel: count("without_model"),
    peers: count("peers"),
    obeying: count("obeying"),
  };
}

/** The basis whose sums the roots with tokens obey; where none has any, the sessions' own messages decide. */
export function decidingBasis(facts: readonly RootFacts[]): RootFacts | null {
  const useful = facts.filter((one) => one.zero > 0);
  const obeyed = useful
    .filter((one) => one.obeying > 0 && one.obeying * 2 >= one.peers)
    .sort((a, b) => b.obeying - a.obeying);
  if (obeyed[0]) return obeyed[0];
  // Steps repeat what messages hold: of tables that fit equally well, the one that is named so is meant.
  const named = (one: RootFacts) => (/message/i.test(one.basis.source.name) ? 1 : 0);
  const messages = useful
    .filter((one) => one.basis.kind === "messages")
    .sort((a, b) => named(b) - named(a) || b.zero - a.zero);
  return messages[0] ?? useful[0] ?? null;
}
