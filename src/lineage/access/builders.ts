/** Query builders: knex, Kysely and drizzle. */

import type { AccessFact } from "../facts.ts";
import type { Expr } from "../ir.ts";
import type { Place } from "../program.ts";
import { type Call, calledName, chainOf, type Site, type Step } from "../sites.ts";
import { type AccessContext, chainsAt, columnTexts, constantOf, keysOf } from "./emit.ts";

type Operation = AccessFact["operation"];

/** All accesses by query builders. */
export function builderAccess(ctx: AccessContext): void {
  const { program } = ctx;
  const uses = {
    knex: program.uses("knex") || program.uses("@nestjs/knex") || program.uses("nestjs-knex"),
    kysely: program.uses("kysely"),
    drizzle: program.uses("drizzle-orm"),
  };
  for (const site of ctx.sites) {
    if (site.expr.k !== "call" || site.chained) continue;
    if (uses.kysely) kysely(ctx, site.place, site.expr);
    if (uses.drizzle) drizzle(ctx, site.place, site.expr);
    if (uses.knex) knex(ctx, site, site.expr);
  }
  if (uses.kysely || uses.drizzle)
    for (const site of ctx.sites) {
      // A chain that is continued elsewhere still starts somewhere: `const q = db.selectFrom("t")`.
      if (site.expr.k === "call" && site.chained && uses.drizzle) drizzleQuery(ctx, site.place, site.expr);
    }
}

/** `users as u` → `users`; `auth.users` → `users`. */
function tableOf(text: string | null): string | null {
  if (text === null) return null;
  const name = /^\s*(?:[\w$]+\.)*([\w$-]+)(?:\s+(?:as\s+)?[\w$]+)?\s*$/i.exec(text)?.[1];
  return name ?? null;
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

function argsOf(steps: readonly Step[], names: RegExp): Expr[] {
  return steps.flatMap((step) => (step.args && names.test(step.name) ? [...step.args] : []));
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

const KNEX_ROOT = /^(knex|db|trx|tx|transaction|database|connection|conn|k|pg|mysql|sqlite)$/i;
const KNEX_STEP =
  /^(select|where\w*|andWhere\w*|orWhere\w*|insert|update|del|delete|first|join|leftJoin|rightJoin|innerJoin|outerJoin|fullOuterJoin|crossJoin|orderBy\w*|groupBy\w*|having\w*|limit|offset|count|countDistinct|sum|avg|min|max|pluck|returning|onConflict|merge|ignore|increment|decrement|truncate|columns|column|distinct|clone|modify|transacting|forUpdate|upsert|from|into|table|as|stream|then|paginate)$/;

function knex(ctx: AccessContext, site: Site, call: Call): void {
  const { place } = site;
  const { root, steps } = chainOf(call);
  const start =
    steps[0]?.name === "()"
      ? steps[0]
      : steps.find((step) => /^(from|into|table)$/.test(step.name) && step.args);
  if (!start?.args?.[0] || !isKnex(ctx, place, root) || isSetUp(steps, start)) return;
  const rest = steps.filter((step) => step !== start);
  if (start.name === "()" && rest.length === 0 && site.within === null && !isBound(ctx, place, call)) return;
  if (
    !rest.every(
      (step) =>
        step.args === null ||
        KNEX_STEP.test(step.name) ||
        /^(raw|timeout|debug|on|catch|finally|withSchema|with|queryContext)$/.test(step.name),
    )
  )
    return;
  const given = start.args[0];
  if (given.k === "function" || given.k === "call") return;
  const name =
    given.k === "object"
      ? tableOf(constantOf(ctx.program, place, given.entries[0]?.value))
      : tableOf(constantOf(ctx.program, place, given));
  const own = knexOperation(ctx, place, rest);
  // A builder that is kept may still be written with: its later chain says so.
  const later = isBound(ctx, place, call) ? laterSteps(ctx, place, call) : [];
  const whole = later.length > 0 ? knexOperation(ctx, place, [...rest, ...later]) : own;
  ctx.emit(place, call.at, name, whole.operation, whole.columns, "builder", {
    data: whole.data,
    model: null,
  });
  for (const step of rest) {
    if (!/join$/i.test(step.name) || !step.args?.[0]) continue;
    const joined = step.args[0].k === "object" ? step.args[0].entries[0]?.value : step.args[0];
    const table = tableOf(constantOf(ctx.program, place, joined));
    if (table !== null) ctx.emit(place, call.at, table, "select", [], "builder");
  }
}

/** `knex.schema.table("t", …)` changes a schema, `knex({ client, connection })` makes a connection: no rows are touched. */
function isSetUp(steps: readonly Step[], start: Step): boolean {
  const given = start.args?.[0];
  return (
    steps.some((step) => step.name === "schema") ||
    (given?.k === "object" && given.entries.some(({ key }) => key === "client" || key === "connection"))
  );
}

function knexOperation(
  ctx: AccessContext,
  place: Place,
  steps: readonly Step[],
): { operation: Operation; columns: string[]; data: readonly Expr[] } {
  const has = (name: RegExp) => steps.find((step) => name.test(step.name) && step.args);
  const insert = has(/^(insert|upsert)$/);
  if (insert) {
    const merges = insert.name === "upsert" || (has(/^onConflict$/) && has(/^merge$/));
    return {
      operation: merges ? "upsert" : "insert",
      columns: keysOf(ctx.program, place, insert.args?.[0], null),
      data: insert.args?.slice(0, 1) ?? [],
    };
  }
  const update = has(/^(update|increment|decrement)$/);
  if (update) {
    const text = constantOf(ctx.program, place, update.args?.[0]);
    return {
      operation: "update",
      columns: text === null ? keysOf(ctx.program, place, update.args?.[0], null) : [text],
      data: text === null ? (update.args?.slice(0, 1) ?? []) : [],
    };
  }
  if (has(/^(del|delete|truncate)$/)) return { operation: "delete", columns: [], data: [] };
  const joined = steps.some((step) => /join$/i.test(step.name));
  const columns = joined
    ? []
    : columnTexts(ctx.program, place, argsOf(steps, /^(select|columns?|first|pluck)$/));
  return { operation: "select", columns, data: [] };
}

function isKnex(ctx: AccessContext, place: Place, root: Expr): boolean {
  if (root.k === "member") return KNEX_ROOT.test(root.name);
  if (root.k !== "name" || root.name === "$") return false;
  const ref = ctx.program.resolve(place, root);
  if (ref?.t === "package") return /^knex/.test(ref.path);
  if (ref && ref.t !== "expr") return false;
  return KNEX_ROOT.test(root.name);
}

function isBound(ctx: AccessContext, place: Place, call: Call): boolean {
  for (const values of ctx.program.function(place).bindings.values()) if (values.includes(call)) return true;
  return false;
}

/** The steps of chains that go on from the name a builder was kept under. */
function laterSteps(ctx: AccessContext, place: Place, call: Call): Step[] {
  const names = [...ctx.program.function(place).bindings]
    .filter(([, values]) => values.includes(call))
    .map(([name]) => name);
  return chainsAt(ctx, place).flatMap(({ root, steps }) =>
    root.k === "name" && names.includes(root.name) ? steps : [],
  );
}
