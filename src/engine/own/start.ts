/** Makes checks of the files of own checks; one that cannot be made fails alone. */

import type { AnyCheck } from "../../contract/check.ts";
import { Interrupted, messageOf } from "../../contract/errors.ts";
import type { Evidence } from "../../contract/evidence.ts";
import type { Outcome } from "../../contract/finding.ts";
import { type ModuleOptions, moduleCheck } from "./module-check.ts";
import type { OwnFile } from "./read.ts";
import { sqlCheck } from "./sql-check.ts";

/** Seconds for one target, unless configured. */
const TIMEOUT_SECONDS = 30;
const ID = /^[a-z0-9][a-z0-9_.-]*(?:\/[a-z0-9][a-z0-9_.-]*)*$/i;

export interface OwnChecks {
  checks: AnyCheck[];
  /** Of the files that gave no check. */
  failed: Outcome[];
  /** Ends their processes. */
  close: () => void;
}

/** As for one module, but the time may be left to the default. */
export type OwnCheckOptions = Omit<ModuleOptions, "timeoutSeconds"> & {
  timeoutSeconds: number | undefined;
};

/** `taken` are the ids of the checks that come with trueup. Without evidence the checks can only be described. */
export async function startOwnChecks(
  files: readonly OwnFile[],
  evidence: Evidence | null,
  taken: readonly string[],
  { timeoutSeconds = TIMEOUT_SECONDS, ...hooks }: OwnCheckOptions,
): Promise<OwnChecks> {
  const started: OwnChecks = {
    checks: [],
    failed: [],
    close: () => closers.forEach((close) => void close()),
  };
  const closers: (() => void)[] = [];
  const options = { ...hooks, timeoutSeconds };
  for (const file of files) {
    if (options.signal.aborted) throw new Interrupted();
    try {
      let check: AnyCheck;
      if (file.language === "sql") check = timed(sqlCheck(file), options);
      else {
        const made = await moduleCheck(file, evidence, options);
        closers.push(made.close);
        check = made.check;
      }
      if (!ID.test(check.id)) throw new Error(`the id "${check.id}" must be letters, digits, - and _`);
      if (taken.includes(check.id) || started.checks.some((one) => one.id === check.id))
        throw new Error(`the id ${check.id} is taken by another check`);
      started.checks.push(check);
    } catch (error) {
      started.failed.push({
        check: file.name,
        target: "*",
        status: "failed",
        reason: `${file.file}: ${messageOf(error)}`,
      });
    }
  }
  return started;
}

/** The check with a limit on the time of a run: past it the query is interrupted and the check fails. */
function timed(check: AnyCheck, { timeoutSeconds: seconds, interrupt }: ModuleOptions): AnyCheck {
  return {
    ...check,
    run: async (target, ctx) => {
      let late = false;
      const timer = setTimeout(() => {
        late = true;
        interrupt();
      }, seconds * 1000);
      try {
        return await check.run(target, ctx);
      } catch (error) {
        if (late && error instanceof Interrupted) throw new Error(`did not end within ${seconds} s`);
        throw error;
      } finally {
        clearTimeout(timer);
      }
    },
  };
}
