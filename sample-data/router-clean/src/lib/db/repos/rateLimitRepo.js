import { getDb } from "../index.js";

export async function getMonthlyTokens(apiKey) {
  return getDb().prepare("SELECT sum(promptTokens + completionTokens) AS tokens FROM usage_records WHERE apiKey = ?").get(apiKey);
}

export async function getMonthlyCost(apiKey) {
  return getDb().prepare("SELECT sum(cost) AS cost FROM usage_records WHERE apiKey = ?").get(apiKey);
}
