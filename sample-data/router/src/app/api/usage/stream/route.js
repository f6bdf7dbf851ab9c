import { getUsageStats } from "@/lib/db/repos/usageRepo";

export async function GET(request) {
  return new Response(JSON.stringify(await getUsageStats(request.url)), { headers: { "content-type": "text/event-stream" } });
}
