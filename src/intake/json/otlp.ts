/** OTLP JSON: resourceSpans become one row per span, its attributes become columns. */

import { plural } from "../../contract/wording.ts";
import { ident, literal, qualified } from "../../store/index.ts";
import { describeTable } from "../relation.ts";
import { isObject, type JsonFormat, structure } from "./format.ts";

/** Attribute keys that become columns, the most frequent first; the others stay in `attributes`. */
const ATTRIBUTES_MAX = 150;

const SPAN = {
  traceId: "VARCHAR",
  spanId: "VARCHAR",
  parentSpanId: "VARCHAR",
  name: "VARCHAR",
  kind: "VARCHAR",
  startTimeUnixNano: "UBIGINT",
  endTimeUnixNano: "UBIGINT",
  status: { code: "VARCHAR", message: "VARCHAR" },
  attributes: [{ key: "VARCHAR", value: "JSON" }],
};
const KINDS = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];
const CODES = ["UNSET", "OK", "ERROR"];

export const otlp: JsonFormat = {
  name: "otlp",

  recognises: (records) =>
    records.some(({ resourceSpans }) => Array.isArray(resourceSpans) && resourceSpans.every(isObject)),

  async load(source, { store }, records) {
    const raw = qualified("temp", `${source.name} raw`);
    const table = qualified(source.name, "spans");
    const each = (list: string) => `unnest(from_json(${list}, '["JSON"]'))`;
    await store.run(
      `CREATE TEMP TABLE ${raw} AS
       WITH resources AS (SELECT ${each("json->'resourceSpans'")} AS one FROM ${records.relation}),
       scopes AS (
         SELECT one->'resource'->'attributes' AS resource,
                ${each("coalesce(one->'scopeSpans', one->'instrumentationLibrarySpans')")} AS one FROM resources
       ),
       spans AS (
         SELECT resource, coalesce(one->'scope', one->'instrumentationLibrary')->>'name' AS scope, ${each("one->'spans'")} AS span
         FROM scopes
       )
       SELECT scope, from_json(resource, '[{"key":"VARCHAR","value":"JSON"}]') AS resource,
              unnest(json_transform(span, ${structure(SPAN)})) FROM spans`,
    );
    const known = await attributesOf(store, raw);
    const columns = known.map(({ key, name, type, from }) => {
      const value = `list_filter(${from}, lambda a: a.key = ${literal(key)})[1].value`;
      return `TRY_CAST(${textOf(value)} AS ${type}) AS ${ident(name)}`;
    });
    const word = (column: string, prefix: string, words: readonly string[]) =>
      `CASE ${column} ${words.map((w, i) => `WHEN '${i}' THEN '${prefix}${w}'`).join(" ")} ELSE ${column} END`;
    await store.run(
      `CREATE TABLE ${table} AS SELECT traceId, spanId, parentSpanId, name, ${word("kind", "SPAN_KIND_", KINDS)} AS kind,
         startTimeUnixNano, endTimeUnixNano, ${word("status.code", "STATUS_CODE_", CODES)} AS status,
         scope AS "scope.name"${columns.map((column) => `,\n ${column}`).join("")}
       FROM ${raw}`,
    );
    const all = await store.one(
      `SELECT count(DISTINCT key) AS n FROM (SELECT unnest(attributes).key AS key FROM ${raw})`,
    );
    await store.run(`DROP TABLE ${raw}`);
    const described = await describeTable(store, source, "spans", {
      format: this.name,
      known: {
        spanId: "id",
        parentSpanId: "parent_id",
        traceId: "session_id",
        startTimeUnixNano: "time",
        endTimeUnixNano: "end_time",
        status: "status",
      },
    });
    const left = Number(all?.n) - known.filter((one) => one.from === "attributes").length;
    const notes = [`OTLP traces: ${plural(described.rows, "span")}, attributes as columns`];
    if (left > 0)
      notes.push(`${plural(left, "rarer attribute")} beyond ${ATTRIBUTES_MAX} columns not loaded`);
    return { tables: [described], notes };
  },
};

interface Attribute {
  key: string;
  /** The column: the key, or `resource.` and the key, made unique. */
  name: string;
  type: string;
  from: "attributes" | "resource";
}

/** An AnyValue as text: 64-bit numbers come as numbers or as decimal strings. */
function textOf(value: string): string {
  const plain = ["stringValue", "intValue", "doubleValue", "boolValue", "bytesValue"]
    .map((kind) => `${value}->>'${kind}'`)
    .join(", ");
  return `coalesce(${plain}, CAST(coalesce(${value}->'arrayValue'->'values', ${value}->'kvlistValue'->'values') AS VARCHAR))`;
}

async function attributesOf(
  store: Parameters<JsonFormat["load"]>[1]["store"],
  raw: string,
): Promise<Attribute[]> {
  const rows = await store.all(
    `SELECT source, a.key AS key, count(*) AS n, bool_and((a.value->>'intValue') IS NOT NULL) AS whole,
            bool_and(coalesce(a.value->>'intValue', a.value->>'doubleValue') IS NOT NULL) AS real
     FROM (SELECT 'attributes' AS source, unnest(attributes) AS a FROM ${raw}
           UNION ALL SELECT 'resource', unnest(resource) FROM ${raw})
     WHERE a.key IS NOT NULL GROUP BY ALL ORDER BY source, n DESC, key`,
  );
  const taken = new Set(
    "traceid spanid parentspanid name kind starttimeunixnano endtimeunixnano status scope.name".split(" "),
  );
  const counts = { attributes: 0, resource: 0 };
  const found: Attribute[] = [];
  for (const row of rows) {
    const from = String(row.source) as Attribute["from"];
    if (++counts[from] > ATTRIBUTES_MAX) continue;
    const key = String(row.key);
    const wanted =
      from === "resource" ? `resource.${key}` : taken.has(key.toLowerCase()) ? `attributes.${key}` : key;
    let name = wanted === "" ? "attribute" : wanted;
    for (let n = 2; taken.has(name.toLowerCase()); n++) name = `${wanted}_${n}`;
    taken.add(name.toLowerCase());
    found.push({ key, name, type: row.whole ? "BIGINT" : row.real ? "DOUBLE" : "VARCHAR", from });
  }
  return found;
}
