import { describe, expect, test } from "vitest";
import type { SchemaReference } from "../../src/contract/evidence.ts";
import { auditCode, type SourceTree } from "../kit/code.ts";
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

describe("schema-drift of code against a database", () => {
  const against = (tree: SourceTree, table = "usage") =>
    auditCode("schema-drift", tree, { [`prod.${table}`]: usage });
  const ddl = (columns: string, table = "usage") => `CREATE TABLE ${table} (${columns});\n`;
  const COLUMNS = "id INT, model TEXT, input_tokens INT, created_at TEXT";

  test("tells a declared column that the table lacks, and the reverse, at the declaration", async () => {
    const { findings } = await against({
      "db/schema.sql": `-- usage\n${ddl("id INT, model TEXT, status TEXT, created_at TEXT")}`,
    });
    expect(findings).toMatchObject([
      {
        severity: "warning",
        measure: { value: 2 },
        evidence: { table: "prod.usage", missing: ["status"], undeclared: ["input_tokens"] },
        location: { input: "src", table: "prod.usage", file: "db/schema.sql", line: 2 },
      },
    ]);
    expect(findings[0]?.message).toContain("the code declares status, which the table does not have");
  });

  test.each<[string, SourceTree, string]>([
    [
      "a migration that never ran, at the migration",
      {
        "migrations/001.sql": ddl(COLUMNS),
        "migrations/002.sql": "\nALTER TABLE usage ADD COLUMN cost REAL;\n",
      },
      "migrations/002.sql:2",
    ],
    [
      "a renamed column whose migration never ran",
      {
        "migrations/001.sql": ddl(COLUMNS),
        "migrations/002.sql": "ALTER TABLE usage RENAME COLUMN model TO model_name;\n",
      },
      "migrations/002.sql:1",
    ],
    [
      "a model",
      {
        "models.py":
          "from sqlalchemy import Column, Integer, String\nfrom sqlalchemy.orm import declarative_base\nBase = declarative_base()\n\nclass Usage(Base):\n    __tablename__ = 'usage'\n    id = Column(Integer, primary_key=True)\n    model = Column(String)\n    input_tokens = Column(Integer)\n    cached_tokens = Column(Integer)\n    created_at = Column(String)\n",
      },
      "models.py:5",
    ],
  ])("fires: %s", async (_name, tree, place) => {
    const { findings } = await against(tree);
    expect(findings.map((f) => `${f.location?.file}:${f.location?.line}`)).toEqual([place]);
  });

  test.each<[string, SourceTree]>([
    [
      "the same columns in another order",
      { "a.sql": ddl("created_at TEXT, input_tokens INT, model TEXT, id INT") },
    ],
    ["names that differ in case", { "a.sql": ddl(COLUMNS.toUpperCase(), "Usage") }],
    ["a table without declared columns", { "a.sql": "CREATE TABLE usage AS SELECT * FROM other;\n" }],
    [
      "a migration that only adds a column",
      { "migrations/7.sql": "ALTER TABLE usage ADD COLUMN model TEXT;\n" },
    ],
    [
      "declarations that are whole together",
      {
        "migrations/1.sql": ddl("id INT, model TEXT, input_tokens INT"),
        "migrations/2.sql": "ALTER TABLE usage ADD COLUMN created_at TEXT;\n",
      },
    ],
    [
      "a column that a later migration drops or renames",
      {
        "migrations/1.sql": ddl(`${COLUMNS}, status TEXT, tokens INT`),
        "migrations/2.sql":
          "ALTER TABLE usage DROP COLUMN status;\nALTER TABLE usage RENAME COLUMN tokens TO input_tokens;\n",
      },
    ],
    [
      "a table that a migration rebuilds",
      {
        "migrations/1.sql": ddl(`${COLUMNS}, status TEXT`),
        "migrations/2.sql": `${ddl(COLUMNS, "usage_new")}DROP TABLE usage;\nALTER TABLE usage_new RENAME TO usage;\n`,
      },
    ],
    [
      "a column that the code's own query writes",
      {
        "a.sql": ddl("id INT, model TEXT, input_tokens INT"),
        "a.js": 'db.run("INSERT INTO usage (id, created_at) VALUES (?, ?)", 1, 2);\n',
      },
    ],
    ["what only tests declare", { "tests/a.test.js": `db.exec("${ddl("id INT, other INT").trim()}");\n` }],
    [
      "a table that shares only its name",
      { "a.sql": ddl("id INT, film TEXT, seats INT, room TEXT, price INT") },
    ],
    ["a table that the database does not have", { "a.sql": ddl("id INT, x INT", "films") }],
  ])("is silent: %s", async (_name, tree) => {
    expect((await against(tree)).findings).toEqual([]);
  });
});
