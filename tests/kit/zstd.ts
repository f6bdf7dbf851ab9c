/** Packs text as zstd, which Node 20 cannot write: DuckDB does. */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Store } from "../../src/store/index.ts";

/** @param text whole lines, without the character U+0001. */
export async function zstdOf(text: string): Promise<Buffer> {
  const folder = mkdtempSync(join(tmpdir(), "trueup-zstd-"));
  const store = await Store.open({ memoryLimit: 2 ** 28, threads: 1, tempDir: folder, file: null });
  try {
    const lines = text.replace(/\n$/, "").split("\n");
    await store.run("CREATE TABLE lines (n INTEGER, line VARCHAR)");
    await store.append(
      "lines",
      ["n", "line"],
      lines.map((line, n) => [n, line]),
    );
    const file = join(folder, "packed");
    await store.run(`COPY (SELECT line FROM lines ORDER BY n) TO '${file}'
      (FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\u0001', COMPRESSION zstd)`);
    return readFileSync(file);
  } finally {
    store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
