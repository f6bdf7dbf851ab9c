/** Measures, wraps and aligns text for terminals: wide characters count twice, colours not at all. */

import { Chalk, type ChalkInstance } from "chalk";
import stringWidth from "string-width";
import type { Severity } from "../contract/finding.ts";

export type Paint = ChalkInstance;

/** Colours when they are wanted, else the same calls without effect. */
export function paintOf(color: boolean): Paint {
  return new Chalk({ level: color ? 1 : 0 });
}

/** One mark and one colour per severity, everywhere. */
export const SEVERITY_STYLE: Readonly<
  Record<Severity, { mark: string; word: string; color: "red" | "yellow" | "cyan" }>
> = {
  error: { mark: "✖", word: "error", color: "red" },
  warning: { mark: "▲", word: "warning", color: "yellow" },
  info: { mark: "●", word: "info", color: "cyan" },
};

/** Columns the text takes on a terminal. */
export function widthOf(text: string): number {
  return stringWidth(text);
}

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });

/** The text cut to `width` columns, with `…` where it was cut. */
export function cutTo(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = "";
  let used = 0;
  for (const { segment } of segmenter.segment(text)) {
    const next = widthOf(segment);
    if (used + next > width - 1) break;
    kept += segment;
    used += next;
  }
  return `${kept}…`;
}

/** A path cut at its front: what tells paths apart stands at their end. */
export function cutPath(path: string, width: number): string {
  if (widthOf(path) <= width || !/[./]/.test(path)) return cutTo(path, width);
  const segments = [...segmenter.segment(path)].map(({ segment }) => segment).reverse();
  return [...segmenter.segment(cutTo(segments.join(""), width))]
    .map(({ segment }) => segment)
    .reverse()
    .join("");
}

/** Fills up with spaces to `width` columns. */
export function pad(text: string, width: number, align: "left" | "right" = "left"): string {
  const gap = " ".repeat(Math.max(0, width - widthOf(text)));
  return align === "left" ? text + gap : gap + text;
}

/** Left text, and right text at the right margin where both fit on the line. */
export function spread(left: string, right: string, width: number): string {
  const gap = width - widthOf(left) - widthOf(right);
  return gap >= 2 ? `${left}${" ".repeat(gap)}${right}` : `${left}  ${right}`;
}

/** Parts joined by ` · ` on as few lines as they need; the following lines are indented. */
export function joinParts(parts: readonly string[], width: number, paint: Paint): string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const last = lines.at(-1);
    const joined = `${last}${paint.dim(" · ")}${part}`;
    if (last !== undefined && widthOf(joined) <= width) lines[lines.length - 1] = joined;
    else lines.push(lines.length === 0 ? part : `  ${part}`);
  }
  return lines;
}

/** Breaks a printable text into lines of at most `width` columns; a word that is longer is broken inside. */
export function wrap(text: string, width: number): string[] {
  return wrapWords(text.split(/ +/).filter(Boolean), width);
}

/** As `wrap`, for SQL: quoted text is never broken at its spaces. */
export function wrapSql(sql: string, width: number): string[] {
  const words = sql.match(/(?:'(?:[^']|'')*'|"(?:[^"]|"")*"|[^\s'"]|['"])+/g) ?? [];
  return wrapWords(words, width);
}

function wrapWords(words: readonly string[], width: number): string[] {
  const lines: string[] = [];
  let line = "";
  const room = Math.max(8, width);
  for (const word of words) {
    const joined = line === "" ? word : `${line} ${word}`;
    if (widthOf(joined) <= room) {
      line = joined;
      continue;
    }
    if (line !== "") lines.push(line);
    line = word;
    while (widthOf(line) > room) {
      const head = cutTo(line, room + 1).slice(0, -1);
      lines.push(head);
      line = line.slice(head.length);
    }
  }
  return line === "" ? lines : [...lines, line];
}
