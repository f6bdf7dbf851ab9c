/** aider's analytics: `message_send` events carry a call's counts, and a running cost beside its own. */

import { plural } from "../../contract/wording.ts";
import { at, isObject, type JsonFormat } from "./format.ts";
import { tableOfValues } from "./table.ts";

export const aider: JsonFormat = {
  name: "aider",

  recognises: (records) =>
    records.some((record) => typeof record.event === "string" && isObject(record.properties)) &&
    records.some(
      (record) =>
        at(record, "properties", "prompt_tokens") !== undefined &&
        at(record, "properties", "edit_format") !== undefined,
    ),

  async load(source, ctx, records) {
    const table = await tableOfValues(source, ctx, "events", `SELECT json AS one FROM ${records.relation}`, {
      format: this.name,
      known: {
        time: "time",
        user_id: "user",
        "properties.main_model": "model",
        "properties.prompt_tokens": "input_tokens",
        "properties.completion_tokens": "output_tokens",
        "properties.total_tokens": "total_tokens",
        "properties.cost": "cost",
      },
    });
    return {
      tables: table ? [table] : [],
      notes: [
        `aider analytics: ${plural(table?.rows ?? 0, "event")}; properties.cost is counted, total_cost beside it is a running counter`,
      ],
    };
  },
};
