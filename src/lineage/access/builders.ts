/** Query builders: Kysely and drizzle; knex has a file of its own. */

import type { AccessFact } from "../facts.ts";
import type { Place } from "../program.ts";
import { type Call, calledName, chainOf, type Step } from "../sites.ts";
import { type AccessContext, argsOf, columnTexts, constantOf, keysOf, tableOf } from "./emit.ts";
import { knexReader } from "./knex.ts";

type Operation = AccessFact["operation"];

/** All accesses by query builders. */
export function builderAccess(ctx: AccessContext): void {
  const { program } = ctx;
  const uses = {
    kysely: program.uses("kysely"),
    drizzle: program.uses("drizzle-orm"),
  };
  const knex =
    program.uses("knex") || program.uses("@nestjs/knex") || program.uses("nestjs-knex")
      ? knexReader(ctx)
      : null;
  for (const site of ctx.sites) {
    if (site.expr.k !== "call" || site.chained) continue;
    if (uses.kysely) kysely(ctx, site.place, site.expr);
    if (uses.drizzle) drizzle(ctx, site.place, site.expr);
    knex?.(site, site.expr);
  }
  if (uses.kysely || uses.drizzle)
    for (const site of ctx.sites) {
      // A chain that is continued elsewhere still starts somewhere: `const q = db.selectFrom("t")`.
      if (site.expr.k === "call" && site.chained && uses.drizzle) drizzleQuery(ctx, site.place, site.expr);
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

/** drizzle: what matters is that the argument is a table object. */
function drizzle(ctx: AccessContext, place: Place, call: Call): void {
  const { steps } = chainOf(call);
  drizzleQuery(ctx, place, call);
  const upserts = steps.some(
    (step) => step.name === "onConflictDoUpdate" || step.name === "onDuplicateKeyUpdate",
  );
  for (const step of steps) {
    const target = step.args?.[0];
    if (!target || !/^(from|insert|update|delete|\$count|\w+Join)$/.test(step.name)) continue;
    const model = ctx.models.of(ctx.program, place, target);
    if (model?.family !== "drizzle") continue;
    const line = call.at;
    if (step.name === "insert") {
      const data = argsOf(steps, /^values$/).slice(0, 1);
      const columns = keysOf(ctx.program, place, data[0], model);
      ctx.emit(place, line, model.table, upserts ? "upsert" : "insert", columns, "builder", { data, model });
    } else if (step.name === "update") {
      const data = argsOf(steps, /^set$/).slice(0, 1);
      const columns = keysOf(ctx.program, place, data[0], model);
      ctx.emit(place, line, model.table, "update", columns, "builder", { data, model });
    } else if (step.name === "delete") ctx.emit(place, line, model.table, "delete", [], "builder");
    else ctx.emit(place, line, model.table, "select", [], "builder");
  }
}

/** drizzle: `db.query.users.findMany()`. */
function drizzleQuery(ctx: AccessContext, place: Place, call: Call): void {
  if (!/^(findMany|findFirst)$/.test(calledName(call)) || call.callee.k !== "member") return;
  const of = call.callee.of;
  if (of.k !== "member" || of.of.k !== "member" || of.of.name !== "query") return;
  const model = ctx.models.named(of.name, "drizzle");
  if (model) ctx.emit(place, call.at, model.table, "select", [], "builder");
}
