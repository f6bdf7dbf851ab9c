/** The parts of a rotated set: in which order they were written, and whether one is missing. */

import { basename } from "node:path";
import type { Sample } from "./sample.ts";

/** A part with the first time its sample has, in milliseconds (null: none, or without a date). */
export interface DatedPart {
  sample: Sample;
  first: number | null;
}

/** By the first time; where times do not tell, the highest number is the oldest and the bare name the newest. */
export function inOrder<T extends DatedPart>(parts: readonly T[]): T[] {
  const dated = parts.every((part) => part.first !== null || part.sample.bytes === 0);
  return [...parts].sort((a, b) => {
    const byTime = dated && a.first !== null && b.first !== null ? a.first - b.first : 0;
    return (
      byTime || rotation(b.sample.file) - rotation(a.sample.file) || (a.sample.file < b.sample.file ? -1 : 1)
    );
  });
}

/** `app.log.3.gz` → 3; 0 for the file that is still written to. */
export function rotation(file: string): number {
  const match = /\.(\d{1,4})(?:\.(?:gz|zst|zstd))?$/.exec(basename(file));
  return match ? Number(match[1]) : 0;
}

/** A sentence when the numbers of a set have holes: the log has a silence there that is no silence. */
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
