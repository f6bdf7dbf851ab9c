import { getDb } from "@/lib/db";
import { findApiKey } from "@/lib/db/repos/apiKeysRepo";
import { getMonthlyCost, getMonthlyTokens } from "@/lib/db/repos/rateLimitRepo";

async function checkRTPM(apiKey) {
  const row = getDb()
    .prepare("SELECT sum(promptTokens) AS used FROM usage_records WHERE apiKey = ? AND timestamp > datetime('now', '-1 minute')")
    .get(apiKey);
  return row.used < 100_000;
}

async function checkRTPD(apiKey) {
  const row = getDb()
    .prepare("SELECT sum(promptTokens) AS used FROM usage_records WHERE apiKey = ? AND timestamp > datetime('now', '-1 day')")
    .get(apiKey);
  return row.used < 5_000_000;
}

export async function enforceRateLimits(request) {
  const apiKey = await findApiKey(request.headers.get("x-api-key"));
  const tokens = await getMonthlyTokens(apiKey.key);
  const cost = await getMonthlyCost(apiKey.key);
  if (tokens.tokens > 50_000_000 || cost.cost > 500) return false;
  if (!(await checkRTPM(apiKey.key)) || !(await checkRTPD(apiKey.key))) return false;
  return true;
}
