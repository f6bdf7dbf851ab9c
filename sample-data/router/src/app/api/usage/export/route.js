import { getUsageByUser, getUsageSummary } from "@/lib/db/repos/usageRecordsRepo";

export async function GET(request) {
  const userId = request.headers.get("x-user");
  const summary = await getUsageSummary(userId);
  const rows = await getUsageByUser(userId, 10_000);
  return new Response([JSON.stringify(summary), ...rows.map((row) => Object.values(row).join(","))].join("\n"));
}
