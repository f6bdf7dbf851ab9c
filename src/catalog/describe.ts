/** Gives the columns of a loaded table their roles: what the configuration says, what the loader knows, what is inferred. */

import { UserError } from "../contract/errors.ts";
import type { Column, Grain, Table } from "../contract/evidence.ts";
import type { LoadedColumn, LoadedTable } from "../contract/loaded.ts";
import type { Role } from "../contract/roles.ts";
import type { Settings } from "../contract/settings.ts";
import { qualified } from "../store/index.ts";
import { type Candidate, type Context, configuredCandidate } from "./candidates.ts";
import { expressionOf, type Source } from "./expressions.ts";
import { grainOf } from "./grain.ts";
import { inferRoles, type RoleGuess } from "./roles.ts";

/** A table with its roles, and what the usage relation is made of. */
export interface Described {
  raw: LoadedTable;
  table: Table;
  context: Context;
  /** Role → where its value comes from; credentials left out. */
  sources: Map<Role, { source: Source; column: Column }>;
  grain: Grain;
}

/** Paths without a role that are worth a line of their own. */
const PATHS_TOLD_MAX = 40;

/** @throws UserError when the configuration names a column that the table does not have. */
export function describeTable(raw: LoadedTable, settings: Settings): Described {
  const name = `${raw.schema}.${raw.name}`;
  const { context, guesses } = inferRoles(raw.name, raw.columns);
  const configured = settings.roles[name] ?? settings.roles[raw.name] ?? {};
  const settled = settle(raw, name, raw.form === "lines" ? withoutRoles(guesses) : guesses, configured);
  const types = new Map(raw.columns.map((column) => [column.name, column]));
  const sources: Described["sources"] = new Map();
  const columns: Column[] = [];
  for (const one of settled) {
    const loaded = types.get(one.candidate.column.name) as LoadedColumn;
    const source: Source = {
      candidate: one.candidate,
      type: loaded.type,
      mixed: isMixed(loaded),
      timezone: raw.timezone,
    };
    const role = loaded.loaded ? one.role : null;
    const column: Column = {
      name: one.candidate.name,
      type: one.candidate.depth === 0 ? loaded.type : "VARCHAR",
      role,
      expression: role ? expressionOf(role, source) : null,
      confidence: role ? one.confidence : null,
      reason: loaded.loaded ? one.reason : "not needed, so not loaded; name it to load it",
      primaryKey: loaded.primaryKey && one.candidate.depth === 0,
      loaded: loaded.loaded,
      declared: one.candidate.depth === 0 ? loaded.declared : "",
      storage: one.candidate.depth === 0 ? loaded.storage : null,
    };
    columns.push(column);
    if (role && role !== "credential") sources.set(role, { source, column });
  }
  const table: Table = {
    name,
    input: raw.input,
    relation: qualified(raw.schema, raw.name),
    form: raw.form,
    rows: raw.rows,
    timeRange: null,
    columns,
  };
  const holders = new Map([...sources].map(([role, { source }]) => [role, source.candidate]));
  return { raw, table, context, sources, grain: raw.form === "events" ? null : grainOf(context, holders) };
}

function withoutRoles(guesses: readonly RoleGuess[]): RoleGuess[] {
  return guesses
    .filter((one) => one.candidate.depth === 0)
    .map((one) => ({ ...one, role: null, confidence: null, reason: null }));
}

/** Puts what is known and what is configured over what was inferred, and bounds the list of paths. */
function settle(
  raw: LoadedTable,
  table: string,
  inferred: readonly RoleGuess[],
  configured: Readonly<Record<string, Role | null>>,
): RoleGuess[] {
  let list = inferred.slice();
  for (const [column, role] of Object.entries(raw.known))
    list = given(list, raw, column, role, "the format's own rule") ?? list;
  for (const [column, role] of Object.entries(configured)) {
    const next = given(list, raw, column, role, "set in trueup.yaml");
    if (!next)
      throw new UserError(
        `trueup.yaml: roles: ${table} has no column ${column}; it has ${listed(raw.columns.map((c) => c.name))}`,
      );
    list = next;
  }
  let told = 0;
  return list.filter((one) => one.candidate.depth === 0 || one.role !== null || ++told <= PATHS_TOLD_MAX);
}

const listed = (names: readonly string[]) =>
  `${names.slice(0, 12).join(", ")}${names.length > 12 ? ` and ${names.length - 12} more` : ""}`;

/** Null when the table has no such column. A role that is given leaves the column that was inferred to have it. */
function given(
  list: readonly RoleGuess[],
  raw: LoadedTable,
  name: string,
  role: Role | null,
  reason: string,
): RoleGuess[] | null {
  const candidate =
    list.find((one) => one.candidate.name === name)?.candidate ?? configuredCandidate(raw.columns, name);
  if (!candidate) return null;
  const one: RoleGuess = { candidate, role, confidence: role ? 1 : null, reason };
  const others = list.map((other) =>
    role && role !== "credential" && other.role === role
      ? { ...other, role: null, confidence: null, reason: `${name} holds ${role}: ${reason}` }
      : other,
  );
  const at = others.findIndex((other) => other.candidate.name === name);
  return at < 0 ? [...others, one] : others.with(at, one);
}

/** More than one storage class in a column of a source that types values (SQLite). */
function isMixed(column: LoadedColumn): boolean {
  const classes = Object.entries(column.storage ?? {}).filter(([name, n]) => name !== "null" && n > 0);
  return classes.length > 1;
}

/** A loaded column of the table, without any path. */
export function sourceOf({ raw, context }: Described, column: string): Source {
  const loaded = raw.columns.find((one) => one.name === column);
  const candidate = context.candidates.find((one) => one.name === column && one.depth === 0);
  if (!loaded || !candidate) throw new Error(`no column ${column} in ${raw.name}`);
  return { candidate, type: loaded.type, mixed: false, timezone: raw.timezone };
}

/** The candidates that say what kind of row this is: `type`, `role`, `event`, `span_kind`. */
export function kindCandidates(context: Context): Candidate[] {
  return context.candidates.filter(({ leaf, facts }) => {
    const last = leaf.at(-1) ?? "";
    if (!/^(type|kind|role|event|operation|action)$/.test(last)) return false;
    if (!leaf.slice(0, -1).every((word) => KIND_OF.test(word))) return false;
    return facts.times === 0 && facts.length <= 64 && facts.distinct <= 60;
  });
}

const KIND_OF =
  /^(span|run|event|call|message|msg|observation|request|record|entry|log|op|step|row|openinference|operation|author|usage|api|llm|request|name|part)$/;
