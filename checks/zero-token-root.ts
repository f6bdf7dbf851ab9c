/** Finds roots of traces, and sessions, that have no tokens although their parts have some. */

import {
  decidingBasis,
  isZero,
  judgedRoots,
  measuresOf,
  messageBases,
  type RootFacts,
  rootFacts,
  rootScope,
  type TreeShape,
  treeFacts,
} from "../src/analysis/roots.ts";
import { anyRow, sampleColumns } from "../src/analysis/scope.ts";
import { type CheckContext, defineCheck } from "../src/contract/check.ts";
import type { UsageRelation } from "../src/contract/evidence.ts";
import { number, plural } from "../src/contract/wording.ts";

/** Zero roots among which samples are looked for first. */
const SAMPLED_ROOTS = 1000;

type Context = Pick<CheckContext, "query" | "sql">;

export default defineCheck({
  id: "zero-token-root",
  meta: {
    title: "Roots have no tokens while their parts have some",
    severity: "error",
    what: "Compares each root of a trace table, and each row of a session table, with the tokens of its own session's messages and of its descendants; reports roots whose tokens are 0 or NULL while these carry some, with the right sums. Which sum is right is learnt from the roots that have tokens; where none has, the session's own messages decide, else the descendants.",
    why: "A dashboard shows the root. Where it is 0, the cost of the whole session is 0, and nobody is told. Seen as a query that wrote `0 as tokens_in` for every root trace, which made all costs wrong.",
    fix: "Correct the statement that writes the roots, then run `trueup backfill --check zero-token-root`: it sets the roots to the right sums, and only where they are still 0 or NULL.",
    silent: [
      "A root without descendants or messages, or whose descendants and messages have no tokens either, rightly has none.",
      "Roots of a kind of which no row carries tokens (server spans, chains, agents), and roots without a model where calls name one, are containers.",
      "Where the parents below the roots hold no tokens either, parents leave them to their children by design.",
      "A reply whose parent is the previous message is no part of it.",
      "Roots that are still running get their tokens at the end.",
    ],
    needs: "a table of traces with parents, or of sessions beside their messages, with tokens",
  },
  options: {
    min_rows: { describe: "Zero roots below which nothing is reported.", default: 1 },
  },
  targets: (evidence) =>
    evidence.usage.filter(
      (u) =>
        u.origin === "table" &&
        u.has("id") &&
        measuresOf(u).length > 0 &&
        (u.grain === "session" || (u.grain === null && u.has("parent_id"))),
    ),
  async run(usage, ctx) {
    const { facts, found } = await judge(usage, ctx);
    if (!found || found.zero < ctx.options.min_rows) return [];

    const measures = measuresOf(usage);
    const rightOf = (one: RootFacts | undefined) =>
      measures.map((role, i) => `${number(one?.right[i])} ${role.replaceAll("_", " ")}`).join(" and ");
    const all = found.zero === found.roots || (found.peers === 0 && found.zero > 1);
    const other = facts.find((one) => one.basis.kind !== found.basis.kind && one.zero > 0);
    const of = (one: RootFacts) =>
      one.basis.kind === "messages"
        ? `their sessions' rows in ${one.basis.source.name}`
        : "their descendants";
    const learnt =
      found.peers > 0 && found.obeying * 2 >= found.peers
        ? ` ${number(found.obeying)} of ${plural(found.peers, "root")} with tokens hold exactly that sum.`
        : "";
    const shown = (first?: number) =>
      `WITH ${judgedRoots(usage, found.basis, ctx.sql, first)} SELECT ${sampleColumns(usage)}, ${measures
        .map((role, i) => `right_${i} AS right_${role}`)
        .join(", ")} FROM judged WHERE zero AND carries ORDER BY right_0 DESC, row`;
    // Samples are looked for among the first roots; the sums of all others need not be made again.
    const near = await ctx.samples(shown(SAMPLED_ROOTS));
    const sums = (one: RootFacts, prefix: string) =>
      Object.fromEntries(measures.map((role, i) => [`${prefix}_${role}`, one.right[i] ?? null]));
    return [
      {
        title: all
          ? "All roots have no tokens while their parts have some"
          : "Roots have no tokens while their parts have some",
        message: `${number(found.zero)} of ${plural(found.roots, usage.grain === "session" ? "session" : "root")} ${
          found.zero === 1 ? "has" : "have"
        } no tokens, while ${of(found)} hold ${rightOf(found)}.${learnt}${
          other ? ` Summed over ${of(other)} it is ${rightOf(other)}.` : ""
        }`,
        measure: { name: "zero_roots", value: found.zero },
        evidence: {
          zero_roots: found.zero,
          roots: found.roots,
          basis: found.basis.kind,
          source: found.basis.source.name,
          ...sums(found, "right"),
          ...(other ? sums(other, other.basis.kind) : {}),
          peers: found.peers,
          peers_obeying: found.obeying,
        },
        samples: near.length > 0 ? near : await ctx.samples(shown()),
        sql: `${shown()} LIMIT 100`,
        location: { column: usage.columnOf(measures[0] ?? "input_tokens")?.name ?? null },
      },
    ];
  },
  async repair(usage, ctx) {
    const { facts, found } = await judge(usage, ctx);
    // Nothing is wrong: the roots are still counted, as long as something says what they should hold.
    const basis = (found ?? facts.find((one) => one.obeying > 0))?.basis;
    const key = usage.columnOf("id")?.name;
    const measures = measuresOf(usage);
    const columns = measures.flatMap((role) => usage.columnOf(role)?.name ?? []);
    if (!basis || key === undefined || columns.length < measures.length) return null;
    const values = measures.map((role, i) => `${role} AS old_${i}, COALESCE(right_${i}, 0) AS new_${i}`);
    const parent = usage.grain === "session" ? null : (usage.columnOf("parent_id")?.expression ?? null);
    const messages = basis.kind === "messages";
    return {
      table: usage.name,
      key,
      columns,
      guard: "unfilled",
      rows: `WITH ${judgedRoots(usage, basis, ctx.sql)} SELECT id AS key, ${values.join(", ")},
        CASE WHEN NOT carries THEN '${messages ? "its session has no tokens either" : "nothing below it has tokens either"}' END AS lost
        FROM judged WHERE zero AND ${found ? "TRUE" : "FALSE"}`,
      among:
        parent && `(${parent} IS NULL OR ${parent} = '' OR ${parent} = ${usage.columnOf("id")?.expression})`,
      how: messages
        ? `Each row gets the sum of its own session's rows in ${basis.source.name}; negative counts count as 0.`
        : "Each row gets the sum of its descendants; negative counts count as 0.",
    };
  },
});

/** Every basis with what it says, and the one that decides when the roots should have had tokens. */
async function judge(
  usage: UsageRelation,
  ctx: Context & Pick<CheckContext, "evidence">,
): Promise<{ facts: RootFacts[]; found: RootFacts | null }> {
  const facts: RootFacts[] = [];
  const zeroRoot = `${rootScope(usage, ctx.sql)} AND ${isZero(measuresOf(usage))}`;
  if (!(await anyRow(usage, zeroRoot, ctx))) return { facts, found: null };
  const below = usage.grain === null && usage.has("id", "parent_id") ? await treeFacts(usage, ctx) : null;
  if (below?.facts) facts.push(below.facts);
  for (const basis of messageBases(usage, ctx.evidence.usage)) {
    // A table whose rows are tied by one column of the roots is tied by no other.
    const tied = facts.some((one) => one.basis.source === basis.source && one.zero + one.peers > 0);
    if (!tied) facts.push(await rootFacts(usage, basis, ctx));
  }
  const found = decidingBasis(facts);
  return { facts, found: found && isDefect(usage, found, below?.tree ?? null) ? found : null };
}

/** Whether these roots should have had tokens. Roots that hold the sum prove it; else nothing may speak against it. */
function isDefect(usage: UsageRelation, found: RootFacts, tree: TreeShape | null): boolean {
  if (found.obeying > 0 && found.obeying * 2 >= found.peers) return true;
  if (usage.grain === "session" || tree === null) return true;
  const modelled = usage.has("model") && tree.carryingNamed >= 0.95 * tree.carrying && tree.carrying > 0;
  if (modelled && found.withoutModel * 2 > found.zero) return false;
  if (tree.inner > 0 && tree.innerZero * 2 > tree.inner) return false;
  return true;
}
