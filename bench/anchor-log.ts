/** The log's anchor: DuckDB counts the lines and parses their times, nothing else. */

import { Store } from "../src/store/index.ts";

const store = await Store.open({
  memoryLimit: 2 ** 30,
  threads: 2,
  tempDir: process.argv[3] as string,
  file: null,
});
const row = await store.one(
  `SELECT count(*) AS lines, count(try_strptime(left(raw, 19), '%Y-%m-%d %H:%M:%S')) AS times FROM read_csv(?,
   columns = {'raw': 'VARCHAR'}, header = false, delim = chr(1), quote = '', escape = '', auto_detect = false)`,
  [process.argv[2] as string],
);
store.close();
process.stdout.write(`${row?.lines} ${row?.times}\n`);
