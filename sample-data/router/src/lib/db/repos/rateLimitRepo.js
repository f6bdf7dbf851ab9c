import { getDb } from "../index.js";

export async function getMonthlyTokens(apiKey) {
  return getDb().prepare("SELECT sum(promptTokens + completionTokens) AS tokens FROM usageHistory WHERE apiKey = ?").get(apiKey);
}

export async function getMonthlyCost(apiKey) {
  return getDb().prepare("SELECT sum(cost) AS cost FROM usageHistory WHERE apiKey = ?").get(apiKey);
}
