import { getChartData } from "@/lib/db/repos/usageRepo";

export async function GET(request) {
  return Response.json(await getChartData(request));
}
