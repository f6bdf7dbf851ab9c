/** Codex's session lines: each call's own counts stand beside a running counter that must not be added up. */

import { plural } from "../../contract/wording.ts";
import { qualified } from "../../store/index.ts";
import { describeTable } from "../relation.ts";
import { at, type JsonFormat, structure } from "./format.ts";

const USAGE = {
  input_tokens: "BIGINT",
  cached_input_tokens: "BIGINT",
  output_tokens: "BIGINT",
  reasoning_output_tokens: "BIGINT",
  total_tokens: "BIGINT",
};
const LINE = {
  timestamp: "VARCHAR",
  type: "VARCHAR",
  payload: {
    type: "VARCHAR",
    id: "VARCHAR",
    model: "VARCHAR",
    model_provider: "VARCHAR",
    info: { model: "VARCHAR", last_token_usage: USAGE, total_token_usage: USAGE },
  },
};

export const codex: JsonFormat = {
  name: "codex",

  recognises: (records) =>
    records.some(
      (record) =>
        at(record, "payload", "type") === "token_count" &&
        (at(record, "payload", "info", "last_token_usage") !== undefined ||
          at(record, "payload", "info", "total_token_usage") !== undefined),
    ),

  async load(source, { store }, records) {
    const lines = qualified("temp", `${source.name} lines`);
    const table = qualified(source.name, "calls");
    await store.run(
      `CREATE TEMP TABLE ${lines} AS SELECT filename AS file, unnest(json_transform(json, ${structure(LINE)})) FROM ${records.relation}`,
    );
    const fields = Object.keys(USAGE);
    const total = (name: string) => `payload.info.total_token_usage.${name}`;
    const grown = fields.map((name) => `${name} := ${total(name)} - coalesce(before.${name}, 0)`).join(", ");
    await store.run(
      `CREATE TABLE ${table} AS
       WITH told AS (
         SELECT *, rowid AS line,
                last_value(CASE WHEN type = 'session_meta' THEN payload.id END IGNORE NULLS) OVER past AS session_id,
                last_value(CASE WHEN type IN ('turn_context', 'session_meta') THEN payload.model END IGNORE NULLS) OVER past AS turn_model,
                last_value(CASE WHEN type IN ('turn_context', 'session_meta') THEN payload.model_provider END IGNORE NULLS) OVER past AS provider
         FROM ${lines} WINDOW past AS (PARTITION BY file ORDER BY rowid)
       ),
       counts AS (
         SELECT *, lag(payload.info.total_token_usage) OVER (PARTITION BY file ORDER BY line) AS before
         FROM told WHERE payload.type = 'token_count' AND payload.info IS NOT NULL
           AND (payload.info.last_token_usage IS NOT NULL OR payload.info.total_token_usage IS NOT NULL)
       )
       SELECT timestamp, coalesce(session_id, regexp_extract(file, '([^/\\\\]+?)(\\.[a-z]+)*$', 1)) AS session_id,
              coalesce(payload.info.model, turn_model) AS model, provider,
              {info: {last_token_usage: CASE WHEN payload.info.last_token_usage IS NOT NULL THEN payload.info.last_token_usage
                                             ELSE struct_pack(${grown}) END,
                      total_token_usage: payload.info.total_token_usage}} AS payload
       FROM counts
       -- The same running counter twice is the same call told again.
       WHERE before IS NULL OR payload.info.total_token_usage IS NULL OR payload.info.total_token_usage <> before
       ORDER BY line`,
    );
    const counts = await store.one(
      `SELECT (SELECT count(*) FROM ${lines} WHERE payload.type = 'token_count') AS told, (SELECT count(*) FROM ${table}) AS calls`,
    );
    await store.run(`DROP TABLE ${lines}`);
    const path = "payload.info.last_token_usage";
    const described = await describeTable(store, source, "calls", {
      format: this.name,
      known: {
        timestamp: "time",
        session_id: "session_id",
        model: "model",
        provider: "provider",
        [`${path}.input_tokens`]: "input_tokens",
        [`${path}.cached_input_tokens`]: "cache_read_tokens",
        [`${path}.output_tokens`]: "output_tokens",
        [`${path}.reasoning_output_tokens`]: "reasoning_tokens",
        [`${path}.total_tokens`]: "total_tokens",
      },
    });
    const calls = Number(counts?.calls);
    const repeated = Number(counts?.told) - calls;
    return {
      tables: [described],
      notes: [
        `Codex session: last_token_usage is counted, per call; total_token_usage is a running counter and is not added up (${plural(calls, "call")}, ${plural(repeated, "repeated or empty token_count event")} left out)`,
      ],
    };
  },
};
