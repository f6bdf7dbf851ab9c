/** Cuts SQL of any dialect into tokens; tolerant, because text in code is often a fragment. */

export interface Token {
  kind: "word" | "quoted" | "string" | "number" | "mark";
  /** Words as written, quoted names without their quotes, strings without theirs. */
  text: string;
  start: number;
  end: number;
}

const TOKEN =
  /(--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|('(?:[^'\\]|''|\\[\s\S])*(?:'|$))|("(?:[^"]|"")*(?:"|$)|`(?:[^`]|``)*(?:`|$)|\[[A-Za-z_][^\]\n]*\])|([\p{L}_@#$][\p{L}\p{N}_$#]*)|(\d+(?:\.\d+)?)|(\S)/gu;

/** The tokens of a text, comments left out. */
export function tokensOf(sql: string): Token[] {
  const tokens: Token[] = [];
  for (const match of sql.matchAll(TOKEN)) {
    if (match[1] !== undefined) continue;
    const start = match.index;
    const end = start + match[0].length;
    if (match[2] !== undefined) tokens.push({ kind: "string", text: match[0].slice(1, -1), start, end });
    else if (match[3] !== undefined) tokens.push({ kind: "quoted", text: match[0].slice(1, -1), start, end });
    else if (match[4] !== undefined) tokens.push({ kind: "word", text: match[0], start, end });
    else if (match[5] !== undefined) tokens.push({ kind: "number", text: match[0], start, end });
    else tokens.push({ kind: "mark", text: match[0], start, end });
  }
  return tokens;
}

const VERBS = /^(select|insert|update|delete|replace|merge|with|create|alter|drop|truncate|upsert)$/i;

/** What a script does before its first statement of note: it opens a transaction or sets an option. */
const OPENS = /^\s*(?:(?:BEGIN|START|PRAGMA|SET)\b[^;']{0,100};\s*)+/i;

/**
 * How much a text looks like SQL: `strong` when its keywords are written as SQL, `weak` when only its words fit
 * (`Select a model from the list` does too), null when it is something else.
 */
export function sqlShape(script: string): "strong" | "weak" | null {
  const sql = script.replace(OPENS, "");
  // Cheap rejection first: most texts in code are no SQL.
  if (
    !/^[\s(;]*(?:--[^\n]*\n\s*|\/\*[\s\S]*?\*\/\s*)*[\s(]*(select|insert|update|delete|replace|merge|with|create|alter|drop|truncate)\b/i.test(
      sql,
    )
  )
    return null;
  const tokens = tokensOf(sql.length > 4000 ? sql.slice(0, 4000) : sql);
  const first = tokens.find((token) => token.text !== "(" && token.text !== ";");
  if (first?.kind !== "word" || !VERBS.test(first.text)) return null;
  const words = tokens.filter((token) => token.kind === "word").map((token) => token.text);
  const partner = partnerOf(first.text.toLowerCase(), words);
  if (partner === null) return null;
  const written = (word: string) => word === word.toUpperCase();
  if (written(first.text) && written(partner)) return "strong";
  // `Select a model …` is how a sentence starts.
  if (first.text !== first.text.toLowerCase() && !written(first.text)) return null;
  return "weak";
}

/** The keyword that must follow a verb somewhere, as written; null when it is missing. */
function partnerOf(verb: string, words: readonly string[]): string | null {
  const find = (pattern: RegExp, from = 1, to = words.length) =>
    words.slice(from, to).find((word) => pattern.test(word)) ?? null;
  switch (verb) {
    case "select":
      return find(/^from$/i) ?? (words.length === 1 ? null : find(/^(union|last_insert_rowid|changes)$/i));
    case "insert":
      return find(/^(into|or|ignore|overwrite)$/i, 1, 2);
    case "replace":
    case "merge":
      return find(/^into$/i, 1, 2);
    case "update":
      return find(/^set$/i);
    case "delete":
      return find(/^from$/i, 1, 2);
    case "with":
      return find(/^as$/i, 1, 4) && find(/^(select|insert|update|delete)$/i);
    case "truncate":
      return words.length > 1 ? (words[0] as string) : null;
    default:
      return find(/^(table|view|trigger|index|type|domain|extension|sequence|schema|function)$/i, 1, 6);
  }
}

/** Keywords that can stand where a table would: a name that is one of these is none. */
const NO_NAMES = new Set(
  "select where set values from join on group order by limit having union as and or not left right inner outer full cross natural using lateral only unnest generate_series json_each json_tree jsonb_array_elements jsonb_each the a an this your".split(
    " ",
  ),
);

export interface ScannedName {
  name: string;
  mode: "read" | "write";
  operation: "select" | "insert" | "update" | "delete" | "upsert";
}

/** The tables of a text that no parser reads: what stands after FROM, JOIN, INTO, UPDATE and DELETE FROM. */
export function scanTables(sql: string): ScannedName[] {
  const tokens = tokensOf(sql);
  const word = (i: number) => (tokens[i]?.kind === "word" ? (tokens[i] as Token).text.toLowerCase() : "");
  const ctes = new Set<string>();
  tokens.forEach((_, i) => {
    if (
      word(i) === "as" &&
      tokens[i + 1]?.text === "(" &&
      /^(with|recursive|,)$/i.test(tokens[i - 2]?.text ?? "")
    )
      ctes.add((tokens[i - 1] as Token).text.toLowerCase());
  });
  const found: ScannedName[] = [];
  const add = (at: number, mode: ScannedName["mode"], operation: ScannedName["operation"]) => {
    let i = at;
    if (word(i) === "only") i++;
    while (tokens[i + 1]?.text === "." && tokens[i + 2]) i += 2;
    const token = tokens[i];
    if (!token || (token.kind !== "word" && token.kind !== "quoted")) return;
    const name = token.text;
    if (token.kind === "word" && NO_NAMES.has(name.toLowerCase())) return;
    if (ctes.has(name.toLowerCase()) || (tokens[i + 1]?.text === "(" && mode === "read")) return;
    found.push({ name, mode, operation });
  };
  for (let i = 0; i < tokens.length; i++) {
    const [here, before] = [word(i), word(i - 1)];
    if (here === "into" && /^(insert|replace|ignore|or|merge)$/.test(before)) {
      const upserts =
        before === "merge" ||
        before === "replace" ||
        /\bon\s+(conflict[\s\S]*do\s+update|duplicate)\b/i.test(sql);
      add(i + 1, "write", upserts ? "upsert" : "insert");
    } else if (here === "update" && !/^(do|for|on|key|no)$/.test(before) && word(i + 1) !== "set")
      add(i + 1, "write", "update");
    else if (here === "from" && before === "delete") add(i + 1, "write", "delete");
    else if (
      (here === "from" && !/^(distinct|extract)$/.test(before) && !isFunctionFrom(tokens, i)) ||
      here === "join"
    )
      add(i + 1, "read", "select");
  }
  return found;
}

/** `extract(epoch from x)`, `trim(both from x)`, `substring(x from 1)`: FROM inside a function's parentheses. */
function isFunctionFrom(tokens: readonly Token[], at: number): boolean {
  let depth = 0;
  for (let i = at - 1; i >= 0 && i > at - 40; i--) {
    const text = (tokens[i] as Token).text;
    if (text === ")") depth++;
    else if (text === "(") {
      if (depth === 0) return /^(extract|trim|substring|overlay|position)$/i.test(tokens[i - 1]?.text ?? "");
      depth--;
    } else if (depth === 0 && /^select$/i.test(text)) return false;
  }
  return false;
}

/** Cuts a script into statements at `;`, outside of texts, comments, `BEGIN … END` and dollar quotes. */
export function splitStatements(sql: string): { text: string; offset: number }[] {
  const pieces: { text: string; offset: number }[] = [];
  let start = 0;
  let depth = 0;
  let dollar: string | null = null;
  let isTrigger = false;
  for (const match of sql.matchAll(
    /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|'(?:[^'\\]|''|\\[\s\S])*(?:'|$)|"[^"]*"|\$[A-Za-z_]*\$|\b(?:begin|end|case|trigger)\b|;/gi,
  )) {
    const text = match[0].toLowerCase();
    if (text.startsWith("$")) dollar = dollar === null ? text : dollar === text ? null : dollar;
    else if (dollar !== null) continue;
    else if (text === "trigger") isTrigger = true;
    else if ((text === "begin" && isTrigger) || (text === "case" && depth > 0)) depth++;
    else if (text === "end" && depth > 0) depth--;
    else if (text === ";" && depth === 0) {
      pieces.push({ text: sql.slice(start, match.index), offset: start });
      start = match.index + 1;
      isTrigger = false;
    }
  }
  pieces.push({ text: sql.slice(start), offset: start });
  return pieces.filter((piece) => piece.text.trim() !== "");
}
