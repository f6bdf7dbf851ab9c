import { UsageLogs, UsageStats, UsageTableView } from "@/shared/components";

export default function UsagePage({ searchParams }) {
  if (searchParams.tab === "table") return <UsageTableView />;
  if (searchParams.tab === "logs") return <UsageLogs />;
  return <UsageStats />;
}
