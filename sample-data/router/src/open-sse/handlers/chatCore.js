import { saveRequestDetails } from "@/lib/db/repos/requestDetailsRepo";
import { saveUsageStats } from "./requestDetail.js";
import { createStream } from "../utils/stream.js";

export async function handleChat(request) {
  const body = await request.json();
  const context = { model: body.model, provider: "openai", connectionId: body.connection, apiKey: request.headers.get("x-api-key") };
  await saveRequestDetails({ timestamp: new Date().toISOString(), model: body.model, body: JSON.stringify(body) });
  if (!body.stream) return saveUsageStats(context);
  return new Response(createStream(context));
}
