/** Opens SQLite files for reading only, with everything switched off that a hostile schema could use. */

import { DatabaseSync, type DatabaseSyncInstance } from "@photostructure/sqlite";
import { messageOf, UserError } from "../../contract/errors.ts";

export type Connection = DatabaseSyncInstance;

/** How long a lock of another process is waited for. */
const BUSY_MS = 2000;
/** Bytes of one value that is built; keeps a chunk of rows from growing to gigabytes. */
export const CHUNK_BYTES_MAX = 64 * 1024 * 1024;

/**
 * A connection to a `file:` URI, inside one read transaction. A file that is shorter than it says, or whose schema is
 * partly unreadable, is opened all the same: what can be read of it is worth having.
 */
export function openReader(uri: string): Connection {
  try {
    return begin(uri, "");
  } catch (error) {
    if (faultOf(error) !== "damaged") throw error;
    return begin(uri, "PRAGMA writable_schema = ON;");
  }
}

function begin(uri: string, tolerance: string): Connection {
  const db = new DatabaseSync(uri, { readOnly: true, timeout: BUSY_MS, enableForeignKeyConstraints: false });
  try {
    db.enableDefensive(tolerance === "");
    db.exec(`${tolerance} PRAGMA query_only = ON; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON`);
    db.exec("BEGIN");
    db.prepare("SELECT count(*) FROM sqlite_schema").get();
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Rolls the hot journal of a copy back; the only thing that is ever opened for writing. */
export function recoverCopy(uri: string): void {
  const db = new DatabaseSync(uri, { timeout: BUSY_MS });
  try {
    db.prepare("SELECT count(*) FROM sqlite_schema").get();
  } finally {
    db.close();
  }
}

/** Ends the read transaction too: a closed connection keeps its lock as long as one of its statements is in memory. */
export function closeReader(db: Connection): void {
  if (db.isTransaction) db.exec("ROLLBACK");
  db.close();
}

/** What went wrong, as far as loading goes. */
export type Fault =
  | "locked"
  | "hot-journal"
  | "not-a-database"
  | "damaged"
  | "too-big"
  | "disk-full"
  | "other";

/** SQLite's own words are the one thing that every failing call gives. */
export function faultOf(error: unknown): Fault {
  const message = messageOf(error);
  if (/database (table )?is locked/i.test(message)) return "locked";
  if (/readonly database/i.test(message)) return "hot-journal";
  if (/not a database/i.test(message)) return "not-a-database";
  if (/malformed|disk I\/O error/i.test(message)) return "damaged";
  if (/too big|out of memory/i.test(message)) return "too-big";
  if (/disk is full/i.test(message)) return "disk-full";
  return "other";
}

/** The one line for a database that cannot be opened at all. */
export function openError(shown: string, error: unknown): UserError {
  switch (faultOf(error)) {
    case "locked":
      return new UserError(
        `${shown}: locked by another process; close it or wait for its transaction, or give a copy of the file`,
      );
    case "not-a-database":
      return new UserError(`${shown}: encrypted or damaged: SQLite does not take it for a database`);
    case "damaged":
      return new UserError(`${shown}: damaged: ${messageOf(error)}; try sqlite3 ${shown} .recover`);
    default:
      return new UserError(`${shown}: cannot be opened: ${messageOf(error)}`);
  }
}
