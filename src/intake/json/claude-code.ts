/** Claude Code's session lines: one response is written as several lines, of which the last is complete. */

import { plural } from "../../contract/wording.ts";
import { qualified } from "../../store/index.ts";
import { describeTable } from "../relation.ts";
import { at, type JsonFormat, structure } from "./format.ts";

const LINE = {
  type: "VARCHAR",
  uuid: "VARCHAR",
  parentUuid: "VARCHAR",
  sessionId: "VARCHAR",
  requestId: "VARCHAR",
  timestamp: "VARCHAR",
  isSidechain: "BOOLEAN",
  isApiErrorMessage: "BOOLEAN",
  version: "VARCHAR",
  costUSD: "DOUBLE",
  message: {
    id: "VARCHAR",
    role: "VARCHAR",
    model: "VARCHAR",
    stop_reason: "VARCHAR",
    usage: {
      input_tokens: "BIGINT",
      output_tokens: "BIGINT",
      cache_creation_input_tokens: "BIGINT",
      cache_read_input_tokens: "BIGINT",
      service_tier: "VARCHAR",
    },
  },
};

export const claudeCode: JsonFormat = {
  name: "claude-code",

  recognises: (records) =>
    records.some(
      (record) =>
        (typeof record.sessionId === "string" || typeof record.requestId === "string") &&
        typeof record.timestamp === "string" &&
        typeof at(record, "message", "usage", "input_tokens") === "number" &&
        typeof at(record, "message", "id") === "string",
    ),

  async load(source, { store }, records) {
    const lines = qualified("temp", `${source.name} lines`);
    const table = qualified(source.name, "messages");
    await store.run(
      `CREATE TEMP TABLE ${lines} AS SELECT filename AS file, unnest(json_transform(json, ${structure(LINE)})) FROM ${records.relation}`,
    );
    // A copy of a response in a later file (a resumed or forked session) is that response: the first file has it.
    const response = `CASE WHEN message.id IS NOT NULL THEN row(message.id, requestId) END`;
    await store.run(
      `CREATE TABLE ${table} AS
       WITH numbered AS (SELECT *, rowid AS line, ${response} AS response FROM ${lines}),
       responses AS (
         SELECT response, first_file, count(*) AS lines, max(line) FILTER (WHERE file = first_file) AS last,
                arg_min(parentUuid, line) FILTER (WHERE file = first_file) AS parent
         FROM (SELECT *, first_value(file) OVER (PARTITION BY response ORDER BY line) AS first_file
               FROM numbered WHERE response IS NOT NULL)
         GROUP BY response, first_file
       ),
       kept AS (
         SELECT n.* REPLACE (CASE WHEN n.response IS NULL THEN n.parentUuid ELSE r.parent END AS parentUuid)
         FROM numbered n LEFT JOIN responses r ON r.response = n.response
         WHERE n.response IS NULL OR n.line = r.last
       ),
       -- Lines that went may be someone's parent: their response's last line stands for them.
       merged AS (
         SELECT n.uuid AS gone, any_value(l.uuid) AS uuid FROM numbered n
         JOIN responses r ON r.response = n.response AND n.line <> r.last JOIN numbered l ON l.line = r.last
         WHERE n.uuid IS NOT NULL AND n.uuid <> l.uuid GROUP BY n.uuid
       )
       SELECT k.* EXCLUDE (line, response, file, isApiErrorMessage) REPLACE (coalesce(m.uuid, k.parentUuid) AS parentUuid),
              CASE WHEN isApiErrorMessage OR message.model = '<synthetic>' THEN 'error' END AS status
       FROM kept k LEFT JOIN merged m ON m.gone = k.parentUuid ORDER BY k.line`,
    );
    const counts = await store.one(
      `SELECT (SELECT count(*) FROM ${lines}) - (SELECT count(*) FROM ${table}) AS dropped,
              (SELECT count(*) FROM ${table} WHERE message.usage.output_tokens IS NOT NULL) AS responses`,
    );
    await store.run(`DROP TABLE ${lines}`);
    // Only early versions wrote a cost: without one there is no column that would seem to lack it.
    const priced = await store.one(`SELECT count(costUSD) AS n FROM ${table}`);
    if (Number(priced?.n) === 0) await store.run(`ALTER TABLE ${table} DROP COLUMN costUSD`);
    const described = await describeTable(store, source, "messages", {
      format: this.name,
      known: {
        timestamp: "time",
        uuid: "id",
        parentUuid: "parent_id",
        sessionId: "session_id",
        costUSD: "cost",
        status: "status",
        "message.model": "model",
        "message.usage.input_tokens": "input_tokens",
        "message.usage.output_tokens": "output_tokens",
        "message.usage.cache_read_input_tokens": "cache_read_tokens",
        "message.usage.cache_creation_input_tokens": "cache_write_tokens",
      },
    });
    const dropped = Number(counts?.dropped);
    return {
      tables: [described],
      notes: [
        `Claude Code session: of the lines with the same message.id and requestId the last is counted, as it alone is complete (${plural(Number(counts?.responses), "response")}, ${plural(dropped, "earlier or copied line")} left out)`,
      ],
    };
  },
};
