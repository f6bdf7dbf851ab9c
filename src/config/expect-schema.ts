/** What trueup.yaml may say under `expect:` and `suppress:`. */

import { z } from "zod";

const columns = z.array(z.string().min(1));
const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const bound = z.union([z.number(), z.string().min(1)]);
const count = z.number().int().min(0);

const RANGE = "write [min, max] or { min: …, max: … }";
const DISORDER = "the lower end is above the upper one";

type Bound = number | string | null | undefined;

/** Numbers, or times written alike; others are compared where their column is known. */
function inOrder(range: readonly [Bound, Bound] | { min?: Bound; max?: Bound }): boolean {
  const [min, max] = "length" in range ? range : [range.min, range.max];
  if (typeof min === "number" && typeof max === "number") return min <= max;
  const time = /^\d{4}-\d\d-\d\d/;
  if (typeof min !== "string" || typeof max !== "string" || !time.test(min) || !time.test(max)) return true;
  return !(Date.parse(min) > Date.parse(max));
}

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
        z
          .union(
            [
              z.tuple([bound.nullable(), bound.nullable()]),
              z.strictObject({ min: bound.optional(), max: bound.optional() }),
            ],
            RANGE,
          )
          .refine(inOrder, DISORDER),
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
      .union(
        [
          count,
          z.tuple([count.nullable(), count.nullable()]),
          z.strictObject({ min: count.optional(), max: count.optional() }),
        ],
        `expected a whole number; or ${RANGE}`,
      )
      .refine((rows) => typeof rows === "number" || inOrder(rows), DISORDER)
      .describe("Rows of the table: a number, [min, max] or {min, max}"),
    sql: z
      .union([z.array(z.string().min(1)), z.record(z.string(), z.string().min(1))])
      .describe(
        "Conditions that every row obeys, or SELECTs whose rows are violations; {table} is the table",
      ),
  })
  .partial();

/** `2026-02-31` is none: a date that the calendar moves on is another one. */
function isDate(text: string): boolean {
  const time = Date.parse(`${text}T00:00:00Z`);
  return Number.isFinite(time) && new Date(time).toISOString().startsWith(text);
}

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
          .regex(/^\d{4}-\d\d-\d\d$/, { error: "no date; write 2026-01-31", abort: true })
          .refine(isDate, "no such date")
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
