/** Rows of healthy calls for the tests of checks, to which each case adds its defect. */

import type { TableData } from "./tables.ts";

export type Cells = TableData["rows"][number];

/** 2025-11-01 00:00:00 UTC plus so many seconds, as SQLite writes it. */
export function at(seconds: number): string {
  return new Date(Date.UTC(2025, 10, 1) + seconds * 1000).toISOString().slice(0, 19).replace("T", " ");
}

/** `count` calls one hour apart with ids, times, tokens that differ; `more(i)` overrides or adds columns. */
export function calls(
  count: number,
  more: (i: number) => Record<string, Cells[string] | undefined> = () => ({}),
): Cells[] {
  return Array.from(
    { length: count },
    (_, i): Cells => ({
      id: `call-${i}`,
      created_at: at(i * 3600),
      prompt_tokens: 900 + ((i * 37) % 211),
      completion_tokens: 40 + ((i * 53) % 97),
      ...(more(i) as Cells),
    }),
  );
}

/** Types for columns that may hold only NULLs. */
export const TOKEN_TYPES = {
  prompt_tokens: "BIGINT",
  completion_tokens: "BIGINT",
} as const;
