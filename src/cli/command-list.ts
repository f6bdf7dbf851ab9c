/** The one table of commands and exit codes: parsing, help and the documentation are made from it. */

export type CommandName =
  | "audit"
  | "inspect"
  | "flow"
  | "query"
  | "backfill"
  | "diagnose"
  | "list"
  | "explain"
  | "baseline"
  | "init"
  | "new-check"
  | "completion"
  | "config"
  | "convert";

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

export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "audit",
    args: "[inputs...]",
    summary: "load the inputs, check them, report (the default command)",
    details:
      "Inputs are files, directories or globs: logs, databases and code together. `name=path` names one, `-` is standard input. Without inputs, those of trueup.yaml are read, else what the current directory holds. A directory gives one input for its source code and one for each log, database, dump and table of data below it. With more source files than JSON documents it is a program's: its `.json` documents and its folders of tests, fixtures, vendored code and built files are not read as data, and a note says so.",
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
    name: "flow",
    args: "[inputs...]",
    summary: "show which code writes and reads which table, from entry point to table",
    details:
      "Inputs are source trees, and databases beside them for row counts. A ✖ marks a reader whose table is not what the recording path writes.",
    examples: [
      "trueup flow src/",
      "trueup flow src/ router.sqlite --table usage_records",
      "trueup flow src/ --format mermaid > flow.mmd",
    ],
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
    name: "diagnose",
    args: "[inputs...]",
    summary: "rank the causes of an incident, with evidence for and against",
    details:
      "What an engineer runs first in an incident: findings that began together, what each source did around that time, and which causes the evidence speaks for and against. Name everything that may tell: logs of that time, the importer's log, the database, the source tree and its .git directory.",
    examples: [
      "trueup diagnose app.log cron.log validations.db",
      "trueup diagnose logs/ usage.db src/ .git --format markdown",
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
    details: "The expectations and own checks of trueup.yaml stand at the end.",
    examples: ["trueup list", "trueup list --format json"],
  },
  {
    name: "explain",
    args: "<check>",
    summary: "explain one check: what it finds, why it matters, when it stays silent, what to do",
    details: "Expectations (`expect/unique`) and own checks of trueup.yaml too.",
    examples: ["trueup explain missing-tokens"],
  },
  {
    name: "baseline",
    args: "<write|prune> [inputs...]",
    summary: "accept the findings of today, so that audits fail only on new or worse ones",
    details:
      "`write` audits the inputs and keeps what was found and the schema in trueup-baseline.json, a file to commit: hashes and measures, no values. `prune` audits again and drops the entries that are fixed.",
    examples: [
      "trueup baseline write app.log validations.db",
      "trueup baseline prune app.log validations.db",
    ],
  },
  {
    name: "init",
    args: "[inputs...]",
    summary: "write a trueup.yaml for the inputs, or for what the current directory holds",
    details:
      "With --ci it also writes a workflow that audits on each push. Nothing is replaced without --force.",
    examples: ["trueup init", "trueup init app.log validations.db --ci github"],
  },
  {
    name: "new-check",
    args: "<id>",
    summary: "write an own check to start from, and its test",
    details: "The files go to audits/; docs/own-checks.md tells what a check may do.",
    examples: ["trueup new-check late-jobs", "trueup new-check late-jobs --language ts"],
  },
  {
    name: "completion",
    args: "<bash|zsh|fish>",
    summary: "print a completion script for a shell",
    details: "",
    examples: ["trueup completion bash > /etc/bash_completion.d/trueup"],
  },
  {
    name: "config",
    args: "<show|validate|schema>",
    summary: "show the resolved settings, validate trueup.yaml, or print its JSON Schema",
    details:
      "`show` prints every setting with its default or configured value, `validate` reports every fault of the file with its position, `schema` prints the JSON Schema that editors use.",
    examples: ["trueup config validate", "trueup config schema > trueup.schema.json"],
  },
  {
    name: "convert",
    args: "<report>",
    summary: "print a saved JSON report in another format",
    details: "The exit code is that of the audit. `-` reads standard input.",
    examples: ["trueup convert report.json --format markdown"],
  },
];

/** The exit codes, in the words of help and documentation. */
export const EXIT_CODES: readonly (readonly [number, string])[] = [
  [0, "nothing at or above --fail-on"],
  [1, "findings at or above --fail-on"],
  [2, "usage or configuration error, or an input or a check that could not be evaluated (2 beats 1)"],
  [130, "interrupted"],
];
