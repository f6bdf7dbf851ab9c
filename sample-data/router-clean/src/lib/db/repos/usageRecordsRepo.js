import { getDb } from "../index.js";

export async function getUsageByUser(userId, limit) {
  const sql = `SELECT timestamp, model, promptTokens, completionTokens, cost FROM usage_records WHERE userId = ? ORDER BY timestamp DESC LIMIT ?`;
  return getDb().prepare(sql).all(userId, limit);
}

export async function getUsageSummary(userId) {
  return getDb()
    .prepare("SELECT count(*) AS requests, sum(promptTokens) AS input, sum(completionTokens) AS output, sum(cost) AS cost FROM usage_records WHERE userId = ?")
    .get(userId);
}

export async function getAllUsersUsage() {
  return getDb().prepare("SELECT userId, sum(cost) AS cost FROM usage_records GROUP BY userId").all();
}
