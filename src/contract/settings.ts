/** Settings: everything a run depends on, with every default resolved. */

import type { Suppression, TableExpectations } from "./accepted.ts";
import type { LoadedBaseline } from "./baseline.ts";
import type { OptionValue } from "./check.ts";
import type { Instant } from "./evidence.ts";
import type { Severity } from "./finding.ts";
import type { DiagnosisOptions } from "./hypothesis.ts";
import type { Role } from "./roles.ts";

export interface InputSpec {
  /** The name the user gave (`billing=usage.db`), or null. */
  name: string | null;
  /** A path, glob or URL as the user wrote it; `-` is standard input. */
  path: string;
  /** The time zone of this input's local times, or null for the run's. */
  timezone: string | null;
}

/** An extractor of trueup.yaml: a named pattern whose groups are roles. */
export interface ExtractSpec {
  name: string;
  /** RE2 syntax; its named groups are roles (`input_tokens`, `model` …). */
  pattern: string;
  /** Words that every such line carries; a line with them that does not match is a near miss. */
  anchors: string[];
}

export interface CheckSettings {
  severity?: Severity | "off";
  options: Record<string, OptionValue>;
}

export interface PostgresSettings {
  /** The service to use when a URL names none (PGSERVICE), or null. */
  service: string | null;
  /** Where services are described, in the order to look. */
  serviceFiles: readonly string[];
  /** PGSSLMODE, or null. */
  sslmode: string | null;
  /** The certificates to trust (PGSSLROOTCERT, or where libpq looks for them), or null. */
  sslRootCertificate: string | null;
}

export interface DeploySpec {
  time: Instant;
  label: string;
}

export interface Settings {
  cwd: string;
  inputs: InputSpec[];
  now: Instant;
  /** True when the user gave `--now`. */
  nowGiven: boolean;
  timezone: string;
  since: Instant | null;
  until: Instant | null;
  select: string[];
  ignore: string[];
  /** Per check id. */
  checks: Record<string, CheckSettings>;
  /** Globs of the user's own checks. */
  ownChecks: string[];
  /** Seconds that an own check may take for one target; 30 when absent. */
  ownCheckTimeout?: number;
  /** `schema.table` or table → column or JSON path → role, or null for "no role". */
  roles: Record<string, Record<string, Role | null>>;
  extract: ExtractSpec[];
  samples: boolean;
  /** Bytes DuckDB may use. */
  memoryLimit: number;
  threads: number;
  tempDir: string;
  /** Where to keep the DuckDB file, or null. */
  dbFile: string | null;
  /** Share of rejected rows above which an input counts as not evaluated: 0 to 1. */
  maxRejected: number;
  /** What the environment says of live Postgres servers, beside the variables that the client reads itself. */
  postgres?: PostgresSettings;
  /** What the inputs' tables and columns are compared with: other inputs, of which only the schema counts. */
  against?: InputSpec[];
  /** Of a dump or a live database, only tables that match one of these (`*` stands for anything); all when empty. */
  tables?: string[];
  /** What the team has accepted; findings are compared with it. */
  baseline?: LoadedBaseline | null;
  /** Findings that are accepted for a reason. */
  suppressions?: readonly Suppression[];
  /** Table → what it is expected to obey. */
  expect?: Readonly<Record<string, TableExpectations>>;
  /** Text in which tables and columns may be named (a query, own checks): those are loaded in full. */
  named: string;
  /** Where programs (git) are looked for, as PATH spells it. */
  searchPath?: string;
  /** When something was deployed, as the configuration says; markers like those of logs. */
  deploys?: readonly DeploySpec[];
  /** How long before an incident a change may be its cause. */
  diagnosis?: DiagnosisOptions;
}

/** Share of rejected rows above which an input counts as not evaluated. */
export const MAX_REJECTED = 0.01;

/** Settings of which everything but the surroundings has a default. */
export type SomeSettings = Partial<Settings> & Pick<Settings, "cwd" | "now" | "tempDir">;

/** An audit of what is found in `cwd`, unless `inputs` names something. */
export function defaultSettings(given: SomeSettings): Settings {
  return {
    inputs: [],
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
    dbFile: null,
    maxRejected: MAX_REJECTED,
    named: "",
    ...given,
  };
}

/** What a long run tells about itself. */
export interface Progress {
  stage: "load" | "catalog" | "check";
  /** The input or check at work. */
  subject: string;
  bytes?: number;
  bytesTotal?: number;
  rows?: number;
  done?: boolean;
}

export interface Hooks {
  progress(progress: Progress): void;
  signal: AbortSignal;
}

/** Tells nobody, and is never aborted. */
export const QUIET: Hooks = { progress: () => {}, signal: new AbortController().signal };
