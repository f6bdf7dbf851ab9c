import { createApiKey } from "@/lib/db/repos/apiKeysRepo";

export async function POST(request) {
  const { key, userId } = await request.json();
  await createApiKey(key, userId);
  return Response.json({ key });
}
