/** Cuts SQL text into statements as it comes in, as SQLite's shell does. */

export interface Statement {
  sql: string;
  /** 1-based line it begins in. */
  line: number;
}

/** What can hide a semicolon, and the semicolon itself. A token that is not closed yet does not match. */
const TOKEN = /'(?:[^']|'')*'(?!')|"[^"]*"|`[^`]*`|\[[^\]]*\]|--[^\n]*\n|\/\*[\s\S]*?\*\/|;/g;
/** What opens one of them. */
const OPENER = /['"`[]|--|\/\*/;
const TRIGGER = /^\s*CREATE\s+(?:TEMP(?:ORARY)?\s+)?TRIGGER\b/i;
const TRIGGER_END = /;\s*END\s*;$/i;

export class StatementCutter {
  #rest = "";
  #line = 1;

  /** Takes more text; gives the statements that are complete. */
  *push(text: string): Generator<Statement> {
    this.#rest += text;
    let start = 0;
    let from = 0;
    TOKEN.lastIndex = 0;
    for (let token = TOKEN.exec(this.#rest); token !== null; token = TOKEN.exec(this.#rest)) {
      // Something opened before this token and is not closed: the rest must wait for more text.
      if (OPENER.test(this.#rest.slice(from, token.index))) break;
      // At the very end, a quote may be the first half of a doubled one.
      if (TOKEN.lastIndex === this.#rest.length && token[0] !== ";") break;
      from = TOKEN.lastIndex;
      if (token[0] !== ";") continue;
      const sql = this.#rest.slice(start, from);
      if (TRIGGER.test(sql) && !TRIGGER_END.test(sql)) continue;
      yield this.#statement(sql);
      start = from;
    }
    this.#rest = this.#rest.slice(start);
  }

  /** What is left at the end of the text, when it is more than space and comments. */
  end(): Statement | null {
    const sql = this.#rest.replace(/--[^\n]*|\/\*[\s\S]*?\*\//g, "").trim();
    return sql === "" ? null : this.#statement(this.#rest);
  }

  #statement(sql: string): Statement {
    const blank = /^\s*/.exec(sql)?.[0] ?? "";
    const line = this.#line + newlines(blank);
    this.#line += newlines(sql);
    return { sql: sql.slice(blank.length), line };
  }
}

function newlines(text: string): number {
  let count = 0;
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) count++;
  return count;
}
