/** Phoenix spans: what a span refers to is its context's span_id, and its counts are attributes. */

import { plural } from "../../contract/wording.ts";
import { ident, literal, qualified } from "../../store/index.ts";
import { describeTable } from "../relation.ts";
import { at, type JsonFormat, structure } from "./format.ts";

const SPAN = {
  id: "VARCHAR",
  name: "VARCHAR",
  context: { trace_id: "VARCHAR", span_id: "VARCHAR" },
  trace_id: "VARCHAR",
  span_id: "VARCHAR",
  parent_id: "VARCHAR",
  span_kind: "VARCHAR",
  start_time: "VARCHAR",
  end_time: "VARCHAR",
  status_code: "VARCHAR",
  status_message: "VARCHAR",
};
/** Attributes that say something about usage, under dotted keys or nested ones, and their types. */
const ATTRIBUTES: Record<string, string> = {
  "llm.model_name": "VARCHAR",
  "llm.provider": "VARCHAR",
  "session.id": "VARCHAR",
  "user.id": "VARCHAR",
  "llm.token_count.prompt": "BIGINT",
  "llm.token_count.completion": "BIGINT",
  "llm.token_count.total": "BIGINT",
  "llm.token_count.prompt_details.cache_read": "BIGINT",
  "llm.token_count.prompt_details.cache_write": "BIGINT",
  "llm.token_count.completion_details.reasoning": "BIGINT",
  "llm.cost.total": "DOUBLE",
};
/** Of a span and all below it: shown, and never counted as the span's own. */
const CUMULATIVE = [
  "cumulative_llm_token_count_prompt",
  "cumulative_llm_token_count_completion",
  "cumulative_error_count",
];

export const phoenix: JsonFormat = {
  name: "phoenix",

  recognises: (records) =>
    records.some(
      (record) =>
        typeof at(record, "context", "span_id") === "string" &&
        typeof record.span_kind === "string" &&
        typeof record.start_time === "string",
    ),

  async load(source, { store }, records) {
    const table = qualified(source.name, "spans");
    const nested = (key: string) => `$.attributes.${key}`;
    const attributes = Object.entries(ATTRIBUTES).map(
      ([key, type]) =>
        `TRY_CAST(coalesce(json->>${literal(`/attributes/${key}`)}, json->>${literal(nested(key))}) AS ${type}) AS ${ident(key)}`,
    );
    const cumulative = CUMULATIVE.map((key) => `TRY_CAST(json->>${literal(key)} AS BIGINT) AS ${ident(key)}`);
    await store.run(
      `CREATE TABLE ${table} AS
       SELECT coalesce(s.context.span_id, s.span_id) AS span_id, s.parent_id AS parent_id,
              coalesce(s.context.trace_id, s.trace_id) AS trace_id, s.id AS id, s.name AS name, s.span_kind AS span_kind,
              s.start_time AS start_time, s.end_time AS end_time, s.status_code AS status_code, s.status_message AS status_message,
              COLUMNS(* EXCLUDE (s))
       FROM (SELECT json_transform(json, ${structure(SPAN)}) AS s, ${[...attributes, ...cumulative].join(", ")} FROM ${records.relation})`,
    );
    for (const key of [...Object.keys(ATTRIBUTES), ...CUMULATIVE]) {
      const row = await store.one(`SELECT count(${ident(key)}) AS n FROM ${table}`);
      if (Number(row?.n) === 0) await store.run(`ALTER TABLE ${table} DROP COLUMN ${ident(key)}`);
    }
    const described = await describeTable(store, source, "spans", {
      format: this.name,
      known: {
        span_id: "id",
        parent_id: "parent_id",
        trace_id: "session_id",
        start_time: "time",
        end_time: "end_time",
        status_code: "status",
        "llm.model_name": "model",
        "llm.provider": "provider",
        "llm.token_count.prompt": "input_tokens",
        "llm.token_count.completion": "output_tokens",
        "llm.token_count.total": "total_tokens",
        "llm.token_count.prompt_details.cache_read": "cache_read_tokens",
        "llm.token_count.prompt_details.cache_write": "cache_write_tokens",
        "llm.token_count.completion_details.reasoning": "reasoning_tokens",
        "llm.cost.total": "cost",
      },
    });
    return {
      tables: [described],
      notes: [
        `Phoenix spans: ${plural(described.rows, "span")}; llm.token_count is a span's own, cumulative counts include the spans below it`,
      ],
    };
  },
};
