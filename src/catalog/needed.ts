/** Decides which columns of a table are worth loading, from a sample of its rows. */

import type { TableProfile } from "../contract/loaded.ts";
import type { Settings } from "../contract/settings.ts";
import type { Candidate } from "./candidates.ts";
import { mayBeDimension } from "./dimensions.ts";
import { hasAny, setOf } from "./guess.ts";
import { inferRoles } from "./roles.ts";
import { share } from "./values.ts";

/** Tables below these bounds are loaded whole: choosing would save nothing. */
const COLUMNS_FEW = 8;
const ROWS_FEW = 20_000;
const TEXT_SHORT = 500;

const KEY = setOf("id uuid guid ulid parent session trace key");

/**
 * Roles (also those that another column holds better), keys, times, JSON that holds roles, columns of few values, and
 * what the configuration or a query names.
 */
export function neededColumns(table: TableProfile, settings: Settings): Set<string> {
  const all = new Set(table.columns.map((column) => column.name));
  if (settings.dbFile !== null || isSmall(table) || isNamedWhole(table, settings.named)) return all;
  const { context, guesses } = inferRoles(table.name, table.columns);
  const needed = new Set<string>();
  for (const { candidate, role, reason } of guesses)
    if (role !== null || (candidate.depth === 0 && reason !== null)) needed.add(candidate.column.name);
  for (const candidate of context.candidates)
    if (candidate.depth === 0 && isWorthwhile(candidate)) needed.add(candidate.name);
  const named = settings.named.toLowerCase();
  const configured = Object.keys({
    ...settings.roles[table.name],
    ...settings.roles[`${table.schema}.${table.name}`],
  });
  for (const name of all)
    if (
      named.includes(name.toLowerCase()) ||
      configured.some((one) => one === name || one.startsWith(`${name}.`))
    )
      needed.add(name);
  return needed;
}

/** False for a table without roles, keys and times that neither the configuration nor a query names. */
export function matters(table: TableProfile, settings: Settings): boolean {
  if (settings.dbFile !== null || settings.named.toLowerCase().includes(table.name.toLowerCase()))
    return true;
  const { context, guesses } = inferRoles(table.name, table.columns);
  return (
    guesses.some(({ role }) => role !== null) ||
    context.candidates.some((candidate) => candidate.depth === 0 && isKeyOrTime(candidate))
  );
}

function isSmall(table: TableProfile): boolean {
  const longest = Math.max(0, ...table.columns.flatMap((c) => c.sample.map(lengthOf)));
  return longest <= TEXT_SHORT && (table.columns.length < COLUMNS_FEW || table.rows < ROWS_FEW);
}

const lengthOf = (value: unknown) => (typeof value === "string" ? value.length : 0);

/** A query that takes all columns of the table, as far as its text shows; when in doubt, all are loaded. */
function isNamedWhole(table: TableProfile, named: string): boolean {
  const text = named.toLowerCase();
  if (text.trim() === "" || !text.includes(table.name.toLowerCase())) return false;
  const star = text.replaceAll(/count\s*\(\s*\*\s*\)/g, "").includes("*");
  return (
    star || !text.includes("select") || /\b(columns|summarize|describe|natural|pivot|unpivot)\b/.test(text)
  );
}

function isWorthwhile(candidate: Candidate): boolean {
  return isKeyOrTime(candidate) || mayBeDimension(candidate);
}

function isKeyOrTime({ column, facts, leaf }: Candidate): boolean {
  if (column.primaryKey || column.references !== null) return true;
  return share(facts.times, facts) > 0.5 || (hasAny(leaf, KEY) && facts.length <= 128);
}
