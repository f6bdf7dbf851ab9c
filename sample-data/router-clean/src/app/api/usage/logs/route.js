import { getRecentLogs } from "@/lib/db/repos/usageRepo";

export async function GET(request) {
  return Response.json(await getRecentLogs(request ? 200 : 50));
}
