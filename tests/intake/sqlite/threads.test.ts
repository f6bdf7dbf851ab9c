/** A table that is large enough for worker threads loads to the same rows: through the built command, as users run it. */

import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { expect, test } from "vitest";
import { temporaryFolder, trueup } from "../../kit/command.ts";

/** What both engines compute alike. */
const SUMS = `count(*) AS "rows", sum(n) AS n, count(n) AS known, sum(length(name)) AS characters,
  sum(CASE WHEN name LIKE '%|%' THEN 1 ELSE 0 END) AS bars, min(id) AS first, max(id) AS last`;

test.each([
  ["without a missing rowid", "SELECT 1"],
  [
    "with rowids that are missing, negative and far apart",
    "DELETE FROM calls WHERE id % 3 = 1; UPDATE calls SET id = -id WHERE id < 999; UPDATE calls SET id = id + 4000000000000 WHERE id > 250000",
  ],
])("%s", (_, change) => {
  const folder = temporaryFolder();
  const file = join(folder, "calls.db");
  const db = new DatabaseSync(file);
  db.exec(`CREATE TABLE calls (id INTEGER PRIMARY KEY, session_id TEXT, created_at TEXT, input_tokens INT, n INT, name TEXT);
    WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 300000)
    INSERT INTO calls SELECT n, 'session-' || n / 9, datetime(1735689600 + n, 'unixepoch'), n % 977, nullif(n % 7, 0),
      CASE n % 5 WHEN 0 THEN NULL WHEN 1 THEN 'tab' || char(9) || 'and' || char(10) || 'line é ' || n WHEN 2 THEN '|' || char(31) ELSE printf('plain %d', n) END
    FROM i; ${change};`);
  const expected = db.prepare(`SELECT ${SUMS} FROM calls`).get();
  db.close();
  const ran = trueup(["query", `SELECT ${SUMS} FROM calls.calls`, file, "--format", "json"]);
  expect(ran.stderr).toBe("");
  expect(JSON.parse(ran.stdout)).toEqual([expected]);
});
