import { describe, expect, test } from "vitest";
import { auditCode, type SourceTree } from "../kit/code.ts";

const HISTORY =
  "(id INT, timestamp TEXT, model TEXT, apiKey TEXT, promptTokens INT, completionTokens INT, cost REAL)";
const RECORDS =
  "(id INT, timestamp TEXT, userId TEXT, model TEXT, inputTokens INT, outputTokens INT, cost REAL)";
const SCHEMA = `CREATE TABLE usageHistory ${HISTORY};\nCREATE TABLE usage_records ${RECORDS};\n`;
const SAVE =
  'export function saveRequest(db) { db.run("INSERT INTO usageHistory (timestamp, model, promptTokens) VALUES (?, ?, ?)", 1); }\n';
const BILL =
  'export function bill(db) { db.run("INSERT INTO usage_records (timestamp, model, inputTokens) VALUES (?, ?, ?)", 1); }\n';
const READ =
  'export function readRecords(db) { return db.all("SELECT model, inputTokens, userId FROM usage_records"); }\n';
const TOTAL =
  'export function readHistory(db) { return db.all("SELECT sum(promptTokens) FROM usageHistory"); }\n';
const route = (path: string, ...names: string[]) => ({
  [`app/api/${path}/route.js`]: `import { ${names.join(", ")} } from "../../../repo.js";\nexport async function POST() { ${names.map((name) => `${name}(db);`).join(" ")} }\n`,
});

const BROKEN: SourceTree = {
  "schema.sql": SCHEMA,
  "repo.js": SAVE + BILL + READ + TOTAL,
  ...route("chat", "saveRequest"),
  ...route("messages", "saveRequest"),
  ...route("limit", "bill"),
  ...route("billing", "readRecords"),
};

describe("write-read-mismatch", () => {
  test("a reader of the table that the recording path does not write, with its entries and the way out", async () => {
    const { findings } = await auditCode("write-read-mismatch", BROKEN);
    expect(findings).toMatchObject([
      {
        severity: "warning",
        location: { input: "src", table: "usage_records", file: "repo.js", line: 3 },
        evidence: { recorded: "usageHistory", entries: ["route POST /api/billing"] },
      },
    ]);
    expect(findings[0]?.fix).toContain("inputTokens → promptTokens");
    expect(findings[0]?.fix).toContain("userId");
  });

  test("with rows that prove it, it is an error", async () => {
    const { findings } = await auditCode("write-read-mismatch", BROKEN, {
      "app.usageHistory": { rows: [{ model: "a" }, { model: "b" }] },
      "app.usage_records": { rows: [], types: { model: "VARCHAR" } },
    });
    expect(findings).toMatchObject([{ severity: "error", evidence: { rows_read: 0, rows_recorded: 2 } }]);
  });

  test("a guard that writes one table and checks the other, at the guard", async () => {
    const { findings } = await auditCode("write-read-mismatch", {
      "schema.sql": SCHEMA,
      "repo.js": SAVE + BILL + TOTAL,
      ...route("chat", "saveRequest"),
      ...route("messages", "saveRequest"),
      "middleware.js":
        'import { bill, readHistory } from "./repo.js";\nfunction enforce(db) {\n  if (readHistory(db) > 5) return false;\n  bill(db);\n}\nexport function middleware() { enforce(db); }\n',
    });
    expect(findings).toMatchObject([
      { title: "A guard writes one table and checks another", location: { file: "middleware.js", line: 2 } },
    ]);
  });

  const SILENT: [name: string, tree: SourceTree][] = [
    [
      "both written on the same path",
      { ...BROKEN, ...route("chat", "saveRequest", "bill"), ...route("messages", "saveRequest", "bill") },
    ],
    [
      "both written by one function",
      {
        ...BROKEN,
        "repo.js": `${READ}${BILL}export function saveRequest(db) { db.run("INSERT INTO usageHistory (model) VALUES (1)"); db.run("INSERT INTO usage_records (model) VALUES (1)"); }`,
      },
    ],
    [
      "filled from its sibling",
      {
        ...BROKEN,
        "repo.js": `${SAVE}${READ}export function bill(db) { db.run("INSERT INTO usage_records (model) SELECT model FROM usageHistory"); }`,
      },
    ],
    [
      "other subjects",
      Object.fromEntries(
        Object.entries(BROKEN).map(([file, text]) => [
          file,
          String(text).replaceAll("usage_records", "invoice_records"),
        ]),
      ),
    ],
    [
      "no common measurement",
      {
        ...BROKEN,
        "schema.sql":
          "CREATE TABLE usageHistory (id INT, page TEXT);\nCREATE TABLE usage_records (id INT, color TEXT);",
        "repo.js":
          'export function saveRequest(db) { db.run("INSERT INTO usageHistory (page) VALUES (1)"); }\nexport function bill(db) { db.run("INSERT INTO usage_records (color) VALUES (1)"); }\nexport function readRecords(db) { db.all("SELECT color FROM usage_records"); }',
      },
    ],
    [
      "two kinds of calls, each with its table",
      Object.fromEntries(
        Object.entries(BROKEN).map(([file, text]) => [
          file,
          String(text)
            .replaceAll("usage_records", "embedding_usage")
            .replaceAll("usageHistory", "chat_usage"),
        ]),
      ),
    ],
    [
      "a reader that reads both",
      {
        ...BROKEN,
        "repo.js": `${SAVE}${BILL}export function readRecords(db) { db.all("SELECT model FROM usage_records"); db.all("SELECT model FROM usageHistory"); }`,
      },
    ],
    [
      "an entry that writes and reads its own table",
      { ...BROKEN, ...route("billing", "bill", "readRecords") },
    ],
    [
      "equally many entries record each",
      {
        ...BROKEN,
        ...route("messages", "bill"),
        ...route("limit", "saveRequest"),
        ...route("extra", "bill"),
      },
    ],
    [
      "a reader that nothing reaches",
      Object.fromEntries(Object.entries(BROKEN).filter(([file]) => !file.includes("billing"))),
    ],
    [
      "a rollup",
      Object.fromEntries(
        Object.entries(BROKEN).map(([file, text]) => [
          file,
          String(text).replaceAll("usage_records", "usage_daily"),
        ]),
      ),
    ],
  ];
  test.each(SILENT)("silent: %s", async (_, tree) => {
    expect((await auditCode("write-read-mismatch", tree)).findings).toEqual([]);
  });
});
