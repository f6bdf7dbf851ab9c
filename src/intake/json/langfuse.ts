/** Langfuse exports: a trace with its observations, a list of either, or the API's pages of them. */

import type { LoadedTable } from "../../contract/loaded.ts";
import { plural } from "../../contract/wording.ts";
import { at, isObject, type JsonFormat, type JsonObject } from "./format.ts";
import { tableOfValues } from "./table.ts";

const isObservation = (record: unknown) =>
  isObject(record) &&
  typeof (record.traceId ?? record.trace_id) === "string" &&
  ("parentObservationId" in record || "parent_observation_id" in record) &&
  typeof record.type === "string";

const observationsIn = (record: JsonObject): unknown[] =>
  [record.observations, at(record, "trace", "observations"), record.data].flatMap((list) =>
    Array.isArray(list) ? list : [],
  );

/** Prompts, answers and what frameworks note about them: most of the bytes, and nothing in them is the row's own. */
const CONTENT = `'{"observations": null, "scores": null, "input": null, "output": null, "metadata": null}'`;

export const langfuse: JsonFormat = {
  name: "langfuse",

  recognises: (records) =>
    records.some((record) => isObservation(record) || observationsIn(record).some(isObservation)),

  async load(source, ctx, records) {
    const each = (list: string) => `unnest(from_json(${list}, '["JSON"]'))`;
    // An export may carry the same observations beside the trace and inside it: those of one document count once.
    const observations = `SELECT json_merge_patch(one, ${CONTENT}) AS one FROM (
        SELECT one, row_number() OVER (PARTITION BY document, coalesce(one->>'id', one::VARCHAR), place = 0 ORDER BY place) AS nth, document, place
        FROM (
          SELECT json AS one, row_number() OVER () AS document, 0 AS place FROM ${records.relation}
          WHERE json_exists(json, '$.parentObservationId') OR json_exists(json, '$.parent_observation_id')
          UNION ALL SELECT ${each("json->'observations'")}, document, 1 FROM documents
          UNION ALL SELECT ${each("json->'trace'->'observations'")}, document, 2 FROM documents
          UNION ALL SELECT ${each("json->'data'")}, document, 0 FROM documents
        )
      ) WHERE json_type(one) = 'OBJECT' AND (nth = 1 OR place = 0) ORDER BY document, place, one->>'startTime', one->>'id'`;
    const documents = `WITH documents AS (SELECT json, row_number() OVER () AS document FROM ${records.relation})`;
    const traces = `SELECT json_merge_patch(one, ${CONTENT}) AS one FROM (
        SELECT json->'trace' AS one FROM ${records.relation}
        UNION ALL SELECT json FROM ${records.relation} WHERE json_type(json, '$.observations') = 'ARRAY' AND json_type(json, '$.trace') IS NULL
      ) WHERE json_type(one) = 'OBJECT' AND (one->>'id') IS NOT NULL`;
    const tables: LoadedTable[] = [];
    const spans = await tableOfValues(source, ctx, "observations", `${documents} ${observations}`, {
      format: this.name,
      known: {
        id: "id",
        parentObservationId: "parent_id",
        traceId: "session_id",
        startTime: "time",
        endTime: "end_time",
        model: "model",
        inputUsage: "input_tokens",
        outputUsage: "output_tokens",
        totalUsage: "total_tokens",
        totalCost: "cost",
        level: "status",
      },
    });
    if (spans) tables.push(spans);
    const roots = await tableOfValues(source, ctx, "traces", traces, { format: this.name });
    if (roots) tables.push(roots);
    return {
      tables,
      notes: [
        `Langfuse export: ${plural(spans?.rows ?? 0, "observation")} of ${plural(roots?.rows ?? 0, "trace")}; inputUsage and outputUsage are counted, of which usageDetails holds the parts`,
      ],
    };
  },
};
