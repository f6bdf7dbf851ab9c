/** Gives a database a state that stands still while it is read, without a byte changed in or beside the source. */

import {
  type BigIntStats,
  copyFileSync,
  constants as fsConstants,
  mkdirSync,
  rmSync,
  statSync,
} from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { Interrupted, messageOf, UserError } from "../../contract/errors.ts";
import { headOf } from "../sniff.ts";
import { closeReader, faultOf, openReader, recoverCopy } from "./connection.ts";

/** Copies that a busy writer may spoil before trueup gives up; with the pauses between them about ten seconds. */
const COPIES_MAX = 40;
/** Longer than a tick of the kernel's coarse clock: two writes further apart have different times. */
const TICK_MS = 20;

export interface Snapshot {
  /** What connections open: a `file:` URI. */
  uri: string;
  /** Differs after a change: taken before and after reading, while a connection is open. */
  stamp(): string;
  /** Removes the copy, if one was made. */
  release(): void;
}

export interface SnapshotOptions {
  /** As shown to people. */
  shown: string;
  /** Where copies go. */
  tempDir: string;
  signal: AbortSignal;
  /** Copy even when the file could be read where it is. */
  copy: boolean;
}

/**
 * Chooses how a database can be read without touching it: copied with its write-ahead log or rollback journal, opened
 * as immutable (write-ahead mode without a log: a plain open would create files beside it), or just opened read-only.
 * @throws UserError when it is being changed faster than it can be copied.
 */
export async function takeSnapshot(file: string, options: SnapshotOptions): Promise<Snapshot> {
  if (statOf(`${file}-wal`) !== null || options.copy) return copyOf(file, options);
  const plain = `${pathToFileURL(file).href}?mode=ro`;
  if (statOf(`${file}-journal`) !== null && isHot(plain)) return copyOf(file, options);
  const release = () => {};
  // The lock of a plain reader lets a writer begin its journal, but not touch the database.
  if (!isWriteAhead(file)) return { uri: plain, stamp: () => stampOf(file), release };
  return { uri: `${pathToFileURL(file).href}?immutable=1`, stamp: () => stateOf(file), release };
}

/**
 * True when the journal beside the database must be rolled back, which SQLite refuses a reader. The journal of a live
 * writer need not: its lock is waited for, and while a reader has its own nothing is written.
 */
function isHot(uri: string): boolean {
  try {
    closeReader(openReader(uri));
    return false;
  } catch (error) {
    return faultOf(error) === "hot-journal";
  }
}

/** Bytes 18 and 19 of the header are 2 in write-ahead mode. */
function isWriteAhead(file: string): boolean {
  const head = headOf(file, 20);
  return head[18] === 2 || head[19] === 2;
}

/**
 * Copies the database with its log or journal, never its -shm. The copy counts only if neither file was changed or
 * replaced meanwhile: a log that only grew is fine (SQLite ignores the torn end), one that was begun anew is not.
 */
async function copyOf(file: string, { shown, tempDir, signal }: SnapshotOptions): Promise<Snapshot> {
  const folder = join(tempDir, "sqlite-copy");
  const target = join(folder, "copy.db");
  const release = () => rmSync(folder, { recursive: true, force: true });
  for (let attempt = 0; attempt < COPIES_MAX; attempt++) {
    if (signal.aborted) throw new Interrupted();
    release();
    mkdirSync(folder, { mode: 0o700 });
    const before = stateOf(file);
    await sleep(TICK_MS);
    if (stateOf(file) === before) {
      try {
        for (const suffix of ["", "-wal", "-journal"])
          if (statOf(file + suffix) !== null)
            copyFileSync(file + suffix, target + suffix, fsConstants.COPYFILE_FICLONE);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === "ENOSPC")
          throw new UserError(
            `${shown}: no room in the temporary directory for a copy; name another with --temp-dir`,
          );
        // A log or journal that was removed between two looks: the next attempt sees it gone.
        if (code !== "ENOENT") throw new UserError(`${shown}: cannot be copied: ${messageOf(error)}`);
      }
      if (stateOf(file) === before) {
        const uri = pathToFileURL(target).href;
        if (statOf(`${target}-journal`) !== null) recoverCopy(uri);
        return { uri, stamp: () => "", release };
      }
    }
    await sleep(Math.min(500, TICK_MS * (attempt + 1)));
  }
  release();
  throw new UserError(
    `${shown}: is written to all the time, no consistent copy in ${COPIES_MAX} attempts; run again when it is quieter, or give a backup (sqlite3 ${basename(file)} ".backup copy.db")`,
  );
}

/** Everything that tells a change from a standstill: the database, the journal, and the head of the log. */
function stateOf(file: string): string {
  const wal = `${file}-wal`;
  return [stampOf(file), stampOf(`${file}-journal`), statOf(wal) === null ? "" : walHeadOf(wal)].join("|");
}

/** The log's header changes its salt whenever the log is begun anew. */
function walHeadOf(wal: string): string {
  try {
    return `wal${headOf(wal, 32).toString("hex")}`;
  } catch {
    return "";
  }
}

function stampOf(file: string): string {
  const stat = statOf(file);
  return stat === null ? "" : `${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}`;
}

function statOf(file: string): BigIntStats | null {
  return statSync(file, { bigint: true, throwIfNoEntry: false }) ?? null;
}
