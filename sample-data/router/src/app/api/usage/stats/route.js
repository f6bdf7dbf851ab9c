import { getUsageStats } from "@/lib/db/repos/usageRepo";

export async function GET(request) {
  return Response.json(await getUsageStats(new URL(request.url).searchParams.get("since")));
}
