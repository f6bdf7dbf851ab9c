/** How a log is to be read, decided from sampled lines: envelope, colours, times, fields. */

import { literal } from "../../store/index.ts";
import { type Field, fieldsSql, formatName } from "./layouts.ts";
import { learnOrder, type Widest } from "./orders.ts";
import type { Sample } from "./sample.ts";
import { momentSql, type Shape, shapesOf } from "./shapes.ts";
import { type Wrapper, wrapperOf } from "./wrappers.ts";

export interface Reading {
  /** For people: `python logging`, `Docker, JSON lines`. */
  format: string;
  shapes: Shape[];
  /** A shape whose dates the sample allows in another order of day and month. */
  unsure: Shape | null;
  /** What the times leave open. */
  lacks: "year" | "date" | null;
  notes: string[];
  /** SQL: columns `text` and `time` from a relation with a column `raw`. */
  read(lines: string): string;
  /**
   * SQL: the relation with the named fields added, read from its column `text`. NULL where the line does not tell, and
   * where `own` (SQL, a condition) does not hold: only the line with the time tells them. Its message is the whole text
   * where no part of it is known to be the message.
   */
  withFields(relation: string, own: string, wanted: readonly Field[]): string;
}

/** Decides from all parts of a log together. */
export function readingOf(
  samples: readonly Sample[],
  timezone: string,
  now: string,
  widest: Widest | null = null,
): Reading {
  const sampled = samples.flatMap((sample) => sample.lines);
  const wrapper = wrapperOf(sampled);
  const lines = wrapper ? sampled.map((line) => wrapper.inner(line) ?? line) : sampled;
  const notes: string[] = [];
  let unsure: Shape | null = null;
  const shapes = shapesOf(lines).map((shape) => {
    const { stamp, certain } = learnOrder(shape, now, widest);
    if (!certain) unsure ??= shape;
    if (!certain)
      notes.push(`dates could have another order of day and month: read as ${orderName(stamp.fields)}`);
    return { ...shape, stamp };
  });
  const coloured = samples.some((sample) => sample.coloured);
  const name = shapes[0] ? formatName(shapes[0]) : "plain text";
  return {
    format: wrapper ? `${wrapper.name}, ${name}` : name,
    shapes,
    unsure,
    lacks: shapes.find((shape) => shape.stamp.lacks)?.stamp.lacks ?? null,
    notes,
    read: (relation) => readSql(relation, shapes, wrapper, coloured, timezone),
    withFields: (relation, own, wanted) => withFields(shapes, relation, own, wanted),
  };
}

function orderName(fields = "dmy"): string {
  const names: Record<string, string> = { dmy: "day first", mdy: "month first", ymd: "year first" };
  return names[fields] ?? "day first";
}

function readSql(
  relation: string,
  shapes: readonly Shape[],
  wrapper: Wrapper | null,
  coloured: boolean,
  timezone: string,
): string {
  const plain = (text: string) => (coloured ? withoutColours(text) : text);
  if (!wrapper)
    return `SELECT text, ${momentSql(shapes, "text", timezone)} AS time
      FROM (SELECT ${plain("raw")} AS text FROM ${relation})`;
  const inner = momentSql(shapes, "text", timezone);
  // The envelope's time is exact; the line's own tells where an entry begins.
  const time =
    wrapper.timeSql === null
      ? inner
      : shapes.length === 0
        ? "envelope"
        : `CASE WHEN ${inner} IS NOT NULL OR inside IS NULL THEN COALESCE(envelope, ${inner}) END`;
  return `SELECT text, ${time} AS time FROM (SELECT inside, envelope, ${plain("COALESCE(inside, raw)")} AS text
    FROM (SELECT raw, ${wrapper.innerSql("raw")} AS inside,
      ${wrapper.timeSql ? wrapper.timeSql("raw") : "NULL"} AS envelope
      FROM (SELECT ${plain("raw")} AS raw FROM ${relation})))`;
}

function withoutColours(text: string): string {
  const codes = literal("\\x1b\\[[0-9;?]*[A-Za-z]");
  return `CASE WHEN contains(${text}, chr(27)) THEN regexp_replace(${text}, ${codes}, '', 'g') ELSE ${text} END`;
}

function withFields(
  shapes: readonly Shape[],
  relation: string,
  own: string,
  wanted: readonly Field[],
): string {
  const each = shapes.map((shape, i) => ({
    ...fieldsSql(shape, "text", `head_${i}`, wanted),
    name: `head_${i}`,
    when: `${own} AND ${shape.condition("text")} AND ${shape.stamp.guard(shape.at("text"))}`,
  }));
  const heads = each.filter(({ head }) => head !== null);
  const field = (name: Field) => {
    const cases = each.map(
      (one) => `WHEN ${one.head ? `${one.name} IS NOT NULL` : one.when} THEN ${one.of[name]}`,
    );
    if (name === "message") cases.push(`WHEN ${own} THEN text`);
    return cases.length > 0
      ? `nullif(CASE ${cases.join(" ")} END, '') AS ${name}`
      : `CAST(NULL AS VARCHAR) AS ${name}`;
  };
  const inner = heads.map(({ name, head, when }) => `CASE WHEN ${when} THEN ${head} END AS ${name}`);
  return `SELECT * ${heads.length > 0 ? `EXCLUDE (${heads.map(({ name }) => name).join(", ")})` : ""}, ${wanted.map(field).join(", ")}
    FROM ${heads.length > 0 ? `(SELECT *, ${inner.join(", ")} FROM ${relation})` : relation}`;
}
