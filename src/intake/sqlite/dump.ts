/** Runs the text that `sqlite3 .dump` wrote in a database of its own, and lets it do nothing but make tables and rows. */

import { createReadStream } from "node:fs";
import { createGunzip } from "node:zlib";
import { constants, DatabaseSync, type DatabaseSyncInstance } from "@photostructure/sqlite";
import { Interrupted, messageOf, UserError } from "../../contract/errors.ts";
import type { Reject } from "../context.ts";
import { headOf } from "../sniff.ts";
import { type Statement, StatementCutter } from "./statements.ts";

/** Bytes read at a time. */
const CHUNK_BYTES = 1024 * 1024;

export interface RunDump {
  rejects: Reject[];
  /** Statements that failed. */
  failed: number;
  notes: string[];
  /** The dump ends in the middle of a statement, or the one who wrote it met errors. */
  error: string | null;
}

/** Creates the database `target` from the dump in `file`. */
export async function runDump(
  file: string,
  shown: string,
  target: string,
  signal: AbortSignal,
): Promise<RunDump> {
  const result: RunDump = { rejects: [], failed: 0, notes: [], error: null };
  const db = new DatabaseSync(target, { enableForeignKeyConstraints: false });
  try {
    db.exec("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA trusted_schema = OFF; BEGIN");
    db.enableDefensive(true);
    db.setAuthorizer(permission);
    const run = (statement: Statement) => runStatement(db, statement, shown, result);
    const cutter = new StatementCutter();
    for await (const text of textOf(file)) {
      if (signal.aborted) throw new Interrupted();
      for (const statement of cutter.push(text)) run(statement);
    }
    const rest = cutter.end();
    if (rest) result.error = `${shown}: ends in the middle of the statement in line ${rest.line}: cut off`;
    db.setAuthorizer(null);
    db.exec("COMMIT");
  } catch (error) {
    if (/disk is full|ENOSPC/i.test(messageOf(error)))
      throw new UserError(`${shown}: the temporary directory is full; name a larger one with --temp-dir`);
    throw error;
  } finally {
    db.close();
  }
  return result;
}

async function* textOf(file: string): AsyncGenerator<string> {
  const head = headOf(file, 2);
  const wide = head[0] === 0xff && head[1] === 0xfe;
  const raw = createReadStream(file, { highWaterMark: CHUNK_BYTES });
  const stream = head[0] === 0x1f && head[1] === 0x8b ? raw.pipe(createGunzip()) : raw;
  stream.setEncoding(wide ? "utf16le" : "utf8");
  let first = true;
  for await (const text of stream as AsyncIterable<string>) {
    yield first ? text.replace(/^\uFEFF/, "") : text;
    first = false;
  }
}

/** One transaction of our own holds all: what the dump says of transactions and settings does not matter. */
const PASSED_OVER = /^(?:BEGIN|COMMIT|END|PRAGMA|SAVEPOINT|RELEASE|ANALYZE)\b/i;

function runStatement(
  db: DatabaseSyncInstance,
  { sql, line }: Statement,
  shown: string,
  result: RunDump,
): void {
  const bare = sql.replace(/^(?:\s*(?:--[^\n]*\n|\/\*[\s\S]*?\*\/))*\s*/, "");
  if (PASSED_OVER.test(bare)) return;
  if (/^ROLLBACK\b/i.test(bare)) {
    result.error = `${shown}: whoever wrote it met errors (it ends with ROLLBACK); what it holds is loaded`;
    return;
  }
  if (/^INSERT INTO sqlite_(?:schema|master)\b/i.test(bare) || /^CREATE\s+VIRTUAL\b/i.test(bare)) {
    result.notes.push(`line ${line}: a virtual table was left out`);
    return;
  }
  try {
    db.exec(sql);
  } catch (error) {
    const message = messageOf(error);
    if (/disk is full/i.test(message)) throw error;
    result.failed++;
    result.rejects.push({ file: shown, line, reason: message, text: bare.slice(0, 200) });
  }
}

/** Allows tables, indexes, views, triggers and rows; no other file, no setting, no query that never ends. */
function permission(action: number, name: string | null, other: string | null): number {
  switch (action) {
    case constants.SQLITE_ATTACH:
    case constants.SQLITE_DETACH:
    case constants.SQLITE_PRAGMA:
    case constants.SQLITE_RECURSIVE:
    case constants.SQLITE_TRANSACTION:
    case constants.SQLITE_SAVEPOINT:
    case constants.SQLITE_CREATE_VTABLE:
    case constants.SQLITE_DROP_TABLE:
      return constants.SQLITE_DENY;
    case constants.SQLITE_FUNCTION:
      return /load_extension/i.test(`${name} ${other}`) ? constants.SQLITE_DENY : constants.SQLITE_OK;
    default:
      return constants.SQLITE_OK;
  }
}
