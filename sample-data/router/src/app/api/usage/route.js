import { getUsageByUser, getUsageSummary } from "@/lib/db/repos/usageRecordsRepo";

export async function GET(request) {
  const userId = request.headers.get("x-user");
  const [records, summary] = await Promise.all([getUsageByUser(userId, 100), getUsageSummary(userId)]);
  return Response.json({ records, summary });
}
