import { saveRequestUsage } from "@/lib/db/repos/usageRepo";

export async function saveUsageStats(context) {
  await saveRequestUsage({ ...context, timestamp: new Date().toISOString() });
}
