/** Turns text of any encoding that Postgres clients use into UTF-8. */

import { isUtf8 } from "node:buffer";
import { TextDecoder } from "node:util";

/** Names of Postgres' encodings → labels of the WHATWG encoding standard. */
const LABELS: Record<string, string> = {
  WIN1250: "windows-1250",
  WIN1251: "windows-1251",
  WIN1252: "windows-1252",
  WIN1253: "windows-1253",
  WIN1254: "windows-1254",
  WIN1255: "windows-1255",
  WIN1256: "windows-1256",
  WIN1257: "windows-1257",
  WIN1258: "windows-1258",
  WIN866: "ibm866",
  WIN874: "windows-874",
  LATIN2: "iso-8859-2",
  LATIN3: "iso-8859-3",
  LATIN4: "iso-8859-4",
  LATIN5: "windows-1254",
  LATIN6: "iso-8859-10",
  LATIN7: "iso-8859-13",
  LATIN8: "iso-8859-14",
  LATIN9: "iso-8859-15",
  LATIN10: "iso-8859-16",
  ISO88595: "iso-8859-5",
  ISO88596: "iso-8859-6",
  ISO88597: "iso-8859-7",
  ISO88598: "iso-8859-8",
  KOI8R: "koi8-r",
  KOI8U: "koi8-u",
  EUCJP: "euc-jp",
  EUCKR: "euc-kr",
  EUCCN: "gbk",
  UHC: "euc-kr",
  SJIS: "shift_jis",
  BIG5: "big5",
  GBK: "gbk",
  GB18030: "gb18030",
};

/** Encodings whose second bytes may look like ASCII: they are decoded before anything else is looked at. */
const NOT_ASCII_SAFE = new Set(["SJIS", "BIG5", "GBK", "GB18030", "UHC", "JOHAB", "SHIFTJIS2004"]);

export interface Encoding {
  /** Null for UTF-8. */
  label: string | null;
  asciiSafe: boolean;
  /** False when nothing here can decode it; then bytes that are no UTF-8 become U+FFFD. */
  known: boolean;
}

/** What a `client_encoding` means. */
export function encodingOf(clientEncoding: string): Encoding {
  const name = clientEncoding.toUpperCase().replace(/[^A-Z0-9]/g, "");
  if (/^(UTF8|UNICODE|SQLASCII|MULEINTERNAL|)$/.test(name))
    return { label: null, asciiSafe: true, known: true };
  if (/^(LATIN1|ISO88591)$/.test(name)) return { label: "latin1", asciiSafe: true, known: true };
  const label = LABELS[name] ?? LABELS[name.replace(/^WINDOWS/, "WIN")];
  return { label: label ?? null, asciiSafe: !NOT_ASCII_SAFE.has(name), known: label !== undefined };
}

/** Decodes a stream of chunks to UTF-8 bytes; characters may be split between chunks. */
export class Transcoder {
  readonly #latin1: boolean;
  readonly #decoder: TextDecoder;
  /** UTF-8 needs work only where it is broken. */
  readonly #utf8: boolean;
  #carry: Buffer = Buffer.alloc(0);
  /** Bytes that stood for no character and became U+FFFD. */
  replaced = 0;

  constructor(encoding: Encoding) {
    this.#latin1 = encoding.label === "latin1";
    this.#utf8 = encoding.label === null;
    this.#decoder = new TextDecoder(this.#latin1 || this.#utf8 ? "utf-8" : (encoding.label as string));
  }

  /** `last` flushes what waits for its other half. */
  convert(chunk: Buffer, last: boolean): Buffer {
    if (this.#latin1) return Buffer.from(chunk.toString("latin1"), "utf8");
    if (!this.#utf8) return this.#counted(this.#decoder.decode(chunk, { stream: !last }));
    let bytes = this.#carry.length > 0 ? Buffer.concat([this.#carry, chunk]) : chunk;
    const end = last ? bytes.length : wholeUntil(bytes);
    this.#carry = Buffer.from(bytes.subarray(end));
    bytes = bytes.subarray(0, end);
    if (isUtf8(bytes)) return bytes;
    return this.#counted(bytes.toString("utf8"));
  }

  /** `replaced`, counted from now on anew. */
  takeReplaced(): number {
    const { replaced } = this;
    this.replaced = 0;
    return replaced;
  }

  #counted(text: string): Buffer {
    for (let at = text.indexOf("\uFFFD"); at >= 0; at = text.indexOf("\uFFFD", at + 1)) this.replaced++;
    return Buffer.from(text, "utf8");
  }
}

/** Where the last whole UTF-8 character of a buffer ends. */
function wholeUntil(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] as number;
    if (byte < 0x80) return bytes.length;
    if (byte >= 0xc0) {
      const needs = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return needs > back ? bytes.length - back : bytes.length;
    }
  }
  return bytes.length;
}
