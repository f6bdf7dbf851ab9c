/** Another provider, or a mock, took over. */

import {
  defineHypothesis,
  type HypothesisContext,
  type Incident,
  NO_EVIDENCE,
  speaksAgainst,
  speaksFor,
} from "../../contract/hypothesis.ts";
import { number, percent } from "../../contract/wording.ts";
import { changedText, FRESH_MIN, type Mix, mixOfColumn, mixOfOrigins, SAME_MAX } from "../measure/mix.ts";
import { afterSql, onsetText } from "../measure/window.ts";

const PROVIDER =
  /openai|anthropic|claude|azure|bedrock|vertex|gemini|google|mistral|cohere|openrouter|groq|together|fireworks|deepseek|ollama|vllm|huggingface|replicate|perplexity|xai|litellm|mock|fake|stub|dummy/gi;
const MOCK = /(^|[^a-z])(mock|fake|stub|dummy)/i;

export default defineHypothesis({
  id: "provider-switch",
  meta: {
    title: "Another provider or model took over",
    sentence:
      "From the onset on another provider or model answers, or a mock does, whose usage is not recorded.",
    limits:
      "It is seen only where a provider or model stands in a column or in the names of log lines. A provider that is swapped behind the same name stays unseen.",
  },
  tests: [
    {
      id: "column-mix",
      // A provider or model that was not there before answers most calls from the onset on: 25 times.
      weight: { for: 3.2, against: 2.5 },
      run: columnMix,
    },
    {
      id: "names-in-lines",
      // The lines of the rows name a provider that they did not name before.
      weight: { for: 3.8, against: 0 },
      async run(incident, ctx) {
        const mix = await mixOfOrigins(incident, ctx);
        if (!mix || mix.freshShare < FRESH_MIN) return NO_EVIDENCE;
        const names = [...new Set(mix.fresh.flatMap((origin) => origin.toLowerCase().match(PROVIDER) ?? []))];
        if (names.length === 0) return NO_EVIDENCE;
        return speaksFor(
          `the lines of the rows name ${names.slice(0, 3).join(", ")}: ${changedText(mix, "rows by the lines that name them")}`,
          mix.sql,
        );
      },
    },
    {
      id: "mock",
      // A mock in production has no usage to record.
      weight: { for: 1.5, against: 0 },
      async run(incident, ctx) {
        const mixes = [
          await mixOfOrigins(incident, ctx),
          ...(await columnMixes(incident, ctx)).map((one) => one.mix),
        ];
        for (const mix of mixes) {
          const value =
            mix && mix.freshShare >= FRESH_MIN ? mix.fresh.find((name) => MOCK.test(name)) : undefined;
          if (mix && value !== undefined)
            return speaksFor(`"${value}" appears at ${onsetText(incident)}`, mix.sql);
        }
        return NO_EVIDENCE;
      },
    },
    {
      id: "old-provider-too",
      // Calls of the old provider that lost their tokens as well: the new one is not why.
      weight: { for: 0, against: 2.5 },
      run: oldProviderToo,
    },
  ],
  confirm: () =>
    "look at the configuration and the keys of the provider at the onset, and at one answer of the new one",
  missing: (incident) =>
    incident.table && !incident.table.has("model") && !incident.table.has("provider")
      ? "which provider and model answered each call"
      : null,
});

async function columnMixes(
  incident: Incident,
  ctx: HypothesisContext,
): Promise<{ role: "provider" | "model"; mix: Mix }[]> {
  const mixes: { role: "provider" | "model"; mix: Mix }[] = [];
  for (const usage of [incident.table, ...incident.events])
    for (const role of ["provider", "model"] as const) {
      if (!usage?.has(role) || !usage.has("time") || (usage !== incident.table && incident.table)) continue;
      const mix = await mixOfColumn(incident, usage, role, ctx);
      if (mix) mixes.push({ role, mix });
    }
  return mixes;
}

async function columnMix(incident: Incident, ctx: HypothesisContext) {
  const mixes = await columnMixes(incident, ctx);
  const changed = mixes
    .filter(({ mix }) => mix.freshShare >= FRESH_MIN)
    .sort((a, b) => b.mix.freshShare - a.mix.freshShare)[0];
  if (changed) return speaksFor(changedText(changed.mix, `calls by ${changed.role}`), changed.mix.sql);
  const [same] = [...mixes].sort((a, b) => b.mix.distance - a.mix.distance);
  if (same && mixes.every(({ mix }) => mix.distance <= SAME_MAX))
    return speaksAgainst(
      `the mix of ${mixes.map(({ role }) => `${role}s`).join(" and ")} is about the same before and after ${onsetText(incident)} (no share moves by more than ${percent(same.mix.distance)})`,
      same.mix.sql,
    );
  return NO_EVIDENCE;
}

async function oldProviderToo(incident: Incident, ctx: HypothesisContext) {
  const { table, scope, defect } = incident;
  if (!table || defect === null) return NO_EVIDENCE;
  for (const { role, mix } of await columnMixes(incident, ctx)) {
    if (mix.freshShare < FRESH_MIN) continue;
    const fresh = mix.fresh.map((value) => ctx.sql.literal(value)).join(", ");
    const sql = `SELECT count(*) AS n, count(*) FILTER (WHERE ${defect}) AS lost FROM ${table.relation}
WHERE ${scope} AND ${afterSql(incident)} AND ${role} NOT IN (${fresh})`;
    const [row = {}] = await ctx.query(sql);
    const [n, lost] = [Number(row.n ?? 0), Number(row.lost ?? 0)];
    if (n >= 5 && lost >= 0.5 * n)
      return speaksAgainst(
        `${number(lost)} of ${number(n)} calls with the ${role}s of before lack tokens as well`,
        sql,
      );
  }
  return NO_EVIDENCE;
}
