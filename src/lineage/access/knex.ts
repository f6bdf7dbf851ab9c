/** knex: which table a chain starts from, and what it goes on to do. */

import type { AccessFact } from "../facts.ts";
import type { Expr } from "../ir.ts";
import type { Place } from "../program.ts";
import { type Call, calledName, chainOf, type Site, type Step } from "../sites.ts";
import { Callbacks } from "./callbacks.ts";
import {
  type AccessContext,
  argsOf,
  columnTexts,
  constantOf,
  isBound,
  keysOf,
  laterSteps,
  tableOf,
} from "./emit.ts";

type Operation = AccessFact["operation"];

const KNEX_ROOT = /^(knex|db|trx|tx|transaction|database|connection|conn|k|pg|mysql|sqlite)$/i;
/** What an object holds knex under: `this.knex("t")`, `app.db.select().from("t")`. */
const KNEX_MEMBER = /^_?(knex|db|trx)$/i;
const KNEX_STEP =
  /^(select|where\w*|and\w*|or[A-Z]\w*|not|insert|update|del|delete|first|\w*[jJ]oin(Raw|Related)?|orderBy\w*|groupBy\w*|having\w*|limit|offset|count|countDistinct|sum|sumDistinct|avg|avgDistinct|min|max|pluck|returning|onConflict|merge|ignore|increment|decrement|truncate|columns|column|distinct|distinctOn|clear\w*|clone|modify|transacting|forUpdate|forShare|skipLocked|noWait|upsert|from|into|table|as|stream|pipe|then|paginate|raw|timeout|debug|on|catch|finally|withSchema|with\w*|queryContext|union\w*|intersect|except|toSQL|toQuery|toString|asCallback|comment|hintComment|jsonExtract|options|connection|batchInsert)$/;
/** Calls that hand a builder to the function they are given. */
const SUBQUERY =
  /^((and|or)?[wW]here\w*|(or)?[hH]aving\w*|with\w*|union\w*|intersect|except|from|select|\w*[jJ]oin)$/;

/** Where a chain names its table, and the steps that do something with it. */
interface Start {
  given: Expr;
  rest: readonly Step[];
  /** The call is of knex itself, by its own name. */
  isSure: boolean;
}

/** A reader of all outermost calls of a tree that uses knex. */
export function knexReader(ctx: AccessContext): (site: Site, call: Call) => void {
  let callbacks: Callbacks | null = null;
  const handed = (fn: Place) => {
    callbacks ??= new Callbacks(ctx.program, ctx.sites);
    return callbacks.handedTo(fn);
  };
  let ctes: Map<number, Set<string>> | null = null;
  const ctesIn = (m: number) => {
    ctes ??= ctesOf(ctx);
    return ctes.get(m) ?? new Set<string>();
  };
  return (site, call) => knex(ctx, site, call, ctesIn, (place, root) => isSubquery(ctx, place, root, handed));
}

function knex(
  ctx: AccessContext,
  site: Site,
  call: Call,
  ctesIn: (m: number) => Set<string>,
  isBuilder: (place: Place, root: Expr) => boolean,
): void {
  const { place } = site;
  const { root, steps } = chainOf(call);
  const start = startOf(ctx, place, root, steps, isBuilder);
  if (!start || isSetUp(steps, start.given)) return;
  const { given, rest } = start;
  if (rest.length === 0 && steps.at(-1)?.call === call && site.within === null && !isBound(ctx, place, call))
    return;
  if (!rest.every((step) => step.args === null || KNEX_STEP.test(step.name))) return;
  if (given.k === "function" || given.k === "call") return;
  const name = tableOf(
    constantOf(ctx.program, place, given.k === "object" ? given.entries[0]?.value : given),
  );
  if (name === null && (!start.isSure || ctx.models.of(ctx.program, place, given))) return;
  const isCte = (table: string) => ctesIn(place.m).has(table);
  const own = knexOperation(ctx, place, rest);
  // A builder that is kept may still be written with: its later chain says so.
  const later = isBound(ctx, place, call) ? laterSteps(ctx, place, call) : [];
  const whole = later.length > 0 ? knexOperation(ctx, place, [...rest, ...later]) : own;
  if (name === null || !isCte(name))
    ctx.emit(place, call.at, name, whole.operation, whole.columns, "builder", {
      data: whole.data,
      model: null,
    });
  for (const table of joinedTables(ctx, place, rest))
    if (!isCte(table)) ctx.emit(place, call.at, table, "select", [], "builder");
}

/** `knex("t")`, `this.knex("t")`, `knex.select().from("t")`, `knex.batchInsert("t", rows)`. */
function startOf(
  ctx: AccessContext,
  place: Place,
  root: Expr,
  steps: readonly Step[],
  isBuilder: (place: Place, root: Expr) => boolean,
): Start | null {
  const calls = steps.findIndex((step) => step.args !== null);
  const first = steps[calls];
  if (!first?.args) return null;
  const [given] = first.args;
  if (first.name === "()" && given && isKnex(ctx, place, root))
    return { given, rest: steps.slice(calls + 1), isSure: true };
  if (first.name !== "()" && KNEX_MEMBER.test(first.name) && given)
    return { given, rest: steps.slice(calls + 1), isSure: /knex$/i.test(first.name) };
  const names = steps.find(
    (step) =>
      step.args && (/^(from|into|table)$/.test(step.name) || (step === first && step.name === "batchInsert")),
  );
  if (!names?.args?.[0]) return null;
  const holds = steps.slice(0, calls).some((step) => KNEX_MEMBER.test(step.name));
  const isSure = isKnex(ctx, place, root);
  if (!isSure && !holds && !(calls === 0 && isBuilder(place, root))) return null;
  const rest = steps.slice(calls).filter((step) => step !== names || step.name === "batchInsert");
  return { given: names.args[0], rest, isSure };
}

/** The names that `with("x", …)` gives to queries, by module: no tables. */
function ctesOf(ctx: AccessContext): Map<number, Set<string>> {
  const found = new Map<number, Set<string>>();
  for (const { place, expr } of ctx.sites) {
    if (expr.k !== "call" || expr.args.length < 2) continue;
    if (!/^with(Recursive|Materialized|NotMaterialized|Wrapped)?$/.test(calledName(expr))) continue;
    const name = constantOf(ctx.program, place, expr.args[0]);
    if (name === null) continue;
    const known = found.get(place.m);
    if (known) known.add(name);
    else found.set(place.m, new Set([name]));
  }
  return found;
}

/** `whereIn("id", function () { this.select("id").from("t") })`, `with("x", (qb) => qb.select().from("t"))`. */
function isSubquery(
  ctx: AccessContext,
  place: Place,
  root: Expr,
  handed: (fn: Place) => { call: Call } | null,
): boolean {
  if (root.k !== "name") return false;
  if (root.name !== "this" && ctx.program.function(place).params[0]?.name !== root.name) return false;
  const by = handed(place);
  return by !== null && SUBQUERY.test(calledName(by.call));
}

/** The tables that the joins of a chain name. */
export function joinedTables(ctx: AccessContext, place: Place, steps: readonly Step[]): string[] {
  return steps.flatMap((step) => {
    if (!/join$/i.test(step.name) || !step.args?.[0]) return [];
    const joined = step.args[0].k === "object" ? step.args[0].entries[0]?.value : step.args[0];
    return tableOf(constantOf(ctx.program, place, joined)) ?? [];
  });
}

/** `knex.schema.table("t", …)` changes a schema, `knex({ client, connection })` makes a connection: no rows are touched. */
function isSetUp(steps: readonly Step[], given: Expr): boolean {
  return (
    steps.some((step) => step.name === "schema") ||
    (given.k === "object" && given.entries.some(({ key }) => key === "client" || key === "connection"))
  );
}

function knexOperation(
  ctx: AccessContext,
  place: Place,
  steps: readonly Step[],
): { operation: Operation; columns: string[]; data: readonly Expr[] } {
  const has = (name: RegExp) => steps.find((step) => name.test(step.name) && step.args);
  const batch = has(/^batchInsert$/);
  if (batch)
    return {
      operation: "insert",
      columns: keysOf(ctx.program, place, batch.args?.[1], null),
      data: batch.args?.slice(1, 2) ?? [],
    };
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
  if (root.k !== "name" || root.name === "$") return false;
  const ref = ctx.program.resolve(place, root);
  if (ref?.t === "package") return /^knex/.test(ref.path);
  if (ref && ref.t !== "expr") return false;
  return KNEX_ROOT.test(root.name);
}
