/** The command: reads arguments, runs the library, writes to the streams, returns the exit code. */

import { tmpdir } from "node:os";
import { messageOf, UserError } from "../contract/errors.ts";
import type { Settings } from "../contract/settings.ts";
import { audit, query } from "../index.ts";
import { renderJson, stringify } from "../report/json.ts";

/** Runs one command line (without `node` and the script) and returns the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    const [command, ...rest] = argv;
    if (command === "query") {
      const [sql = "", ...inputs] = rest;
      process.stdout.write(`${stringify((await query(sql, settingsOf(inputs))).rows, 2)}\n`);
      return 0;
    }
    process.stdout.write(renderJson(await audit(settingsOf(command === "audit" ? rest : [...argv]))));
    return 0;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    process.stderr.write(`trueup: ${messageOf(error)}\n`);
    return 2;
  }
}

function settingsOf(inputs: readonly string[]): Settings {
  return {
    cwd: process.cwd(),
    inputs: inputs.map((path) => ({ name: null, path, timezone: null })),
    now: new Date().toISOString(),
    nowGiven: false,
    timezone: "UTC",
    since: null,
    until: null,
    select: [],
    ignore: [],
    checks: {},
    ownChecks: [],
    roles: {},
    extract: [],
    samples: true,
    memoryLimit: 2 ** 30,
    threads: 2,
    tempDir: tmpdir(),
    dbFile: null,
    maxRejected: 0.01,
    named: "",
  };
}
