/** Compares what code logs with the regular expressions that code reads logs with: words, samples, plain syntax. */

/** Words that say a text is about used tokens. */
const TOKEN_WORDS = /^(token|usage|prompt|completion|input|output|total|cached?|reasoning)$/;
/** Words of a refusal: a pattern with one of them reads what a provider answers, no usage. */
const REFUSAL_WORDS = /^(exceed(ed)?|maximum|limit|error|invalid|allowed)$/;
/** What a placeholder of a log statement may stand for, the most frequent first. */
const SAMPLES = ["123", "gpt-4o", "0.0123", "1,234"];
/** With more placeholders than this, all get the same sample. */
const VARIED_MAX = 4;
/** The rest of a regular expression that stands for words: its escapes, groups, classes and repetitions are none. */
const SYNTAX =
  /\(\?P?[<'][A-Za-z_]\w*[>']|\(\?[a-zA-Z:=!<-]*|\\[A-Za-z](?:\{[^}]*\})?|\\.|\[(?:\\.|[^\]\\])*\]|\{[\d,]*\}/g;

/** The words of a text, in lower case and singular, each once. */
export function wordsOf(text: string): Set<string> {
  const words = text.toLowerCase().match(/\p{L}{2,}/gu) ?? [];
  return new Set(words.map((word) => (word.length > 4 ? word.replace(/s$/, "") : word)));
}

/** The literal words of a regular expression. */
export function anchorsOf(pattern: string): Set<string> {
  return wordsOf(pattern.replace(SYNTAX, " "));
}

/** How many numbers a regular expression reads. */
export function numbersIn(pattern: string): number {
  return (pattern.match(/\\d|\[0-9/g) ?? []).length;
}

/** True for words that speak of token counts, not of anything that happens to have a total. */
export function speaksOfTokens(words: ReadonlySet<string>): boolean {
  return (
    words.has("token") || (words.has("usage") && [...words].filter((w) => TOKEN_WORDS.test(w)).length > 1)
  );
}

/**
 * Whether a pattern is plainly meant for a log statement: they share two words or more, at least half of the
 * pattern's, and the statement has most of the numbers that the pattern reads.
 */
export function isMeantFor(pattern: string, template: string): boolean {
  const anchors = anchorsOf(pattern);
  const words = wordsOf(template);
  const shared = [...anchors].filter((word) => words.has(word));
  const holes = template.split("{}").length - 1;
  return (
    speaksOfTokens(words) &&
    // `_cache_hit\d+` has a word of this, and nothing to do with counts.
    ![...anchors].some((word) => REFUSAL_WORDS.test(word) && !words.has(word)) &&
    (anchors.has("token") || [...anchors].filter((word) => TOKEN_WORDS.test(word)).length > 1) &&
    shared.length >= 2 &&
    shared.length >= anchors.size / 2 &&
    shared.some((word) => TOKEN_WORDS.test(word)) &&
    holes > numbersIn(messagePattern(pattern, template)) / 2
  );
}

/** Lines that a log statement may write, bounded: every placeholder filled with samples. */
export function sampleLines(template: string): string[] {
  const parts = template.split("{}");
  const holes = parts.length - 1;
  if (holes > VARIED_MAX) return SAMPLES.map((sample) => parts.join(sample));
  let lines = [parts[0] ?? ""];
  for (const part of parts.slice(1))
    lines = lines.flatMap((line) => SAMPLES.map((sample) => line + sample + part));
  return lines;
}

/**
 * The part of a pattern that reads the message, in RE2 syntax and whatever the case: what it wants before the first
 * word that is the message's own (time, level, logger) is written by the logging format and not by the statement.
 */
export function messagePattern(pattern: string, template: string): string {
  const words = wordsOf(template);
  const isOwn = (word: string) => {
    const [one = ""] = wordsOf(word);
    return words.has(one) || TOKEN_WORDS.test(one);
  };
  const flags = /^\(\?[a-z]+\)/i.exec(pattern)?.[0] ?? "";
  const body = pattern.slice(flags.length);
  return `(?i)${body.slice(cutAt(body, isOwn)).replace(/\(\?<([A-Za-z_]\w*)>/g, "(?P<$1>")}`.replace(
    /\\Z/g,
    "$",
  );
}

/** Where the top-level part begins that holds the first word for which `isOwn` is true; 0 when there is none. */
function cutAt(pattern: string, isOwn: (word: string) => boolean): number {
  const blank = pattern.replace(SYNTAX, (syntax) =>
    (syntax.startsWith("(") ? "(" : " ").padEnd(syntax.length),
  );
  let depth = 0;
  let group = 0;
  for (let i = 0; i < blank.length; i++) {
    const char = blank[i] as string;
    if (char === "(" && depth++ === 0) group = i;
    else if (char === ")") depth--;
    const word = /^\p{L}{2,}/u.exec(blank.slice(i, i + 60))?.[0];
    if (word === undefined) continue;
    if (isOwn(word)) return depth > 0 ? group : i;
    i += word.length - 1;
  }
  return 0;
}
