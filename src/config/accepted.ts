/** Brings the expectations, suppressions and own checks of trueup.yaml into the one form that the rest of trueup reads. */

import type { Bounds, Suppression, TableExpectations } from "../contract/accepted.ts";
import type { ExpectConfig, SuppressConfig } from "./expect-schema.ts";
import type { Config } from "./schema.ts";

/** The expectations of one table in one form. */
export function expectationsOf(given: ExpectConfig): TableExpectations {
  const { freshness, row_count: rows } = given;
  return {
    not_null: given.not_null ?? [],
    unique: (given.unique ?? []).map((item) => (typeof item === "string" ? [item] : item)),
    accepted_values: given.accepted_values ?? {},
    between: Object.fromEntries(
      Object.entries(given.between ?? {}).map(([column, range]) => [column, boundsOf<Bounds["min"]>(range)]),
    ),
    matches: given.matches ?? {},
    references: given.references ?? {},
    freshness:
      freshness === undefined
        ? null
        : typeof freshness === "string"
          ? { column: null, maxAgeSeconds: secondsOf(freshness) }
          : { column: freshness.column ?? null, maxAgeSeconds: secondsOf(freshness.max_age) },
    row_count:
      rows === undefined
        ? null
        : typeof rows === "number"
          ? { min: rows, max: rows }
          : boundsOf<number | null>(rows),
    sql: Array.isArray(given.sql)
      ? given.sql.map((sql) => ({ name: sql, sql }))
      : Object.entries(given.sql ?? {}).map(([name, sql]) => ({ name, sql })),
  };
}

function boundsOf<T>(range: readonly [T, T] | { min?: T | undefined; max?: T | undefined }): {
  min: T | null;
  max: T | null;
} {
  if ("length" in range) return { min: range[0] ?? null, max: range[1] ?? null };
  return { min: range.min ?? null, max: range.max ?? null };
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, min: 60, h: 3600, d: 86_400, w: 604_800 };

function secondsOf(text: string): number {
  const match = /^([\d.]+)\s*([a-z]+)$/.exec(text)!;
  return Number(match[1]) * UNITS[match[2]!]!;
}

/** The suppressions in one form. */
export function suppressionsOf(given: SuppressConfig): Suppression[] {
  return given.map(({ check, table, path, reason, until }) => ({
    check: check ?? null,
    table: table ?? null,
    path: path ?? null,
    reason,
    until: until ?? null,
  }));
}

/** The globs of own checks, wherever the file names them. */
export function ownChecksOf({ checks, own_checks }: Config): string[] {
  return [...(Array.isArray(checks) ? checks : []), ...(own_checks ?? [])];
}
