import { describe, expect, test } from "vitest";
import type { SchemaReference } from "../../src/contract/evidence.ts";
import { auditTables } from "../kit/tables.ts";

const usage = { rows: [{ id: 1, model: "gpt-4o", input_tokens: 10, created_at: "2025-01-01T00:00:00Z" }] };
const earlier = (columns: Record<string, string>, name = "usage"): SchemaReference[] => [
  {
    label: "old.dump",
    tables: [{ name, columns: Object.entries(columns).map(([column, type]) => ({ name: column, type })) }],
  },
];
const drift = (references: SchemaReference[]) =>
  auditTables(
    "schema-drift",
    { "prod.usage": usage },
    { adjust: (evidence) => ({ ...evidence, references }) },
  );
const SAME = { id: "bigint", model: "text", input_tokens: "int8", created_at: "varchar(40)" };

describe("schema-drift", () => {
  test("tells columns that are gone, new and of another type", async () => {
    const { findings } = await drift(
      earlier({ id: "uuid", model: "text", input_tokens: "bigint", validation_status: "text" }),
    );
    expect(findings).toHaveLength(1);
    expect(findings[0]?.evidence).toMatchObject({
      removed: ["validation_status"],
      added: ["created_at"],
      changed: [{ column: "id", before: "uuid" }],
    });
    expect(findings[0]?.message).toContain("validation_status is gone");
    expect(findings[0]?.target).toBe("prod.usage");
  });

  test("tells a table that is gone", async () => {
    const references = [
      { label: "old.dump", tables: [...earlier(SAME)[0]!.tables, ...earlier(SAME, "audit")[0]!.tables] },
    ];
    const { findings } = await drift(references);
    expect(findings.map((f) => f.title)).toEqual(["A table is gone"]);
    expect(findings[0]?.message).toContain("prod.audit");
  });

  test.each([
    ["the same columns in another order", Object.fromEntries(Object.entries(SAME).reverse())],
    [
      "types spelled in another way or of another length",
      { ...SAME, input_tokens: "BIGINT", model: "character varying(20)" },
    ],
    ["columns declared without a type", { ...SAME, model: "" }],
  ])("is silent for %s", async (_name, columns) => {
    const { findings, outcomes } = await drift(earlier(columns));
    expect(findings).toEqual([]);
    expect(outcomes.map((o) => o.status)).toEqual(["clean"]);
  });

  test("is silent about a database of other tables", async () => {
    const { outcomes } = await drift(earlier(SAME, "films"));
    expect(outcomes.map((o) => o.status)).toEqual(["skipped"]);
  });

  test("is skipped with nothing to compare with", async () => {
    const { outcomes } = await auditTables("schema-drift", { "prod.usage": usage });
    expect(outcomes[0]).toMatchObject({ status: "skipped", reason: expect.stringContaining("--against") });
  });
});
