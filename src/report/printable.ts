/** Makes values from inputs harmless on a terminal: no escapes, no direction marks, no line breaks. */

import type { Value } from "../contract/finding.ts";
import { stringify } from "./json.ts";

/**
 * C0 and C1 controls, direction marks, line separators, invisible joiners, variation of nothing, unpaired surrogates:
 * whatever moves the cursor, hides text or reorders it.
 */
const HOSTILE =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** The text with every character that could harm a terminal written out (`\x1b`, `\u202e`). */
export function printable(text: string): string {
  return text.replace(HOSTILE, (char) => {
    const code = char.charCodeAt(0);
    return (
      SHORT[char] ?? (code < 256 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16)}`)
    );
  });
}

/** A value as one printable line; NULL is `NULL`. */
export function valueText(value: Value): string {
  if (value === null) return "NULL";
  return printable(typeof value === "string" ? value : stringify(value));
}
