import { NextResponse } from "next/server";
import { enforceRateLimits } from "@/lib/auth/rateLimitMiddleware";

export async function middleware(request) {
  if (await enforceRateLimits(request)) return NextResponse.next();
  return NextResponse.json({ error: "rate limit" }, { status: 429 });
}
