/** Rows on their way into files: cut between rows, complete, and loaded in their order. */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { escapeField } from "../../../src/intake/postgres/copy-rows.ts";
import { loadCopyText, PG_COPY } from "../../../src/intake/postgres/copy-text.ts";
import { encodingOf } from "../../../src/intake/postgres/encoding.ts";
import { newSegment, type Segment, Staging } from "../../../src/intake/postgres/staged.ts";
import { mappingOf } from "../../../src/intake/postgres/types.ts";
import { Store } from "../../../src/store/index.ts";

let folder: string;
let count = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "trueup-staged-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Writes a text in chunks, into parts of a few bytes. */
function stage(text: Buffer, cuts: readonly number[], partBytes: number): Segment {
  const segment = newSegment(["id", "v"], PG_COPY);
  const staging = new Staging(segment, encodingOf("UTF8"), join(folder, `s${++count}`), partBytes);
  const places = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].sort((a, b) => a - b);
  [...places, text.length].forEach((to, i) => {
    staging.write(text.subarray(i === 0 ? 0 : places[i - 1], to));
  });
  expect(staging.close()).toBe(0);
  return segment;
}

const rowsOf = (values: readonly (string | null)[]) =>
  Buffer.from(values.map((value, id) => `${id}\t${escapeField(value)}\n`).join(""));

test("the parts of a segment are its text, cut between rows, however it came", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.string({ unit: "binary" }), fc.constant(null), fc.constant("a\\\n\\N")), {
        maxLength: 40,
      }),
      fc.array(fc.nat(), { maxLength: 12 }),
      fc.integer({ min: 1, max: 200 }),
      (values, cuts, partBytes) => {
        const text = rowsOf(values);
        const { parts, bytes } = stage(text, cuts, partBytes);
        const written = parts.map((part) => readFileSync(part.file));
        expect(Buffer.concat(written).equals(text)).toBe(true);
        expect(bytes).toBe(text.length);
        for (const part of written) if (part.length > 0) expect(part.at(-1)).toBe(0x0a);
      },
    ),
  );
});

test("rows of many parts are loaded in their order, whatever stands in them", async () => {
  const store = await Store.open({ memoryLimit: 2 ** 28, threads: 2, tempDir: tmpdir(), file: null });
  const values = Array.from({ length: 20_000 }, (_, i) =>
    i % 7 === 0 ? null : i % 11_000 === 3 ? `a\tb\\${i}` : `v${i}`,
  );
  const text = rowsOf(values);
  const cuts = Array.from({ length: 60 }, (_, i) => i * 4_001);
  try {
    const { parts, format, escapes } = stage(text, cuts, 10_000);
    expect(parts.length).toBeGreaterThan(10);
    const columns = [
      { name: "id", mapping: mappingOf("integer"), load: true },
      { name: "v", mapping: mappingOf("text"), load: true },
    ];
    const files = parts.map((part) => part.file);
    const { rows } = await loadCopyText(store, "t", columns, { files, format, escapes });
    expect(rows).toBe(values.length);
    const loaded = await store.all("SELECT id, v FROM t ORDER BY rowid");
    expect(loaded).toEqual(values.map((v, id) => ({ id, v })));
  } finally {
    store.close();
  }
});

test("a backslash is told from that of a NULL", () => {
  expect(stage(Buffer.from("1\t\\N\n2\tx\n"), [], 100).escapes).toBe(false);
  expect(stage(Buffer.from("1\t\\N\n2\ta\\tb\n"), [], 100).escapes).toBe(true);
  // Among very many NULLs the others are not looked for: to take the text for one with escapes is only slower.
  expect(stage(Buffer.from("1\t\\N\n".repeat(5_000)), [], 10 ** 6).escapes).toBe(true);
});
