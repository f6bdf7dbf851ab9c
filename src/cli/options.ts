/** The one table of commands and options: parsing, help and the documentation are made from it. */

import { SEVERITIES } from "../contract/finding.ts";

/** How a value is read; `values.ts` has a reader for each. */
export type ValueKind = "text" | "list" | "time" | "zone" | "size" | "count" | "path" | "choice" | "flag";

export type CommandName = "audit" | "inspect" | "query" | "backfill" | "list" | "explain" | "config";

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

export interface CommandEntry {
  name: CommandName;
  /** Positional arguments, as commander writes them. */
  args: string;
  /** One line. */
  summary: string;
  /** What the reader of the command's own help needs beyond its options. */
  details: string;
  examples: readonly string[];
}

const LOADING = ["audit", "inspect", "query", "backfill"] as const;
const CHECKING = ["audit"] as const;
const ALL = ["audit", "inspect", "query", "list", "explain", "config", "backfill"] as const;

/** Formats of a report. The first is the default. */
export const REPORT_FORMATS = ["text", "json"] as const;

/** Severities at which a run fails. */
export const FAIL_ON = [...SEVERITIES, "never"] as const;

export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "audit",
    args: "[inputs...]",
    summary: "load the inputs, check them, report (the default command)",
    details:
      "Inputs are files, directories or globs: logs, databases and code together. `name=path` names one, `-` is standard input. Without inputs, those of trueup.yaml are read, else what the current directory holds.",
    examples: [
      "trueup audit app.log validations.db",
      "kubectl logs deploy/api | trueup audit - usage.db",
      "trueup audit usage.db --since 7d --fail-on warning",
    ],
  },
  {
    name: "inspect",
    args: "[inputs...]",
    summary: "show what was loaded: tables, roles and why, time ranges, rates",
    details: "Use it to see which column was taken for what before trusting an audit.",
    examples: ["trueup inspect validations.db", "trueup inspect app.log --format json"],
  },
  {
    name: "query",
    args: "<sql> [inputs...]",
    summary: "run one SELECT over the loaded evidence",
    details:
      "Tables are named `<input>.<table>`; facts about the evidence stand in schema `trueup` (trueup.tables, trueup.columns, trueup.rejects, trueup.links). No row is cut.",
    examples: [
      'trueup query "SELECT * FROM trueup.columns WHERE role IS NOT NULL" usage.db',
      'trueup query "SELECT count(*) AS n FROM app_log.lines" app.log --format json',
    ],
  },
  {
    name: "backfill",
    args: "[inputs...]",
    summary: "repair SQL for what can be recovered; a dry run unless --apply",
    details:
      "Prints an SQL script in the source's own dialect: its comments are the preview, its statements touch only rows that are still 0 or NULL, so a second run changes nothing. --apply writes to SQLite and DuckDB files in one transaction and keeps a copy of the file beside it.",
    examples: [
      "trueup backfill monitor.duckdb --check zero-token-root",
      "trueup backfill usage.db --check missing-tokens --apply --yes",
    ],
  },
  {
    name: "list",
    args: "",
    summary: "list the checks",
    details: "",
    examples: ["trueup list", "trueup list --format json"],
  },
  {
    name: "explain",
    args: "<check>",
    summary: "explain one check: what it finds, why it matters, when it stays silent, what to do",
    details: "",
    examples: ["trueup explain missing-tokens"],
  },
  {
    name: "config",
    args: "<show|validate|schema>",
    summary: "show the resolved settings, validate trueup.yaml, or print its JSON Schema",
    details:
      "`show` prints every setting with its default or configured value, `validate` reports every fault of the file with its position, `schema` prints the JSON Schema that editors use.",
    examples: ["trueup config validate", "trueup config schema > trueup.schema.json"],
  },
];

export const OPTIONS: readonly OptionEntry[] = [
  {
    name: "config",
    value: "FILE",
    kind: "path",
    describe: "the configuration file",
    defaultText: "trueup.yaml here or above, up to the repository's root",
    group: "Input",
    commands: ALL,
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
    commands: LOADING,
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
    name: "fail-on",
    value: "SEVERITY",
    kind: "choice",
    choices: FAIL_ON,
    describe: "exit 1 when a finding is at or above it",
    defaultText: "error",
    group: "Checks",
    commands: CHECKING,
  },
  {
    name: "format",
    value: "FORMAT",
    kind: "choice",
    choices: REPORT_FORMATS,
    describe: "what is written to standard output",
    defaultText: "text",
    group: "Output",
    commands: ["audit", "inspect", "query", "backfill", "list", "explain"],
  },
  {
    name: "output",
    value: "FORMAT=FILE",
    kind: "list",
    describe: "also write the report to a file; repeatable",
    group: "Output",
    commands: CHECKING,
  },
  {
    name: "severity",
    value: "SEVERITY",
    kind: "choice",
    choices: SEVERITIES,
    describe: "show only findings at or above it",
    defaultText: "info",
    group: "Output",
    commands: CHECKING,
  },
  {
    name: "no-samples",
    kind: "flag",
    describe: "leave sample rows out of the report",
    group: "Output",
    commands: CHECKING,
  },
  {
    name: "verbose",
    kind: "flag",
    describe: "show every outcome, every sample row and whole queries",
    group: "Output",
    commands: ["audit", "inspect"],
  },
  {
    name: "no-progress",
    kind: "flag",
    describe: "no progress on standard error",
    group: "Output",
    commands: LOADING,
  },
  {
    name: "memory-limit",
    value: "SIZE",
    kind: "size",
    describe: "memory for the evidence (512MiB, 4GB); past it, data spills to the temporary directory",
    defaultText: "1GiB",
    group: "Running",
    commands: LOADING,
  },
  {
    name: "temp-dir",
    value: "DIR",
    kind: "path",
    describe: "where temporary files go; they are removed at the end",
    defaultText: "the system's",
    group: "Running",
    commands: LOADING,
  },
  {
    name: "threads",
    value: "N",
    kind: "count",
    describe: "processor threads to use",
    defaultText: "all cores",
    group: "Running",
    commands: LOADING,
  },
];

export const OPTION_GROUPS = ["Input", "Time", "Checks", "Output", "Running"] as const;

/** The exit codes, in the words of help and documentation. */
export const EXIT_CODES: readonly (readonly [number, string])[] = [
  [0, "nothing at or above --fail-on"],
  [1, "findings at or above --fail-on"],
  [2, "usage or configuration error, or an input or a check that could not be evaluated (2 beats 1)"],
  [130, "interrupted"],
];
