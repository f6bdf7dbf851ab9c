import { handleChat } from "@/open-sse/handlers/chatCore";

export async function POST(request) {
  return handleChat(request);
}
