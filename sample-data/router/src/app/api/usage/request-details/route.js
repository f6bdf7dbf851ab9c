import { getRequestDetails } from "@/lib/db/repos/requestDetailsRepo";

export async function GET(request) {
  return Response.json(await getRequestDetails(request ? 50 : 10));
}
