/** Walks the tokens of a statement. */

import type { Token } from "./tokens.ts";

export interface QualifiedName {
  /** Null when the statement names none: the search path decides. */
  schema: string | null;
  name: string;
}

export class Cursor {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get done(): boolean {
    return this.#at >= this.#tokens.length;
  }

  peek(ahead = 0): Token | undefined {
    return this.#tokens[this.#at + ahead];
  }

  next(): Token | undefined {
    return this.#tokens[this.#at++];
  }

  /** Takes the words when they all come next. */
  take(...words: string[]): boolean {
    const all = words.every((word, i) => {
      const token = this.peek(i);
      return token !== undefined && token.kind !== "quoted" && token.kind !== "string" && token.text === word;
    });
    if (all) this.#at += words.length;
    return all;
  }

  /** Moves behind the next occurrence of the words; false when they do not come. */
  skipTo(...words: string[]): boolean {
    for (; !this.done; this.#at++) if (this.take(...words)) return true;
    return false;
  }

  qualifiedName(): QualifiedName {
    const parts = [this.next()?.text ?? ""];
    while (this.take(".")) parts.push(this.next()?.text ?? "");
    return { schema: parts.length > 1 ? (parts.at(-2) as string) : null, name: parts.at(-1) as string };
  }

  /** `(a, "b")` → names; empty when no parenthesis comes. */
  nameList(): string[] {
    if (!this.take("(")) return [];
    const names: string[] = [];
    while (!this.done && !this.take(")")) {
      const token = this.next();
      if (token && token.kind !== "mark") names.push(token.text);
    }
    return names;
  }

  /** The tokens up to the next comma or closing parenthesis of this depth, which stays. */
  item(): Token[] {
    const item: Token[] = [];
    let depth = 0;
    for (let token = this.peek(); token; token = this.peek()) {
      if (token.kind === "mark") {
        if (depth === 0 && (token.text === "," || token.text === ")")) break;
        if (token.text === "(" || token.text === "[") depth++;
        else if (token.text === ")" || token.text === "]") depth--;
      }
      item.push(token);
      this.#at++;
    }
    return item;
  }
}
