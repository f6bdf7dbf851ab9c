/** Roots of traces and sessions, and the sums their tokens should be: shared by the check and the repair. */

import type { UsageRelation } from "../contract/evidence.ts";
import type { Value } from "../contract/finding.ts";
import type { TokenRole } from "../contract/roles.ts";
import type { SqlDialect } from "../contract/sql.ts";
import { HAS_PARENT, isUnfinished } from "./scope.ts";

/** Levels below a root that are followed; deeper rows are not summed. */
export const DEPTH_MAX = 32;

/** Where the right sums of a table's roots come from. */
export interface RootBasis {
  kind: "messages" | "descendants";
  /** The table that is summed: the messages', or the traces' own. */
  source: UsageRelation;
  /** The root's column that names its group: its session, or itself. */
  key: "session_id" | "id" | "row";
  /**
   * CTEs that end in `sums(root_key, right_0 …)`, a row per group, one column per measure. `only`: a SELECT of the keys
   * that are asked for.
   */
  sums(only?: string): string;
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
          sums: (only) => `sums AS (SELECT session_id AS root_key, ${rights(measures)} FROM ${source.relation}
      WHERE session_id ${only ? `IN (${only})` : "IS NOT NULL"} AND (${measures.map((role) => `${role} IS NOT NULL`).join(" OR ")}) GROUP BY session_id)`,
        }),
      ),
  );
}

function sameShape(one: UsageRelation, other: UsageRelation): boolean {
  const leaf = (usage: UsageRelation) => usage.name.split(".").at(-1);
  return leaf(one) === leaf(other);
}

/** The sum over everything below a root. `isFlat`: no child has children, so that nothing needs to be followed. */
function descendantBasis(usage: UsageRelation, isFlat: boolean): RootBasis {
  const measures = measuresOf(usage);
  const flat = (only?: string) =>
    `sums AS (SELECT parent_id AS root_key, ${rights(measures)} FROM ${usage.relation}
      WHERE ${HAS_PARENT}${only ? ` AND parent_id IN (${only})` : ""} GROUP BY parent_id)`;
  // Ids are compared once; the tree is followed along row numbers.
  const deep = (
    only = `SELECT row FROM ${usage.relation} WHERE ${isRoot(usage)}`,
  ) => `edges AS (SELECT c.row AS child, p.row AS parent FROM (SELECT * FROM ${usage.relation} WHERE ${HAS_PARENT}) AS c
      JOIN ${usage.relation} AS p ON p.id = c.parent_id),
    tree(root, node, depth) AS (
      SELECT parent, child, 1 FROM edges WHERE parent IN (${only})
      UNION SELECT root, child, depth + 1 FROM tree JOIN edges ON parent = node WHERE depth < ${DEPTH_MAX} AND child <> root),
    sums AS (SELECT root AS root_key, ${rights(measures)}
      FROM (SELECT DISTINCT root, node FROM tree) AS nodes JOIN ${usage.relation} AS parts ON parts.row = node GROUP BY root)`;
  return { kind: "descendants", source: usage, key: isFlat ? "id" : "row", sums: isFlat ? flat : deep };
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

/**
 * Roots beside the sums of a basis: a SELECT list may use `zero`, `carries`, `right_0` … of `judged`. `first`: of the
 * zero roots only so many, in their order.
 */
export function judgedRoots(usage: UsageRelation, basis: RootBasis, sql: SqlDialect, first?: number): string {
  const measures = measuresOf(usage);
  const scope = rootScope(usage, sql);
  const some = (column: string) =>
    `SELECT ${column} FROM (SELECT ${basis.key}, row FROM ${usage.relation} WHERE ${scope} AND ${isZero(measures)} ORDER BY row LIMIT ${first}) AS some_roots`;
  return `RECURSIVE ${basis.sums(first === undefined ? undefined : some(basis.key))},
    judged AS (SELECT r.*, ${measures.map((_, i) => `right_${i}`).join(", ")}, ${isZero(measures)} AS zero, ${carries(measures)} AS carries
      FROM ${usage.relation} AS r LEFT JOIN sums ON root_key = r.${basis.key}
      WHERE ${first === undefined ? scope : `r.row IN (${some("row")})`})`;
}

function carries(measures: readonly TokenRole[]): string {
  return `(${measures.map((_, i) => `COALESCE(right_${i}, 0) > 0`).join(" OR ")})`;
}

/** Asks one basis. Linear in the rows of both tables. */
export async function rootFacts(
  usage: UsageRelation,
  basis: RootBasis,
  ctx: { sql: SqlDialect; query(sql: string): Promise<Record<string, Value>[]> },
): Promise<RootFacts> {
  const [row = {}] = await ctx.query(
    `WITH ${judgedRoots(usage, basis, ctx.sql)} SELECT ${factColumns(usage, "TRUE")} FROM judged`,
  );
  return factsFrom(usage, basis, row);
}

/** The columns that `factsFrom` reads, over roots joined with their sums; `root` is true in the roots to be judged. */
function factColumns(usage: UsageRelation, root: string): string {
  const measures = measuresOf(usage);
  const zero = isZero(measures);
  const bad = `${root} AND ${zero} AND ${carries(measures)}`;
  const peer = `${root} AND NOT ${zero} AND ${carries(measures)}`;
  return `count(*) FILTER (WHERE ${root}) AS roots, count(*) FILTER (WHERE ${bad}) AS zero_roots,
       ${measures.map((_, i) => `sum(right_${i}) FILTER (WHERE ${bad}) AS sum_${i}`).join(", ")},
       count(*) FILTER (WHERE ${bad} AND ${measures.map((role) => `${role} IS NULL`).join(" AND ")}) AS nulls,
       ${usage.has("model") ? `count(*) FILTER (WHERE ${bad} AND model IS NULL)` : "0"} AS without_model,
       count(*) FILTER (WHERE ${peer}) AS peers,
       count(*) FILTER (WHERE ${peer} AND ${measures.map((role, i) => `${role} = right_${i}`).join(" AND ")}) AS obeying`;
}

function factsFrom(usage: UsageRelation, basis: RootBasis, row: Record<string, Value>): RootFacts {
  const count = (name: string) => Number(row[name] ?? 0);
  return {
    basis,
    roots: count("roots"),
    zero: count("zero_roots"),
    right: measuresOf(usage).map((_, i) => row[`sum_${i}`] ?? null),
    nulls: count("nulls"),
    withoutModel: count("without_model"),
    peers: count("peers"),
    obeying: count("obeying"),
  };
}

/** How the parents of a table's rows lie. */
export interface TreeShape {
  /** Parents are previous messages: chains, not trees. */
  replies: boolean;
  /** Parents below the roots, and those of them without tokens. */
  inner: number;
  innerZero: number;
  /** Rows with tokens, and those of them with a model. */
  carrying: number;
  carryingNamed: number;
}

/** The tree of a table, and what the descendants of its roots say; null where they are no descendants but replies. */
export async function treeFacts(
  usage: UsageRelation,
  ctx: { sql: SqlDialect; query(sql: string): Promise<Record<string, Value>[]> },
): Promise<{ tree: TreeShape; facts: RootFacts | null }> {
  const measures = measuresOf(usage);
  const zero = isZero(measures);
  const model = usage.has("model") ? "model IS NOT NULL" : "FALSE";
  const inside = `NOT ${isRoot(usage)}`;
  const root = `${isRoot(usage)} AND is_call AND NOT ${isUnfinished(usage, ctx.sql)}`;
  // Where no child has children, as is common, the one join says it all.
  const [row = {}] = await ctx.query(
    `WITH sums AS (SELECT parent_id AS root_key, count(*) AS children, ${rights(measures)} FROM ${usage.relation}
       WHERE ${HAS_PARENT} GROUP BY parent_id)
     SELECT every.*, parents.* FROM
       (SELECT count(*) FILTER (WHERE ${root}) AS all_roots, count(*) FILTER (WHERE NOT ${zero}) AS carrying,
          count(*) FILTER (WHERE NOT ${zero} AND ${model}) AS named FROM ${usage.relation}) AS every
     CROSS JOIN (SELECT count(*) FILTER (WHERE ${isRoot(usage)}) AS top, count(*) FILTER (WHERE ${inside}) AS inside,
          count(*) FILTER (WHERE children = 1) AS single, count(*) FILTER (WHERE ${inside} AND ${zero}) AS inside_zero,
          ${factColumns(usage, root)}
        FROM sums JOIN ${usage.relation} ON id = root_key) AS parents`,
  );
  const count = (name: string) => Number(row[name] ?? 0);
  const parents = count("top") + count("inside");
  const named = /(message|reply|replies|comment|post)s?$/i.test(usage.name);
  const tree = {
    replies:
      named || (count("inside") >= 2 * count("top") && count("single") >= 0.8 * parents && parents > 0),
    inner: count("inside"),
    innerZero: count("inside_zero"),
    carrying: count("carrying"),
    carryingNamed: count("named"),
  };
  if (tree.replies) return { tree, facts: null };
  const basis = descendantBasis(usage, tree.inner === 0);
  return {
    tree,
    facts:
      tree.inner === 0
        ? { ...factsFrom(usage, basis, row), roots: count("all_roots") }
        : await rootFacts(usage, basis, ctx),
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
