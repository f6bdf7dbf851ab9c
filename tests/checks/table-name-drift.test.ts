import { describe, expect, test } from "vitest";
import { auditCode, type SourceTree } from "../kit/code.ts";

const SCHEMA =
  'export const TABLES = { usageRecords: { columns: { id: "TEXT PRIMARY KEY", model: "TEXT" } } };\n';
const REPO =
  'export function save(db) { db.run("INSERT INTO usage_records (id) VALUES (1)"); }\nexport function read(db) { return db.all("SELECT id FROM usage_records"); }\n';
const MIGRATION = "CREATE TABLE usage_records (id TEXT);\n";

describe("table-name-drift", () => {
  test("a schema key and a migration in two spellings: located at the unused declaration, a warning without a database", async () => {
    const { findings } = await auditCode("table-name-drift", {
      "schema.js": SCHEMA,
      "repo.js": REPO,
      "migrations/004.sql": MIGRATION,
    });
    expect(findings).toMatchObject([
      {
        severity: "warning",
        evidence: { unused: "usageRecords", used: "usage_records" },
        location: { input: "src", file: "schema.js", line: 1 },
      },
    ]);
  });

  test("with a database that has both it is an error that says which one is empty", async () => {
    const { findings } = await auditCode(
      "table-name-drift",
      { "schema.js": SCHEMA, "repo.js": REPO, "migrations/004.sql": MIGRATION },
      {
        "app.usageRecords": { rows: [], types: { id: "VARCHAR" } },
        "app.usage_records": { rows: [{ id: "a" }, { id: "b" }] },
      },
    );
    expect(findings).toMatchObject([{ severity: "error", evidence: { unused_rows: 0, used_rows: 2 } }]);
    expect(findings[0]?.message).toContain("`usageRecords` (0 rows in the database)");
  });

  test("one name is written and the other is read", async () => {
    const { findings } = await auditCode("table-name-drift", {
      "a.js":
        'export function save(db) { db.run("INSERT INTO user_event (id) VALUES (1)"); }\nexport function read(db) { return db.all("SELECT id FROM user_events"); }\n',
      "schema.sql": "CREATE TABLE user_event (id INT);\nCREATE TABLE user_events (id INT);\n",
    });
    expect(findings).toHaveLength(1);
  });

  const SIDE_BY_SIDE = "model VectorStore {\n id String @id\n}\nmodel VectorStores {\n id String @id\n}\n";
  const USES_ONE = "export const read = () => prisma.vectorStore.findMany();\n";

  test("declared side by side, and the database shows the unused one empty", async () => {
    const tables = {
      "app.VectorStore": { rows: [{ id: "a" }] },
      "app.VectorStores": { rows: [], types: { id: "VARCHAR" } },
    };
    const tree = { "schema.prisma": SIDE_BY_SIDE, "a.ts": USES_ONE };
    expect((await auditCode("table-name-drift", tree, tables)).findings).toMatchObject([
      { severity: "error", evidence: { unused: "VectorStores", unused_rows: 0 } },
    ]);
    const both = { ...tables, "app.VectorStores": { rows: [{ id: "b" }] } };
    expect((await auditCode("table-name-drift", tree, both)).findings).toEqual([]);
  });

  const SILENT: [name: string, tree: SourceTree][] = [
    [
      "different tables that share a word",
      {
        "a.sql": "CREATE TABLE usageDaily (id INT);\nCREATE TABLE usageHistory (id INT);",
        "a.js": 'db.all("SELECT id FROM usageHistory");',
      },
    ],
    [
      "two spellings that are both written and read",
      {
        "a.sql": "CREATE TABLE status (id INT);\nCREATE TABLE statuses (id INT);",
        "a.js":
          'db.all("SELECT id FROM status"); db.all("SELECT id FROM statuses"); db.run("INSERT INTO status (id) VALUES (1)"); db.run("INSERT INTO statuses (id) VALUES (1)");',
      },
    ],
    [
      "a class and the table it is mapped to",
      {
        "schema.prisma": 'model UsageRecord {\n id String @id\n @@map("usage_records")\n}\n',
        "a.ts": "export const read = () => prisma.usageRecord.findMany();",
      },
    ],
    [
      "names that differ in case only",
      { "a.sql": "CREATE TABLE Usage (id INT);", "a.js": 'db.all("SELECT id FROM usage");' },
    ],
    [
      "a name that a migration renames",
      {
        "1.sql": "CREATE TABLE usageRecords (id INT);",
        "2.sql": "ALTER TABLE usageRecords RENAME TO usage_records;",
        "a.js": 'db.all("SELECT id FROM usage_records");',
      },
    ],
    [
      "a name that a migration drops",
      {
        "1.sql":
          "CREATE TABLE usageRecords (id INT);\nCREATE TABLE usage_records (id INT);\nDROP TABLE usageRecords;",
        "a.js": 'db.all("SELECT id FROM usage_records");',
      },
    ],
    ["two that are declared side by side", { "schema.prisma": SIDE_BY_SIDE, "a.ts": USES_ONE }],
    [
      "the table of a model whose defaults hold braces",
      {
        "schema.prisma":
          'model UsageRecord {\n id String @id\n meta Json @default("{}")\n @@map("usage_records")\n}\n',
        "migrations/1.sql": MIGRATION,
        "a.ts": "export const read = () => prisma.usageRecord.findMany();",
      },
    ],
    ["one spelling everywhere", { "migrations/004.sql": MIGRATION, "repo.js": REPO }],
  ];
  test.each(SILENT)("silent: %s", async (_, tree) => {
    expect((await auditCode("table-name-drift", tree)).findings).toEqual([]);
  });

  test("without source code it is skipped", async () => {
    const { outcomes } = await import("../kit/tables.ts").then(({ auditTables }) =>
      auditTables("table-name-drift", { "a.t": { rows: [{ id: 1 }] } }),
    );
    expect(outcomes).toMatchObject([{ status: "skipped" }]);
  });
});
