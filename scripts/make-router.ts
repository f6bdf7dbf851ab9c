/** Makes the databases of sample-data/router and its clean twin, the same bytes each time; the source trees beside them are written by hand. */

import { rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { Random } from "./random.ts";

const FROM = Date.parse("2026-05-01T08:00:00Z");
const HOUR = 3_600_000;
const REQUESTS = 420;
/** Requests that only passed the rate limiter. */
const LIMITED = 37;
const MODELS: [model: string, provider: string, price: number][] = [
  ["gpt-4o", "openai", 5],
  ["claude-sonnet-4", "anthropic", 6],
  ["gemini-2.5-pro", "google", 4],
];

interface Request {
  time: string;
  user: string;
  model: string;
  provider: string;
  input: number;
  output: number;
  cost: number;
}

function requestsOf(random: Random, count: number): Request[] {
  const times = Array.from(
    { length: count },
    () => FROM + random.below(28 * 24) * HOUR + random.below(HOUR),
  ).sort((a, b) => a - b);
  return times.map((time) => {
    const [model, provider, price] = random.pick(MODELS);
    const [input, output] = [400 + random.below(6000), 50 + random.below(1500)];
    return {
      time: new Date(time).toISOString(),
      user: `user-${1 + random.below(6)}`,
      model,
      provider,
      input,
      output,
      cost: Math.round((input + 3 * output) * price) / 1_000_000,
    };
  });
}

const DAILY =
  "CREATE TABLE usageDaily (day TEXT PRIMARY KEY, requests INTEGER, promptTokens INTEGER, completionTokens INTEGER, cost REAL)";
const DETAILS = "CREATE TABLE requestDetails (id INTEGER PRIMARY KEY, timestamp TEXT, model TEXT, body TEXT)";
const KEYS = "CREATE TABLE apiKeys (key TEXT PRIMARY KEY, userId TEXT NOT NULL, lastUsed TEXT)";
const RECORDS =
  "(id TEXT PRIMARY KEY, userId TEXT NOT NULL, apiKeyId TEXT, model TEXT, inputTokens INTEGER, outputTokens INTEGER, totalTokens INTEGER, cost REAL, status TEXT, endpoint TEXT, timestamp TEXT NOT NULL)";

function make(folder: string, clean: boolean): void {
  const file = join(import.meta.dirname, "../..", "sample-data", folder, "router.sqlite");
  rmSync(file, { force: true });
  const db = new DatabaseSync(file);
  const random = new Random(7);
  const requests = requestsOf(random, REQUESTS);
  const main = clean ? "usage_records" : "usageHistory";
  db.exec(
    `CREATE TABLE ${main} (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT NOT NULL, ${clean ? "userId TEXT, " : ""}provider TEXT, model TEXT, connectionId TEXT, apiKey TEXT, endpoint TEXT, promptTokens INTEGER, completionTokens INTEGER, cost REAL, status TEXT)`,
  );
  for (const statement of [DAILY, DETAILS, KEYS]) db.exec(statement);
  const insert = db.prepare(
    `INSERT INTO ${main} (timestamp, provider, model, connectionId, apiKey, endpoint, promptTokens, completionTokens, cost, status) VALUES (?, ?, ?, 'c1', ?, '/v1/chat/completions', ?, ?, ?, 'success')`,
  );
  db.exec("BEGIN");
  for (const one of requests)
    insert.run(one.time, one.provider, one.model, `key-of-${one.user}`, one.input, one.output, one.cost);
  if (clean) db.exec("UPDATE usage_records SET userId = substr(apiKey, 8)");
  db.exec(
    `INSERT INTO usageDaily SELECT substr(timestamp, 1, 10), count(*), sum(promptTokens), sum(completionTokens), sum(cost) FROM ${main} GROUP BY 1`,
  );
  db.exec(`INSERT INTO requestDetails (timestamp, model, body) SELECT timestamp, model, '{}' FROM ${main}`);
  for (let user = 1; user <= 6; user++)
    db.exec(`INSERT INTO apiKeys (key, userId) VALUES ('key-of-user-${user}', 'user-${user}')`);
  if (!clean) {
    db.exec(`CREATE TABLE usageRecords ${RECORDS}`);
    db.exec(`CREATE TABLE usage_records ${RECORDS}`);
    const record = db.prepare(
      "INSERT INTO usage_records VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'success', '/v1/embeddings', ?)",
    );
    for (const one of requestsOf(random, LIMITED))
      record.run(
        random.uuid(),
        one.user,
        `key-of-${one.user}`,
        one.model,
        one.input,
        one.output,
        one.input + one.output,
        one.cost,
        one.time,
      );
  }
  db.exec("COMMIT");
  db.close();
}

make("router", false);
make("router-clean", true);
