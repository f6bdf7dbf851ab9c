import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { buildFlow, collectCodeFacts, writeCodeFacts } from "../../src/lineage/index.ts";
import { renderFlow } from "../../src/report/flow.ts";
import { Store } from "../../src/store/index.ts";
import { ROOT } from "../kit/command.ts";

async function flowOf(folder: string) {
  const store = await Store.open({ memoryLimit: 2 ** 28, threads: 2, tempDir: tmpdir(), file: null });
  try {
    await writeCodeFacts(
      store,
      await collectCodeFacts(join(ROOT, "sample-data", folder, "src"), { threads: 1 }),
    );
    return await buildFlow(store);
  } finally {
    store.close();
  }
}

describe("flow", () => {
  test("the path from a page to its tables names every step", async () => {
    const { entries } = await flowOf("router");
    const page = entries.find((entry) => entry.name === "/dashboard/usage");
    expect(page?.reads.filter((path) => path.table === "usage_records").map((path) => path.path)).toEqual(
      [
        ["page /dashboard/usage", "UsagePage", "UsageTableView", "GET /api/usage", "getUsageByUser"],
        ["page /dashboard/usage", "UsagePage", "UsageTableView", "GET /api/usage", "getUsageSummary"],
      ].map((path) => [...path.slice(0, 3), expect.stringMatching(/^GET \/api\/usage/), path[4]]),
    );
    const chat = entries.find((entry) => entry.name === "POST /api/v1/messages");
    expect(chat?.writes.map((path) => [path.table, path.path.at(-1)])).toEqual([
      ["requestDetails", "saveRequestDetails"],
      ["usageDaily", "saveRequestUsage"],
      ["usageHistory", "saveRequestUsage"],
    ]);
  });

  test("both write paths with their callers, and all readers, as in the investigation of such a system", async () => {
    const { tables } = await flowOf("router");
    const table = (name: string) => tables.find((one) => one.table === name);
    expect(table("usageHistory")?.writers).toMatchObject([
      { function: "saveRequestUsage", callers: [{ function: "logUsage" }, { function: "saveUsageStats" }] },
    ]);
    expect(table("usage_records")?.writers).toMatchObject([
      { function: "logUsage", callers: [{ function: "logUsageAsync" }] },
    ]);
    expect(table("usageHistory")?.readers.map((one) => one.function)).toEqual([
      "checkRTPM",
      "checkRTPD",
      "getMonthlyTokens",
      "getMonthlyCost",
      "getUsageStats",
      "getChartData",
      "getRecentLogs",
    ]);
    expect(table("usage_records")?.readers.map((one) => one.function)).toEqual([
      "getUsageByUser",
      "getUsageSummary",
      "getAllUsersUsage",
    ]);
    expect(table("usageRecords")).toMatchObject({
      writers: [],
      readers: [],
      declared: [{ how: "schema", line: 18 }],
    });
  });

  test.each([
    ["text", "usage_records"],
    ["mermaid", "flowchart LR"],
    ["dot", "digraph flow {"],
    ["json", '"schemaVersion": 1'],
  ])("%s shows the tables asked for and no others", async (format, expected) => {
    const flow = { ...(await flowOf("router")), findings: [] };
    const shown = renderFlow(flow, format, { tables: ["usage_records"], entries: [], color: false });
    expect(shown).toContain(expected);
    expect(shown).not.toContain("apiKeys");
  });
});
