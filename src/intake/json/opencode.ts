/** opencode's storage directory: one JSON file per session, message and part. */

import type { LoadedTable } from "../../contract/loaded.ts";
import { plural } from "../../contract/wording.ts";
import { qualified } from "../../store/index.ts";
import { describeTable } from "../relation.ts";
import { at, type JsonFormat, type JsonObject, structure } from "./format.ts";

const TOKENS = {
  input: "BIGINT",
  output: "BIGINT",
  reasoning: "BIGINT",
  cache: { read: "BIGINT", write: "BIGINT" },
};
const TIME = { created: "BIGINT", updated: "BIGINT", completed: "BIGINT", start: "BIGINT", end: "BIGINT" };
/** Every field that one of the three kinds has. */
const RECORD = {
  id: "VARCHAR",
  parentID: "VARCHAR",
  sessionID: "VARCHAR",
  messageID: "VARCHAR",
  projectID: "VARCHAR",
  directory: "VARCHAR",
  title: "VARCHAR",
  version: "VARCHAR",
  role: "VARCHAR",
  type: "VARCHAR",
  tool: "VARCHAR",
  agent: "VARCHAR",
  mode: "VARCHAR",
  modelID: "VARCHAR",
  providerID: "VARCHAR",
  cost: "DOUBLE",
  tokens: TOKENS,
  time: TIME,
  error: { name: "VARCHAR" },
};

const isMessage = (record: JsonObject) =>
  typeof record.sessionID === "string" &&
  typeof record.role === "string" &&
  typeof at(record, "time", "created") === "number" &&
  record.messageID === undefined;
const isSession = (record: JsonObject) =>
  typeof record.projectID === "string" &&
  typeof record.directory === "string" &&
  typeof at(record, "time", "created") === "number" &&
  record.sessionID === undefined;

export const opencode: JsonFormat = {
  name: "opencode",

  recognises: (records) => records.some((record) => isMessage(record) || isSession(record)),

  async load(source, { store }, records) {
    const all = qualified("temp", `${source.name} all`);
    await store.run(
      `CREATE TEMP TABLE ${all} AS SELECT unnest(json_transform(json, ${structure(RECORD)})) FROM ${records.relation}`,
    );
    const message = "sessionID IS NOT NULL AND messageID IS NULL AND role IS NOT NULL";
    const session =
      "sessionID IS NULL AND messageID IS NULL AND time.created IS NOT NULL AND directory IS NOT NULL";
    const parts = "messageID IS NOT NULL";
    const tables: LoadedTable[] = [];
    const make = async (name: string, columns: string, where: string, known: LoadedTable["known"]) => {
      const rows = Number((await store.one(`SELECT count(*) AS n FROM ${all} WHERE ${where}`))?.n);
      if (rows === 0) return 0;
      await store.run(
        `CREATE TABLE ${qualified(source.name, name)} AS SELECT ${columns} FROM ${all} WHERE ${where} ORDER BY id`,
      );
      tables.push(await describeTable(store, source, name, { format: this.name, known }));
      return rows;
    };
    const sessions = await make(
      "sessions",
      "id, parentID, projectID, title, version, {created: time.created, updated: time.updated} AS time",
      session,
      { id: "id", parentID: "parent_id", "time.created": "time", "time.updated": "end_time" },
    );
    const messages = await make(
      "messages",
      `id, sessionID, parentID, role, agent, mode, modelID, providerID, cost, tokens,
       {created: time.created, completed: time.completed} AS time, CASE WHEN error IS NOT NULL THEN 'error' END AS status`,
      message,
      {
        id: "id",
        sessionID: "session_id",
        "time.created": "time",
        "time.completed": "end_time",
        modelID: "model",
        providerID: "provider",
        cost: "cost",
        status: "status",
        "tokens.input": "input_tokens",
        "tokens.output": "output_tokens",
        "tokens.reasoning": "reasoning_tokens",
        "tokens.cache.read": "cache_read_tokens",
        "tokens.cache.write": "cache_write_tokens",
      },
    );
    const pieces = await make("parts", "id, sessionID, messageID, type, tool", parts, {
      id: "id",
      sessionID: "session_id",
    });
    const other = records.count - sessions - messages - pieces;
    await store.run(`DROP TABLE ${all}`);
    const notes = [
      `opencode storage: ${plural(sessions, "session")}, ${plural(messages, "message")}, ${plural(pieces, "part")}; the messages' tokens are counted, the steps that repeat them are not`,
    ];
    if (other > 0) notes.push(`${plural(other, "record")} of other kinds not loaded`);
    return { tables, notes };
  },
};
