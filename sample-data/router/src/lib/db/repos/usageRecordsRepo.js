import { randomUUID } from "node:crypto";
import { getDb } from "../index.js";

export async function logUsage(record) {
  getDb()
    .prepare(
      `INSERT INTO usage_records (id, userId, apiKeyId, model, inputTokens, outputTokens, totalTokens, cost, status, endpoint, timestamp)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(randomUUID(), record.userId, record.apiKeyId, record.model, record.inputTokens, record.outputTokens, record.totalTokens, record.cost, record.status, record.endpoint, record.timestamp);
}

export async function getUsageByUser(userId, limit) {
  const sql = `SELECT timestamp, model, inputTokens, outputTokens, cost FROM usage_records WHERE userId = ? ORDER BY timestamp DESC LIMIT ?`;
  return getDb().prepare(sql).all(userId, limit);
}

export async function getUsageSummary(userId) {
  return getDb()
    .prepare("SELECT count(*) AS requests, sum(inputTokens) AS input, sum(outputTokens) AS output, sum(cost) AS cost FROM usage_records WHERE userId = ?")
    .get(userId);
}

export async function getAllUsersUsage() {
  return getDb().prepare("SELECT userId, sum(cost) AS cost FROM usage_records GROUP BY userId").all();
}
