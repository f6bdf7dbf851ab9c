/** LangSmith runs: `session_id` is the project there, `trace_id` the root run. */

import { plural } from "../../contract/wording.ts";
import { isObject, type JsonFormat } from "./format.ts";
import { tableOfValues } from "./table.ts";

const isRun = (record: unknown) =>
  isObject(record) &&
  typeof record.run_type === "string" &&
  typeof record.id === "string" &&
  ("parent_run_id" in record || "trace_id" in record || "dotted_order" in record);

export const langsmith: JsonFormat = {
  name: "langsmith",

  recognises: (records) =>
    records.some((record) => isRun(record) || (Array.isArray(record.runs) && record.runs.some(isRun))),

  async load(source, ctx, records) {
    // Inputs and outputs are the prompts themselves: nothing in them is needed, and they are most of the bytes.
    const runs = `SELECT json_merge_patch(one, '{"inputs": null, "outputs": null, "events": null, "serialized": null, "child_runs": null}') AS one
      FROM (
        SELECT json AS one FROM ${records.relation} WHERE json_exists(json, '$.run_type')
        UNION ALL SELECT unnest(from_json(json->'runs', '["JSON"]')) FROM ${records.relation} WHERE NOT json_exists(json, '$.run_type')
      ) WHERE json_type(one) = 'OBJECT'`;
    const table = await tableOfValues(source, ctx, "runs", runs, {
      format: this.name,
      known: {
        id: "id",
        parent_run_id: "parent_id",
        trace_id: "session_id",
        start_time: "time",
        end_time: "end_time",
        prompt_tokens: "input_tokens",
        completion_tokens: "output_tokens",
        total_tokens: "total_tokens",
        total_cost: "cost",
        status: "status",
      },
    });
    return {
      tables: table ? [table] : [],
      notes: [
        `LangSmith export: ${plural(table?.rows ?? 0, "run")}; a trace is a root run with its descendants`,
      ],
    };
  },
};
