/** Finds which columns hold the same identifiers: by declared keys, by names, and by the values themselves. */

import type { Column, Link, Log, Table } from "../contract/evidence.ts";
import { literal, type Store } from "../store/index.ts";
import type { Candidate } from "./candidates.ts";
import type { Described } from "./describe.ts";
import { rawOf } from "./expressions.ts";
import { isKeyColumn, isShared } from "./keys.ts";
import { singular } from "./names.ts";

/** Distinct ids of one side that are compared exactly; more are sampled by their hash, on both sides alike. */
const IDS_MAX = 50_000;
/** Key columns that are compared. */
const KEYS_MAX = 60;
/** Pairs that are compared exactly. */
const PAIRS_MAX = 200;
/** A link of less is chance. */
const RATIO_MIN = 0.3;
const MATCHES_MIN = 3;

interface Key {
  table: Table;
  column: Column;
  candidate: Candidate;
  described: Described;
  /** SQL over the table: the id as VARCHAR. */
  id: string;
  /** SQL over the table: when the row began, or null. */
  time: string | null;
  /** Sampled values, as text. */
  values: Set<string>;
}

/** All links of the evidence, the best first. Bounded work: samples decide what is compared. */
export async function findLinks(
  store: Store,
  described: readonly Described[],
  logs: readonly Log[],
): Promise<Link[]> {
  const keys = described.flatMap(keysOf).slice(0, KEYS_MAX);
  const links = [
    ...(await mentionLinks(store, keys, logs)),
    ...(await valueLinks(store, keys)),
    ...(await numberLinks(store, described)),
  ];
  const order = (link: Link) =>
    [link.leftTable, link.leftColumn, link.rightTable, link.rightColumn].join("\0");
  return links.sort((a, b) => b.matchedRatio - a.matchedRatio || (order(a) < order(b) ? -1 : 1));
}

function keysOf(described: Described): Key[] {
  const { table, raw, context } = described;
  if (raw.form === "lines" || raw.view) return [];
  return context.candidates.flatMap((candidate) => {
    const column = table.columns.find((one) => one.name === candidate.name);
    const loaded = raw.columns.find((one) => one.name === candidate.column.name);
    if (!column || !loaded?.loaded || !isKeyColumn(candidate) || column.role === "credential") return [];
    return [keyOf(described, candidate, column)];
  });
}

function keyOf(described: Described, candidate: Candidate, column: Column): Key {
  const type = described.raw.columns.find((one) => one.name === candidate.column.name)?.type ?? "VARCHAR";
  const raw = rawOf({ candidate, type, mixed: false, timezone: described.raw.timezone });
  return {
    table: described.table,
    column,
    candidate,
    described,
    id: raw.type === "VARCHAR" ? raw.sql : `CAST(${raw.sql} AS VARCHAR)`,
    time: described.sources.get("time")?.column.expression ?? null,
    values: new Set(candidate.sample.flatMap((v) => (v === null || v === "" ? [] : [String(v)]))),
  };
}

/** Ids that lines of a log mention, against every key column of other inputs. */
async function mentionLinks(store: Store, keys: readonly Key[], logs: readonly Log[]): Promise<Link[]> {
  const links: Link[] = [];
  for (const log of logs) {
    const input = literal(log.input);
    const left: Side = {
      table: log.table.name,
      column: "message",
      from: `(SELECT id, time FROM trueup.mentions WHERE input = ${input})`,
      id: "id",
      time: "time",
      rows: Number(
        (await store.one(`SELECT count(*) AS n FROM trueup.mentions WHERE input = ${input}`))?.n ?? 0,
      ),
      range: log.table.timeRange,
    };
    if (left.rows === 0) continue;
    for (const key of keys) {
      if (key.table.input === log.input) continue;
      const link = await linkBetween(store, left, sideOf(key), "mentions", true);
      if (link) links.push(link);
    }
  }
  return links;
}

/** Key columns whose sampled values stand in another key column. */
async function valueLinks(store: Store, keys: readonly Key[]): Promise<Link[]> {
  const links: Link[] = [];
  let pairs = 0;
  for (const right of keys) {
    const lefts = keys.filter((left) => mayRefer(left, right));
    const wanted = new Set(lefts.flatMap((left) => [...left.values]));
    if (wanted.size === 0) continue;
    const list = [...wanted].map((value) => literal(value)).join(", ");
    const rows = await store.all(
      `SELECT DISTINCT ${right.id} AS id FROM ${right.table.relation} WHERE ${right.id} IN (${list})`,
    );
    const present = new Set(rows.map((row) => String(row.id)));
    for (const left of lefts) {
      const declared = refersTo(left, right);
      const hits = [...left.values].filter((value) => present.has(value)).length;
      if (!declared && hits < left.values.size * (RATIO_MIN / 2)) continue;
      if (++pairs > PAIRS_MAX) return links;
      const how = declared ? "declared" : "values";
      const alike = isIdentity(left) === isIdentity(right) && left.table !== right.table && !declared;
      const link = await linkBetween(store, sideOf(left), sideOf(right), how, alike);
      if (link) links.push(link);
    }
  }
  return links;
}

/** Left refers to right: right identifies its rows, or both are references of different tables to a third thing. */
function mayRefer(left: Key, right: Key): boolean {
  if (left === right) return false;
  if (left.table === right.table) return isIdentity(right) && left.column.role === "parent_id";
  // Of two alike, one direction is enough: the better one is kept.
  if (isIdentity(left) === isIdentity(right))
    return left.table.name < right.table.name && isAlike(left, right);
  return isIdentity(right);
}

const isIdentity = (key: Key) => key.column.role === "id" || key.column.primaryKey;

const isAlike = (left: Key, right: Key) => isIdentity(left) || left.column.role === right.column.role;

function refersTo(left: Key, right: Key): boolean {
  const to = left.candidate.column.references;
  return (
    left.candidate.depth === 0 &&
    to !== null &&
    to.table === right.described.raw.name &&
    left.described.raw.schema === right.described.raw.schema &&
    (to.column === right.column.name || to.column === "")
  );
}

/**
 * Small integers match by chance: only a declared key, or a name that says the other table (`session_id` →
 * `sessions.id`, `parent_id` → `id`), makes them a link, and then nearly all have to be there.
 */
async function numberLinks(store: Store, described: readonly Described[]): Promise<Link[]> {
  const links: Link[] = [];
  let pairs = 0;
  for (const one of described) {
    if (one.raw.view || one.raw.form === "lines") continue;
    for (const candidate of one.context.candidates) {
      if (candidate.depth > 0 || isKeyColumn(candidate) || candidate.facts.numbers === 0) continue;
      const column = one.table.columns.find((c) => c.name === candidate.name);
      if (!column?.loaded) continue;
      const target = targetOf(one, candidate, column, described);
      if (!target) continue;
      if (++pairs > PAIRS_MAX) return links;
      const how = target.declared ? "declared" : "names";
      const link = await linkBetween(
        store,
        sideOf(keyOf(one, candidate, column)),
        sideOf(target.key),
        how,
        false,
      );
      if (link && (target.declared || link.matchedRatio >= 0.9)) links.push(link);
    }
  }
  return links;
}

function targetOf(
  from: Described,
  candidate: Candidate,
  column: Column,
  described: readonly Described[],
): { key: Key; declared: boolean } | null {
  const to = candidate.column.references;
  const stem = candidate.leaf.slice(0, -1);
  const self = column.role === "parent_id";
  if (!to && !self && (candidate.leaf.at(-1) !== "id" || stem.length === 0 || isShared(stem))) return null;
  for (const other of described) {
    if (other.raw.schema !== from.raw.schema || other.raw.view) continue;
    const matches = to
      ? other.raw.name === to.table
      : self
        ? other === from
        : other !== from && other.context.table.join("_") === stem.map(singular).join("_");
    if (!matches) continue;
    const target = other.table.columns.find((c) =>
      to && to.column !== "" ? c.name === to.column : c.role === "id" || c.primaryKey,
    );
    const found = other.context.candidates.find((c) => c.name === target?.name && c.depth === 0);
    if (target?.loaded && found && found !== candidate)
      return { key: keyOf(other, found, target), declared: to !== null };
  }
  return null;
}

interface Side {
  table: string;
  column: string;
  /** A relation. */
  from: string;
  id: string;
  time: string | null;
  rows: number;
  range: Table["timeRange"];
}

const sideOf = (key: Key): Side => ({
  table: key.table.name,
  column: key.column.name,
  from: key.table.relation,
  id: key.id,
  time: key.time,
  rows: key.table.rows,
  range: key.table.timeRange,
});

interface Compared {
  ratio: number;
  matched: number;
  ids: number;
}

/** Of the left ids within the common window, how many stand on the right. */
async function compared(store: Store, left: Side, right: Side): Promise<Compared> {
  const every = Math.max(1, Math.ceil(Math.max(left.rows, right.rows) / IDS_MAX));
  const ids = (side: Side, columns: string) =>
    `SELECT ${columns} FROM ${side.from} WHERE ${side.id} <> ''${every > 1 ? ` AND hash(${side.id}) % ${every} = 0` : ""}`;
  const window = windowSql(left, right);
  const row = await store.one(
    `WITH l AS (SELECT DISTINCT id FROM (${ids(left, `${left.id} AS id${window ? `, ${left.time} AS began` : ""}`)})${
      window ? ` WHERE ${window}` : ""
    }),
     r AS (SELECT DISTINCT id FROM (${ids(right, `${right.id} AS id`)}))
     SELECT count(*) AS ids, count(r.id) AS matched FROM l LEFT JOIN r ON l.id = r.id`,
  );
  const [all, matched] = [Number(row?.ids ?? 0), Number(row?.matched ?? 0)];
  return { ids: all, matched, ratio: all === 0 ? 0 : matched / all };
}

/** Rows outside the time that both sides cover say nothing. */
function windowSql(left: Side, right: Side): string | null {
  if (!left.range || !right.range || left.time === null) return null;
  const from = [left.range.from, right.range.from].sort()[1] as string;
  const to = [left.range.to, right.range.to].sort()[0] as string;
  if (from > to) return null;
  const stamp = (iso: string) => `TIMESTAMP ${literal(iso.replace("T", " ").replace("Z", ""))}`;
  return `began IS NULL OR began BETWEEN ${stamp(from)} AND ${stamp(to)}`;
}

/** The link from left to right; of two that are alike, in the direction that matches better. */
async function linkBetween(
  store: Store,
  left: Side,
  right: Side,
  how: string,
  alike: boolean,
): Promise<Link | null> {
  const forth = await compared(store, left, right);
  const back = alike ? await compared(store, right, left) : null;
  const [from, to, best] = back && back.ratio > forth.ratio ? [right, left, back] : [left, right, forth];
  const chance =
    best.ratio < RATIO_MIN || best.matched === 0 || best.matched < Math.min(MATCHES_MIN, best.ids);
  if (how !== "declared" && chance) return null;
  return {
    leftTable: from.table,
    leftColumn: from.column,
    rightTable: to.table,
    rightColumn: to.column,
    matchedRatio: Math.round(best.ratio * 10_000) / 10_000,
    how,
  };
}
