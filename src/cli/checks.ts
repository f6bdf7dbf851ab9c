/** The checks that can be named: trueup's own from the manifest, and those that trueup.yaml adds, when it adds any. */

import { readFileSync } from "node:fs";
import { findConfig } from "../config/find.ts";
import type { TableExpectations } from "../contract/accepted.ts";
import type { CheckInfo } from "../contract/check.ts";
import type { Outcome } from "../contract/finding.ts";
import { readManifest } from "./manifest.ts";
import type { Invocation } from "./program.ts";

export interface AddedChecks {
  /** Kinds of expectations that are declared. */
  expectations: CheckInfo[];
  own: CheckInfo[];
  /** Own checks that cannot be loaded. */
  failed: Outcome[];
}

const NONE: AddedChecks = { expectations: [], own: [], failed: [] };

/** Whether a file's text may add checks: most add none, and reading YAML costs more than all the rest of `list`. */
const ADDS = /\bown_checks\b|\bexpect\b|\bchecks["']?\s*:\s*(?:#.*\s*)?(?:\[|-|&|\*|!)/;

/** What the configuration of this run adds. Nothing but its text is read when that names no check of its own. */
export async function addedChecks(invocation: Invocation): Promise<AddedChecks> {
  const file = (invocation.given["config"] as string | undefined) ?? findConfig(process.cwd());
  if (file === null || !ADDS.test(textOf(file))) return NONE;
  const { settingsOf } = await import("./settings.ts");
  const { checks, expectations } = readManifest();
  const { settings } = await settingsOf(invocation, checks, Date.now());
  const tables = Object.values(settings.expect ?? {});
  const declared = expectations.filter(({ id }) =>
    tables.some((table) => isDeclared(table[id.slice("expect/".length) as keyof TableExpectations])),
  );
  if (settings.ownChecks.length === 0) return { ...NONE, expectations: declared };
  const { describeOwnChecks } = await import("../index.ts");
  const { checks: own, failed } = await describeOwnChecks(settings);
  return { expectations: declared, own, failed };
}

const isDeclared = (value: TableExpectations[keyof TableExpectations]) =>
  value !== null && Object.keys(value).length > 0;

/** A file that is not there is told by who reads it in earnest. */
function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "expect";
  }
}
