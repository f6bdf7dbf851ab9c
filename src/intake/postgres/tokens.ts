/** Splits one SQL statement of a dump into tokens. */

export interface Token {
  /** `name`: folded to lower case; `quoted`: as written; `string`: its value; `number`; `mark`: one punctuation character. */
  kind: "name" | "quoted" | "string" | "number" | "mark";
  text: string;
}

const PATTERN =
  /\s+|--[^\n]*|"((?:[^"]|"")*)"|([eEbBxXnN]?)'((?:[^'\\]|''|\\[\s\S])*)'|(\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$)|([A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)|([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)|([\s\S])/gy;

const PLAIN_STRING = /^(?:[^']|'')*'/;

/**
 * The tokens of a statement. `backslashQuotes`: backslashes escape in ordinary strings too.
 * At most `limit` tokens, for statements of which only the head matters.
 */
export function tokensOf(sql: string, backslashQuotes = false, limit = Number.POSITIVE_INFINITY): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < sql.length && tokens.length < limit) {
    PATTERN.lastIndex = at;
    const match = PATTERN.exec(sql);
    if (!match) break;
    at = PATTERN.lastIndex;
    const [, quoted, prefix, string, dollar, name, number, mark] = match;
    if (quoted !== undefined) tokens.push({ kind: "quoted", text: quoted.replaceAll('""', '"') });
    else if (string !== undefined) {
      const escapes = backslashQuotes || prefix === "E" || prefix === "e";
      if (escapes) {
        tokens.push({ kind: "string", text: unescapeString(string) });
        continue;
      }
      // Backslashes mean nothing here, so the string may end earlier than the pattern thought.
      const from = match.index + (prefix ?? "").length + 1;
      const plain = PLAIN_STRING.exec(sql.slice(from))?.[0] ?? "'";
      at = from + plain.length;
      tokens.push({ kind: "string", text: plain.slice(0, -1).replaceAll("''", "'") });
    } else if (dollar !== undefined) {
      const close = sql.indexOf(dollar, at);
      tokens.push({ kind: "string", text: sql.slice(at, close < 0 ? sql.length : close) });
      at = close < 0 ? sql.length : close + dollar.length;
    } else if (name !== undefined) tokens.push({ kind: "name", text: name.toLowerCase() });
    else if (number !== undefined) tokens.push({ kind: "number", text: number });
    else if (mark !== undefined) tokens.push({ kind: "mark", text: mark });
  }
  return tokens;
}

/** Whether a text of `CREATE FUNCTION` ends inside its SQL body, `BEGIN ATOMIC … END`, where semicolons stand between statements. */
export function endsInsideBody(sql: string, backslashQuotes: boolean): boolean {
  if (!/\bbegin\s+atomic\b/i.test(sql)) return false;
  let depth = 0;
  for (const { kind, text } of tokensOf(sql, backslashQuotes)) {
    if (kind !== "name") continue;
    if (text === "begin" || (text === "case" && depth > 0)) depth++;
    else if (text === "end" && depth > 0) depth--;
  }
  return depth > 0;
}

const ESCAPES: Record<string, string> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" };

/** The value of an E'' string's inside; bytes of octal and hex escapes that follow each other are UTF-8. */
function unescapeString(inside: string): string {
  return inside.replace(
    /''|(?:\\x[0-9A-Fa-f]{1,2}|\\[0-7]{1,3})+|\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([\s\S]))/g,
    (whole, u4?: string, u8?: string, other?: string) => {
      if (whole === "''") return "'";
      if (u4 ?? u8) return String.fromCodePoint(Number.parseInt((u4 ?? u8) as string, 16));
      if (other) return ESCAPES[other] ?? other;
      const codes = whole.split("\\").slice(1);
      const bytes = codes.map((code) =>
        code.startsWith("x") ? Number.parseInt(code.slice(1), 16) : Number.parseInt(code, 8) & 0xff,
      );
      return Buffer.from(bytes).toString("utf8");
    },
  );
}

/** A byte of a name; `undefined` stands for the end of the text. */
export function isWord(byte: number | undefined): boolean {
  return (
    byte !== undefined &&
    ((byte >= 0x30 && byte <= 0x39) ||
      (byte >= 0x41 && byte <= 0x5a) ||
      (byte >= 0x61 && byte <= 0x7a) ||
      byte === 0x5f ||
      byte >= 0x80)
  );
}

/** `$$` or `$tag$`: a tag is a name that begins with no digit. */
export function isTag(buffer: Buffer, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (!isWord(buffer[i])) return false;
  const first = buffer[from] as number;
  return from === to || !(first >= 0x30 && first <= 0x39);
}
