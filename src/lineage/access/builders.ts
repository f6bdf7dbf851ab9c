/** Query builders: Kysely; drizzle and knex have files of their own. */

import type { AccessFact } from "../facts.ts";
import type { Place } from "../program.ts";
import { type Call, chainOf, type Step } from "../sites.ts";
import { drizzleReader } from "./drizzle.ts";
import { type AccessContext, argsOf, columnTexts, constantOf, keysOf, tableOf } from "./emit.ts";
import { knexReader } from "./knex.ts";

type Operation = AccessFact["operation"];

/** All accesses by query builders. */
export function builderAccess(ctx: AccessContext): void {
  const { program } = ctx;
  const usesKysely = program.uses("kysely");
  const drizzle = program.uses("drizzle-orm") ? drizzleReader(ctx) : null;
  const knex =
    program.uses("knex") || program.uses("@nestjs/knex") || program.uses("nestjs-knex")
      ? knexReader(ctx)
      : null;
  for (const site of ctx.sites) {
    if (site.expr.k !== "call") continue;
    drizzle?.(site.place, site.expr, site.chained);
    if (site.chained) continue;
    if (usesKysely) kysely(ctx, site.place, site.expr);
    knex?.(site, site.expr);
  }
}

const KYSELY: Record<string, Operation> = {
  selectFrom: "select",
  insertInto: "insert",
  replaceInto: "upsert",
  updateTable: "update",
  deleteFrom: "delete",
  mergeInto: "upsert",
};

function kysely(ctx: AccessContext, place: Place, call: Call): void {
  const { steps } = chainOf(call);
  const start = steps.findIndex((step) => step.args && Object.hasOwn(KYSELY, step.name));
  const first = steps[start];
  if (!first?.args) return;
  const upserts = steps.some(
    (step) => step.name === "onDuplicateKeyUpdate" || (step.name === "onConflict" && !ignores(step)),
  );
  const operation = KYSELY[first.name] as Operation;
  const tables = first.args[0]?.k === "list" ? first.args[0].items : [first.args[0]];
  const written = argsOf(steps, /^(values|set)$/).slice(0, 1);
  const columns =
    operation === "select"
      ? columnTexts(ctx.program, place, argsOf(steps, /^(select|where|groupBy|orderBy|distinctOn)$/))
      : keysOf(ctx.program, place, written[0], null);
  if (operation === "select" && steps.some((step) => step.name === "selectAll")) columns.push("*");
  const joined = steps.some((step) => /Join$/.test(step.name));
  for (const table of tables) {
    if (table?.k === "function" || table?.k === "call") continue;
    const name = tableOf(constantOf(ctx.program, place, table));
    if (name !== null && ctes(ctx, place, steps).has(name)) continue;
    ctx.emit(
      place,
      call.at,
      name,
      operation === "insert" && upserts ? "upsert" : operation,
      joined ? [] : columns,
      "builder",
      { data: written, model: null },
    );
  }
  for (const step of steps) {
    if (!/^(inner|left|right|full|cross|lateral)\w*Join$|^(from|using)$/.test(step.name) || !step.args?.[0])
      continue;
    const name = tableOf(constantOf(ctx.program, place, step.args[0]));
    if (name !== null && !ctes(ctx, place, steps).has(name))
      ctx.emit(place, call.at, name, "select", [], "builder");
  }
}

function ctes(ctx: AccessContext, place: Place, steps: readonly Step[]): Set<string> {
  return new Set(
    steps.flatMap((step) =>
      /^with/.test(step.name) && step.args?.[0] ? [constantOf(ctx.program, place, step.args[0]) ?? ""] : [],
    ),
  );
}

function ignores(step: Step): boolean {
  return (
    JSON.stringify(step.args, (key, value) => (key === "at" ? undefined : value))?.includes('"doNothing"') ??
    false
  );
}
