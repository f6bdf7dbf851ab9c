import { getAllUsersUsage } from "@/lib/db/repos/usageRecordsRepo";

export async function GET(request) {
  return Response.json(await getAllUsersUsage(request));
}
