/** Finds which table sums up which: by the grain of its rows, shared measures and keys, and names. */

import type { Link, Rollup, UsageRelation } from "../contract/evidence.ts";
import { type Role, TOKEN_ROLES } from "../contract/roles.ts";
import { ident } from "../store/index.ts";

const MEASURES: readonly Role[] = [...TOKEN_ROLES, "cost"];
/** Roles that a rollup may be grouped by. */
const KEYS: readonly Role[] = ["model", "provider", "user"];
/** Rollups of one input that are looked at. */
const ROLLUPS_MAX = 100;

/** Every plausible pair of a table that sums up and the table that it sums up, in the order of their names. */
export function findRollups(usage: readonly UsageRelation[], links: readonly Link[]): Rollup[] {
  const found: Rollup[] = [];
  for (const rollup of usage) {
    if (rollup.grain === null) continue;
    for (const detail of usage) {
      // A log's events may be summed up in a database too, but then nothing but the numbers would say so.
      if (detail === rollup || detail.grain !== null || detail.table.input !== rollup.table.input) continue;
      const measures = MEASURES.filter((role) => rollup.has(role) && detail.has(role));
      if (measures.length === 0) continue;
      const pair =
        rollup.grain === "session" || rollup.grain === "total"
          ? byKey(rollup, detail, measures, links)
          : byTime(rollup, detail, measures);
      if (pair) found.push(pair);
    }
  }
  const order = (one: Rollup) => `${one.rollup}\0${one.detail}`;
  return found.sort((a, b) => (order(a) < order(b) ? -1 : 1)).slice(0, ROLLUPS_MAX);
}

/** Rows per hour, day or month. */
function byTime(rollup: UsageRelation, detail: UsageRelation, measures: Role[]): Rollup | null {
  if (rollup.grain === null || !rollup.has("time") || !detail.has("time")) return null;
  const keys = sharedKeys(rollup, detail);
  const names = keys.map((key) => key.name);
  return {
    rollup: rollup.name,
    detail: detail.name,
    grain: rollup.grain,
    measures,
    keys,
    reason: `one row per ${rollup.grain}${names.length > 0 ? ` and ${names.join(", ")}` : ""}; both have ${measures.join(", ")}`,
  };
}

/** Rows per session, user or key: the detail refers to the key of the rollup's row. */
function byKey(
  rollup: UsageRelation,
  detail: UsageRelation,
  measures: Role[],
  links: readonly Link[],
): Rollup | null {
  if (rollup.grain === null || !rollup.has("id")) return null;
  const own = rollup.columnOf("id")?.name;
  const link = links.find(
    (l) => l.leftTable === detail.name && l.rightTable === rollup.name && l.rightColumn === own,
  );
  const role = link
    ? (["session_id", "user", "parent_id"] as const).find(
        (one) => detail.columnOf(one)?.name === link.leftColumn,
      )
    : roleByName(rollup, detail);
  const column = role ? ident(role) : detail.dimensions.find((d) => d.name === link?.leftColumn)?.column;
  const name = link?.leftColumn ?? (role && detail.columnOf(role)?.name);
  if (!column || !name) return null;
  return {
    rollup: rollup.name,
    detail: detail.name,
    grain: rollup.grain,
    measures,
    keys: [{ name, rollup: ident("id"), detail: column }],
    reason: `one row per ${rollup.grain === "session" ? "session" : "key"}, to which ${name} refers; both have ${measures.join(", ")}`,
  };
}

/** Ids too short to be found by their values alone: the name of the table says which role refers to it. */
function roleByName(rollup: UsageRelation, detail: UsageRelation): "session_id" | "user" | null {
  if (rollup.grain === "session") return detail.has("session_id") ? "session_id" : null;
  return /users?$/i.test(rollup.name) && detail.has("user") ? "user" : null;
}

function sharedKeys(rollup: UsageRelation, detail: UsageRelation): Rollup["keys"] {
  const keys: Rollup["keys"] = [];
  for (const role of KEYS)
    if (rollup.has(role) && detail.has(role))
      keys.push({ name: rollup.columnOf(role)?.name ?? role, rollup: ident(role), detail: ident(role) });
  const plain = (name: string) => name.replace(/[^A-Za-z0-9]/g, "").toLowerCase();
  const taken = new Set(keys.map((key) => key.name));
  for (const one of rollup.dimensions) {
    const other = detail.dimensions.find((d) => plain(d.name) === plain(one.name));
    const isRole = KEYS.some((role) => rollup.columnOf(role)?.name === one.name);
    if (other && !taken.has(one.name) && !isRole)
      keys.push({ name: one.name, rollup: one.column, detail: other.column });
  }
  return keys;
}
