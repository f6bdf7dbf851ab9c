/** The parts of a log: put into the order in which they were written, and checked for holes. */

import { basename } from "node:path";
import { literal } from "../../store/index.ts";
import type { IntakeContext } from "../context.ts";
import type { Reading } from "./reading.ts";
import type { Sample } from "./sample.ts";

/** Lines at the head of a part that are searched for its first time. */
const HEAD_LINES = 200;

/** By the first time; where times do not tell, the highest number is the oldest and the bare name the newest. */
export async function inOrder(
  samples: readonly Sample[],
  reading: Reading,
  ctx: IntakeContext,
): Promise<Sample[]> {
  if (samples.length < 2) return [...samples];
  const first = new Map<Sample, string | null>();
  for (const sample of samples)
    first.set(sample, reading.lacks ? null : await firstTime(sample, reading, ctx));
  const dated = samples.every((sample) => first.get(sample) !== null || sample.lines.length === 0);
  return [...samples].sort((a, b) => {
    const [x, y] = [first.get(a) ?? "", first.get(b) ?? ""];
    const byTime = dated && x !== "" && y !== "" && x !== y ? (x < y ? -1 : 1) : 0;
    return byTime || rotation(b.file) - rotation(a.file) || (a.file < b.file ? -1 : 1);
  });
}

async function firstTime(sample: Sample, reading: Reading, ctx: IntakeContext): Promise<string | null> {
  const lines = sample.lines.slice(0, HEAD_LINES);
  if (lines.length === 0) return null;
  const values = lines.map((line, i) => `(${i}, ${literal(line)})`).join(", ");
  const row = await ctx.store.one(`SELECT min(time) AS first FROM
    (SELECT time FROM (${reading.read(`(SELECT raw FROM (VALUES ${values}) head(n, raw) ORDER BY n)`)})
     WHERE time IS NOT NULL LIMIT 1)`);
  return row?.first ? String(row.first) : null;
}

/** `app.log.3.gz` → 3; 0 for the file that is still written to. */
function rotation(file: string): number {
  const match = /\.(\d{1,4})(?:\.(?:gz|zst|zstd))?$/.exec(basename(file));
  return match ? Number(match[1]) : 0;
}

/** A sentence when the numbers of a set have holes: a silence there is none of the program's. */
export function missingParts(files: readonly string[]): string | null {
  const numbers = new Set(files.map(rotation));
  const highest = Math.max(0, ...numbers);
  const lowest = numbers.has(0) ? 1 : Math.min(...numbers);
  const missing: number[] = [];
  for (let n = lowest; n < highest; n++) if (!numbers.has(n)) missing.push(n);
  if (missing.length === 0) return null;
  const shown = missing
    .slice(0, 5)
    .map((n) => `.${n}`)
    .join(", ");
  const more = missing.length > 5 ? ` and ${missing.length - 5} more` : "";
  return `parts of the rotated set are missing: ${shown}${more}`;
}
