export { default as UsageLogs } from "./UsageLogs";
export { default as UsageStats } from "./UsageStats";
export { default as UsageTableView } from "./UsageTableView";
