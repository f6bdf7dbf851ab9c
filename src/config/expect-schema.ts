/** What trueup.yaml may say under `expect:` and `suppress:`. */

import { z } from "zod";

const columns = z.array(z.string().min(1));
const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const bound = z.union([z.number(), z.string().min(1)]);
const count = z.number().int().min(0);

const age = z
  .string()
  .regex(/^\d+(\.\d+)?\s*(s|min|m|h|d|w)$/, "no age; write 90s, 30min, 24h or 7d")
  .describe("The oldest that the latest row may be: 30min, 24h, 7d");

const expectations = z
  .strictObject({
    not_null: columns.describe("Columns without NULL"),
    unique: z
      .array(z.union([z.string().min(1), columns.min(1)]))
      .describe("Columns, or combinations of columns, whose values stand once; NULLs do not count"),
    accepted_values: z
      .record(z.string(), z.array(scalar).min(1))
      .describe("Column → the values it may have; NULL is for not_null"),
    between: z
      .record(
        z.string(),
        z.union([
          z.tuple([bound.nullable(), bound.nullable()]),
          z.strictObject({ min: bound.optional(), max: bound.optional() }),
        ]),
      )
      .describe("Column → [min, max], numbers or times, both included; null for an open end"),
    matches: z.record(z.string(), z.string().min(1)).describe("Column → RE2 pattern, anywhere in the value"),
    references: z
      .record(z.string(), z.string().regex(/^.+\..+$/s, "write table.column"))
      .describe("Column → table.column that holds its values"),
    freshness: z
      .union([age, z.strictObject({ column: z.string().min(1).optional(), max_age: age })])
      .describe("How old the latest row may be, counted to now"),
    row_count: z
      .union([
        count,
        z.tuple([count.nullable(), count.nullable()]),
        z.strictObject({ min: count.optional(), max: count.optional() }),
      ])
      .describe("Rows of the table: a number, [min, max] or {min, max}"),
    sql: z
      .union([z.array(z.string().min(1)), z.record(z.string(), z.string().min(1))])
      .describe(
        "Conditions that every row obeys, or SELECTs whose rows are violations; {table} is the table",
      ),
  })
  .partial();

export const expectSchema = z
  .record(z.string(), expectations)
  .describe("Table → what it is expected to obey; reported as expect/not_null and so on");

export const suppressSchema = z
  .array(
    z
      .strictObject({
        check: z.string().min(1).optional().describe("A check, or a pattern"),
        table: z.string().min(1).optional().describe("A table, or a pattern"),
        path: z.string().min(1).optional().describe("A file of the code or an input's path, or a pattern"),
        reason: z.string().trim().min(1).describe("Why it is accepted"),
        until: z
          .string()
          .regex(/^\d{4}-\d\d-\d\d$/, "no date; write 2026-01-31")
          .refine((text) => new Date(`${text}T00:00:00Z`).toISOString?.().startsWith(text), "no such date")
          .optional()
          .describe("The last day on which it holds"),
      })
      .refine(
        ({ check, table, path }) => (check ?? table ?? path) !== undefined,
        "needs check, table or path",
      ),
  )
  .describe("Findings that are accepted for a reason");

export type ExpectConfig = z.infer<typeof expectations>;
export type SuppressConfig = z.infer<typeof suppressSchema>;
