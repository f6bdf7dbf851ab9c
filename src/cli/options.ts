/** The one table of options: parsing, help and the documentation are made from it. */

import { SEVERITIES } from "../contract/finding.ts";
import { FORMATS } from "../report/formats.ts";
import type { CommandName } from "./command-list.ts";

/** How a value is read; `values.ts` has a reader for each. */
export type ValueKind = "text" | "list" | "time" | "zone" | "size" | "count" | "path" | "choice" | "flag";

export interface OptionEntry {
  /** The long name, without dashes. */
  name: string;
  /** What stands for the value in help; none for a flag. */
  value?: string;
  kind: ValueKind;
  choices?: readonly string[];
  /** One line. */
  describe: string;
  /** The default as shown to people; the value itself is resolved in settings.ts. */
  defaultText?: string;
  group: "Input" | "Time" | "Checks" | "Output" | "Running";
  commands: readonly CommandName[];
}

const LOADING = ["audit", "inspect", "flow", "query", "diagnose", "backfill", "baseline"] as const;
const CHECKING = ["audit", "diagnose", "baseline"] as const;
const REPORTING = ["audit", "convert"] as const;
const CONFIGURED = [
  "audit",
  "inspect",
  "flow",
  "query",
  "diagnose",
  "backfill",
  "baseline",
  "config",
  "list",
  "explain",
] as const;

/** Formats of what is no report: an inspection, rows, a list. The first is the default. */
export const PLAIN_FORMATS = ["text", "json"] as const;

/** Formats of a diagnosis. */
export const DIAGNOSIS_FORMATS = ["text", "json", "markdown"] as const;

/** Systems that `init` writes a workflow for. */
export const CI_SYSTEMS = ["github", "gitlab"] as const;

/** Severities at which a run fails. */
export const FAIL_ON = [...SEVERITIES, "never"] as const;

export const OPTIONS: readonly OptionEntry[] = [
  {
    name: "config",
    value: "FILE",
    kind: "path",
    describe: "the configuration file",
    defaultText: "trueup.yaml here or above, up to the repository's root",
    group: "Input",
    commands: CONFIGURED,
  },
  {
    name: "db",
    value: "FILE",
    kind: "path",
    describe: "keep the loaded evidence as this DuckDB file",
    group: "Input",
    commands: LOADING,
  },
  {
    name: "tables",
    value: "TABLES",
    kind: "list",
    describe: "of a dump or a live database, read only these tables: names or patterns with *",
    group: "Input",
    commands: LOADING,
  },
  {
    name: "against",
    value: "INPUT",
    kind: "list",
    describe: "compare tables and columns with those of another input, such as an older dump; repeatable",
    group: "Input",
    commands: CHECKING,
  },
  {
    name: "since",
    value: "TIME",
    kind: "time",
    describe: "only what happened at or after this time: ISO 8601, or back from now (7d, 12h)",
    group: "Time",
    commands: LOADING,
  },
  {
    name: "until",
    value: "TIME",
    kind: "time",
    describe: "only what happened up to this time; a date alone means its end",
    group: "Time",
    commands: LOADING,
  },
  {
    name: "now",
    value: "TIME",
    kind: "time",
    describe: "the time that counts as now; silences and ages are then counted up to it",
    defaultText: "the clock",
    group: "Time",
    commands: LOADING,
  },
  {
    name: "timezone",
    value: "ZONE",
    kind: "zone",
    describe: "IANA zone of times that carry none, and of local days",
    defaultText: "UTC",
    group: "Time",
    commands: [...LOADING, "init"],
  },
  {
    name: "select",
    value: "CHECKS",
    kind: "list",
    describe: "run only these checks: ids or prefixes with *, comma-separated or repeated",
    group: "Checks",
    commands: CHECKING,
  },
  {
    name: "check",
    value: "CHECKS",
    kind: "list",
    describe: "repair only what these checks find",
    defaultText: "every check that can repair",
    group: "Checks",
    commands: ["backfill"],
  },
  {
    name: "limit",
    value: "N",
    kind: "count",
    describe: "repair at most so many rows of a table",
    group: "Checks",
    commands: ["backfill"],
  },
  {
    name: "apply",
    kind: "flag",
    describe: "write the repair into the database, after a question on a terminal",
    group: "Running",
    commands: ["backfill"],
  },
  {
    name: "yes",
    kind: "flag",
    describe: "do not ask before writing",
    group: "Running",
    commands: ["backfill"],
  },
  {
    name: "ignore",
    value: "CHECKS",
    kind: "list",
    describe: "leave these checks out",
    group: "Checks",
    commands: CHECKING,
  },
  {
    name: "baseline",
    value: "FILE",
    kind: "path",
    describe: "the findings that are accepted: only new and worse ones count",
    defaultText: "trueup-baseline.json beside trueup.yaml, or here",
    group: "Checks",
    commands: CHECKING,
  },
  {
    name: "fail-on",
    value: "SEVERITY",
    kind: "choice",
    choices: FAIL_ON,
    describe: "exit 1 when a finding is at or above it",
    defaultText: "error",
    group: "Checks",
    commands: [...REPORTING, "diagnose"],
  },
  {
    name: "format",
    value: "FORMAT",
    kind: "choice",
    choices: FORMATS,
    describe: "what is written to standard output",
    defaultText: "text",
    group: "Output",
    commands: REPORTING,
  },
  {
    name: "format",
    value: "FORMAT",
    kind: "choice",
    choices: PLAIN_FORMATS,
    describe: "what is written to standard output",
    defaultText: "text",
    group: "Output",
    commands: ["inspect", "query", "backfill", "list", "explain"],
  },
  {
    name: "format",
    value: "FORMAT",
    kind: "choice",
    choices: ["text", "json", "mermaid", "dot"],
    describe: "what is written to standard output",
    defaultText: "text",
    group: "Output",
    commands: ["flow"],
  },
  {
    name: "table",
    value: "TABLES",
    kind: "list",
    describe: "show only these tables",
    group: "Output",
    commands: ["flow"],
  },
  {
    name: "entry",
    value: "ENTRIES",
    kind: "list",
    describe: "show only what these entry points reach: names or parts of names",
    group: "Output",
    commands: ["flow"],
  },
  {
    name: "format",
    value: "FORMAT",
    kind: "choice",
    choices: DIAGNOSIS_FORMATS,
    describe: "what is written to standard output",
    defaultText: "text",
    group: "Output",
    commands: ["diagnose"],
  },
  {
    name: "output",
    value: "FORMAT=FILE",
    kind: "list",
    describe: "also write the report to a file, in any format; repeatable",
    group: "Output",
    commands: REPORTING,
  },
  {
    name: "severity",
    value: "SEVERITY",
    kind: "choice",
    choices: SEVERITIES,
    describe: "show only findings at or above it",
    defaultText: "info",
    group: "Output",
    commands: REPORTING,
  },
  {
    name: "samples",
    kind: "flag",
    describe: "put sample rows into junit, sarif and markdown too, which leave the machine",
    group: "Output",
    commands: REPORTING,
  },
  {
    name: "no-samples",
    kind: "flag",
    describe: "leave sample rows out of every report",
    group: "Output",
    commands: REPORTING,
  },
  {
    name: "show-suppressed",
    kind: "flag",
    describe: "list the findings that trueup.yaml suppresses, with the reasons",
    group: "Output",
    commands: ["audit", "convert"],
  },
  {
    name: "verbose",
    kind: "flag",
    describe: "show every outcome, every finding and whole queries",
    group: "Output",
    commands: ["audit", "inspect", "diagnose", "convert"],
  },
  {
    name: "no-progress",
    kind: "flag",
    describe: "no progress on standard error",
    group: "Output",
    commands: [...LOADING, "init"],
  },
  {
    name: "language",
    value: "LANGUAGE",
    kind: "choice",
    choices: ["sql", "ts"],
    describe: "what the check is written in",
    defaultText: "sql",
    group: "Output",
    commands: ["new-check"],
  },
  {
    name: "ci",
    value: "SYSTEM",
    kind: "choice",
    choices: CI_SYSTEMS,
    describe: "also write a workflow for it",
    group: "Output",
    commands: ["init"],
  },
  {
    name: "force",
    kind: "flag",
    describe: "replace files that are there",
    group: "Output",
    commands: ["init", "new-check"],
  },
  {
    name: "memory-limit",
    value: "SIZE",
    kind: "size",
    describe: "memory for the evidence (512MiB, 4GB); past it, data spills to the temporary directory",
    defaultText: "1GiB",
    group: "Running",
    commands: [...LOADING, "init"],
  },
  {
    name: "temp-dir",
    value: "DIR",
    kind: "path",
    describe: "where temporary files go; they are removed at the end",
    defaultText: "the system's",
    group: "Running",
    commands: [...LOADING, "init"],
  },
  {
    name: "threads",
    value: "N",
    kind: "count",
    describe: "processor threads to use",
    defaultText: "all cores",
    group: "Running",
    commands: [...LOADING, "init"],
  },
];

export const OPTION_GROUPS = ["Input", "Time", "Checks", "Output", "Running"] as const;
