/** Recognises the parts of a rotated log by their names: `app.log`, `app.log.1`, `app.log.2.gz`, `app.log-20260101`. */

const COMPRESSED = /\.(?:gz|zst|zstd)$/i;
const DATE = String.raw`\d{4}[-_.]?\d\d[-_.]?\d\d(?:[-_.T]?\d\d(?:[-_.:]?\d\d){0,2})?`;
/** After the name: `.1`, or a date, with a number where a day has several parts. `worker-1` is another worker. */
const SUFFIX = new RegExp(String.raw`(?:[.\-_]${DATE}(?:[.\-_]\d{1,4})?|\.\d{1,4})$`);
/** Before the extension, as some loggers write it. */
const INFIX = new RegExp(
  String.raw`(?:[.\-_](${DATE}(?:[.\-_]\d{1,4})?)|\.(\d{1,3}))(\.(?:log|txt|out|err|jsonl?))$`,
  "i",
);

export interface RotatedName {
  /** The name without what rotation has added. */
  base: string;
  /** What rotation has added, without a compression's suffix: empty for the file that is written now. */
  part: string;
}

/** Splits a file's name into the set's name and the part's. */
export function rotatedName(name: string): RotatedName {
  const plain = name.replace(COMPRESSED, "");
  const suffix = SUFFIX.exec(plain);
  if (suffix && suffix.index > 0) return { base: plain.slice(0, suffix.index), part: suffix[0].slice(1) };
  const infix = INFIX.exec(plain);
  if (infix && infix.index > 0)
    return { base: plain.slice(0, infix.index) + infix[3], part: infix[1] ?? infix[2] ?? "" };
  return { base: plain, part: "" };
}

/** Oldest first: dates rise, numbers fall, the file that is written now comes last. */
export function byAge(a: string, b: string): number {
  const x = ageOf(rotatedName(a).part);
  const y = ageOf(rotatedName(b).part);
  return x.rank - y.rank || (x.rank === 0 ? compare(x.key, y.key) : y.number - x.number) || compare(a, b);
}

function ageOf(part: string): { rank: number; key: string; number: number } {
  if (part === "") return { rank: 2, key: "", number: 0 };
  if (/^\d{1,4}$/.test(part)) return { rank: 1, key: "", number: Number(part) };
  return { rank: 0, key: part.replace(/\D/g, ""), number: 0 };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
