/** The command: reads arguments, runs one command, turns what it throws into a line and an exit code. */

import { existsSync } from "node:fs";
import { Interrupted, messageOf, UserError } from "../contract/errors.ts";
import type { CommandName } from "./command-list.ts";
import { EXIT } from "./exit.ts";
import { readManifest } from "./manifest.ts";
import { type Invocation, parseArguments } from "./program.ts";
import { ignoreClosedStreams, narrate, terminal, writeOut } from "./streams.ts";

/** A command's own module, loaded only when it is called. Returns the exit code. */
const RUN: Record<CommandName, () => Promise<{ run: (invocation: Invocation) => Promise<number> }>> = {
  audit: () => import("./commands/audit.ts"),
  inspect: () => import("./commands/inspect.ts"),
  flow: () => import("./commands/flow.ts"),
  query: () => import("./commands/query.ts"),
  diagnose: () => import("./commands/diagnose.ts"),
  backfill: () => import("./commands/backfill.ts"),
  list: () => import("./commands/list.ts"),
  explain: () => import("./commands/explain.ts"),
  baseline: () => import("./commands/baseline.ts"),
  init: () => import("./commands/init.ts"),
  "new-check": () => import("./commands/new-check.ts"),
  completion: () => import("./commands/completion.ts"),
  config: () => import("./commands/config.ts"),
  convert: () => import("./commands/convert.ts"),
};

/** Runs one command line (without `node` and the script) and returns the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  ignoreClosedStreams();
  // Whatever escapes every promise must not end with 1, which means findings; temporary files go with the exit.
  process.on("uncaughtException", (error) => {
    narrate(defectOf(error));
    process.exit(EXIT.failed);
  });
  try {
    const parsed = parseArguments(argv, terminal().width, existsSync);
    if ("help" in parsed) await writeOut(parsed.help);
    else if ("version" in parsed) await writeOut(`${readManifest().version}\n`);
    else return await (await RUN[parsed.command]()).run(parsed);
    return EXIT.clean;
  } catch (error) {
    if (error instanceof Interrupted) {
      narrate("trueup: interrupted");
      return EXIT.interrupted;
    }
    if (error instanceof UserError) for (const line of linesOf(error)) narrate(`trueup: ${line}`);
    else narrate(defectOf(error));
    return EXIT.failed;
  }
}

/** One line, or of a configuration file one for each fault. */
function linesOf(error: UserError): readonly string[] {
  return "faults" in error ? (error.faults as readonly string[]) : [messageOf(error)];
}

/** A defect of ours: its stack, and a request to tell us. */
function defectOf(error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `trueup: this is a defect of trueup ${readManifest().version}, not of your data. Please report it with these lines:\n${stack}`;
}
