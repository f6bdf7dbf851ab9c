import { getDb } from "../index.js";

export async function saveRequestUsage(entry) {
  const db = getDb();
  const save = db.transaction(() => {
    db.prepare(
      `INSERT INTO usage_records (timestamp, userId, provider, model, connectionId, apiKey, endpoint, promptTokens, completionTokens, cost, status)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(entry.timestamp, entry.userId, entry.provider, entry.model, entry.connectionId, entry.apiKey, entry.endpoint, entry.promptTokens, entry.completionTokens, entry.cost, entry.status);
    db.prepare(
      `INSERT INTO usageDaily (day, requests, promptTokens, completionTokens, cost) VALUES (?, 1, ?, ?, ?)
       ON CONFLICT (day) DO UPDATE SET requests = requests + 1, promptTokens = promptTokens + excluded.promptTokens,
         completionTokens = completionTokens + excluded.completionTokens, cost = cost + excluded.cost`,
    ).run(entry.timestamp.slice(0, 10), entry.promptTokens, entry.completionTokens, entry.cost);
  });
  save();
}

export async function getUsageStats(days) {
  const db = getDb();
  const totals = db.prepare("SELECT requests, promptTokens, completionTokens, cost FROM usageDaily WHERE day >= ?").all(days);
  const recent = db.prepare("SELECT model, count(*) AS n FROM usage_records GROUP BY model").all();
  return { totals, recent };
}

export async function getChartData() {
  return getDb().prepare("SELECT substr(timestamp, 1, 13) AS hour, sum(promptTokens) AS tokens FROM usage_records GROUP BY 1").all();
}

export async function getRecentLogs(limit) {
  return getDb().prepare("SELECT timestamp, model, status FROM usage_records ORDER BY timestamp DESC LIMIT ?").all(limit);
}
