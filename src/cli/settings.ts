/** Resolves flags, trueup.yaml and defaults to the settings of one run. */

import { existsSync } from "node:fs";
import { availableParallelism, homedir, tmpdir } from "node:os";
import { dirname, join, relative, resolve, sep } from "node:path";
import { expectationsOf, ownChecksOf, suppressionsOf } from "../config/accepted.ts";
import type { Config, LoadedConfig } from "../config/index.ts";
import { EXPECTATION_IDS } from "../contract/accepted.ts";
import type { LoadedBaseline } from "../contract/baseline.ts";
import type { CheckInfo, OptionValue } from "../contract/check.ts";
import { UserError } from "../contract/errors.ts";
import type { Severity } from "../contract/finding.ts";
import { didYouMean } from "../contract/nearest.ts";
import {
  type CheckSettings,
  type InputSpec,
  MAX_REJECTED,
  type PostgresSettings,
  type Settings,
} from "../contract/settings.ts";
import type { Place } from "../report/export.ts";
import { type BaselineFile, baselineFile, loadBaseline } from "./baseline-file.ts";
import type { FailOn } from "./exit.ts";
import { choiceOf, type Invocation } from "./program.ts";
import { instantOf, readCount, readSize, readTime, readZone } from "./values.ts";

/** Settings of the run and what only the command line needs. */
export interface Run {
  settings: Settings;
  failOn: FailOn;
  format: string;
  severity: Severity;
  /** The line of the configuration that names an input, by the input's path. */
  configured: Map<string, Place>;
  baselineFile: BaselineFile;
  progress: boolean;
}

/** Less than this DuckDB cannot work with. */
const MEMORY_MIN = 64 * 2 ** 20;

/** The configuration file of this run with its path as shown to people, or null. */
export async function configOf(
  invocation: Invocation,
  checks: readonly CheckInfo[],
): Promise<(LoadedConfig & { shown: string }) | null> {
  const cwd = process.cwd();
  const named = invocation.given["config"] as string | undefined;
  const { findConfig } = await import("../config/find.ts");
  const file = named === undefined ? findConfig(cwd) : resolve(named);
  if (file === null) return null;
  const { loadConfig } = await import("../config/index.ts");
  return { shown: relative(cwd, file).split(sep).join("/"), ...loadConfig(file, checks, cwd) };
}

/**
 * Options of the command line beat trueup.yaml, which beats the defaults.
 * @throws UserError for a value that cannot be read, with its option's name and the nearest right value.
 */
export async function settingsOf(
  invocation: Invocation,
  checks: readonly CheckInfo[],
  clock: number,
): Promise<Run> {
  const { given } = invocation;
  const loaded = await configOf(invocation, checks);
  const config: Config = loaded?.config ?? {};
  const text = (name: string) => given[name] as string | undefined;
  const list = (name: string) => (given[name] as string[] | undefined)?.flatMap((item) => item.split(","));
  const timezone = readZone(text("timezone") ?? config.timezone ?? "UTC", "--timezone");
  const at = (name: string, now: number, dateMeans: "start" | "end") => {
    const value = text(name);
    return value === undefined ? null : readTime(value, `--${name}`, { now, timezone, dateMeans });
  };
  const now = at("now", clock, "start") ?? instantOf(clock);
  const memoryLimit = readSize(text("memory-limit") ?? config.memory_limit ?? "1GiB", "--memory-limit");
  if (memoryLimit < MEMORY_MIN) throw new UserError("--memory-limit: at least 64MiB is needed");
  const inputs = inputsOf(invocation);
  const accepted = baselineFile(text("baseline"), config.baseline, loaded?.file ?? null, process.cwd());
  const own = ownChecksOf(config).length > 0;
  const settings: Settings = {
    cwd: process.cwd(),
    inputs: inputs.length > 0 ? inputs : configuredInputs(config),
    against: ((given["against"] as string[] | undefined) ?? []).map(inputOf),
    tables: list("tables") ?? [],
    postgres: postgresSettings(),
    now,
    nowGiven: given["now"] !== undefined,
    timezone,
    since: at("since", Date.parse(now), "start"),
    until: at("until", Date.parse(now), "end"),
    select: patternsOf(list("select") ?? config.select ?? [], "--select", checks, own),
    ignore: patternsOf([...(config.ignore ?? []), ...(list("ignore") ?? [])], "--ignore", checks, own),
    checks: configuredChecks(config),
    ownChecks: ownChecksOf(config).map((glob) => resolve(dirname(loaded!.file), glob)),
    ...(config.own_check_timeout !== undefined && { ownCheckTimeout: config.own_check_timeout }),
    roles: config.roles ?? {},
    extract: config.extract ?? [],
    searchPath: process.env.PATH ?? "",
    deploys: (config.deploys ?? []).map((deploy) => {
      const { time, label } = typeof deploy === "string" ? { time: deploy, label: undefined } : deploy;
      const read = readTime(time, "deploys", { now: Date.parse(now), timezone, dateMeans: "start" });
      return { time: read, label: label ?? "deploy" };
    }),
    diagnosis: {
      restart_hours: config.diagnosis?.restart_hours ?? 2,
      commit_hours: config.diagnosis?.commit_hours ?? 24,
    },
    samples: given["no-samples"] === undefined,
    memoryLimit,
    threads:
      given["threads"] === undefined ? availableParallelism() : readCount(text("threads")!, "--threads"),
    tempDir: resolve(text("temp-dir") ?? tmpdir()),
    dbFile: text("db") === undefined ? null : resolve(text("db")!),
    maxRejected: config.max_rejected ?? MAX_REJECTED,
    suppressions: config.suppress ? suppressionsOf(config.suppress) : [],
    expect: Object.fromEntries(
      Object.entries(config.expect ?? {}).map(([table, given]) => [table, expectationsOf(given)]),
    ),
    baseline: await acceptedBy(invocation, accepted),
    named: "",
  };
  if (settings.since !== null && settings.until !== null && settings.since > settings.until)
    throw new UserError("--since is later than --until");
  return {
    settings,
    failOn: choiceOf(invocation, "fail-on", config.fail_on ?? "error") as FailOn,
    severity: choiceOf(invocation, "severity", config.severity ?? "info") as Severity,
    format: choiceOf(invocation, "format", "text"),
    configured: new Map(
      [...(loaded?.inputLines ?? [])].map(([path, line]) => [path, { path: loaded!.shown, line }]),
    ),
    baselineFile: accepted,
    progress: given["no-progress"] !== true,
  };
}

/** The baseline of a command that compares with it; `baseline write` replaces whatever is there. */
async function acceptedBy({ command, args }: Invocation, file: BaselineFile): Promise<LoadedBaseline | null> {
  const compares = command === "audit" || (command === "baseline" && args[0] === "prune");
  return compares ? loadBaseline(file, process.cwd()) : null;
}

function configuredInputs(config: Config): InputSpec[] {
  return (config.inputs ?? []).map((input) =>
    typeof input === "string"
      ? { name: null, path: input, timezone: null }
      : { name: input.name ?? null, path: input.path, timezone: input.timezone ?? null },
  );
}

function configuredChecks(config: Config): Settings["checks"] {
  const checks: Settings["checks"] = {};
  if (Array.isArray(config.checks)) return checks;
  for (const [id, entry] of Object.entries(config.checks ?? {})) {
    if (entry === undefined) continue;
    const { severity, ...options } = (
      typeof entry === "string" ? { severity: entry } : entry
    ) as CheckSettings & Record<string, OptionValue>;
    checks[id] = { ...(severity && { severity }), options: options as Record<string, OptionValue> };
  }
  return checks;
}

/** `billing=usage.db` names an input; `./a=b.db` and URLs are paths. */
function inputsOf(invocation: Invocation): InputSpec[] {
  const { command, args } = invocation;
  const paths =
    command === "query" || command === "baseline" ? args.slice(1) : command === "config" ? [] : args;
  return paths.map(inputOf);
}

function inputOf(arg: string): InputSpec {
  const named = /^([\p{L}_][\p{L}\p{N}_-]*)=(.+)$/su.exec(arg);
  return named
    ? { name: named[1]!, path: named[2]!, timezone: null }
    : { name: null, path: arg, timezone: null };
}

/** What libpq takes from the environment, and where it looks for services and certificates. */
function postgresSettings(): PostgresSettings {
  const { PGSERVICE, PGSERVICEFILE, PGSYSCONFDIR, PGSSLMODE, PGSSLROOTCERT } = process.env;
  const trusted = join(homedir(), ".postgresql", "root.crt");
  return {
    service: PGSERVICE ?? null,
    serviceFiles: [
      PGSERVICEFILE ?? join(homedir(), ".pg_service.conf"),
      join(PGSYSCONFDIR ?? "/etc/postgresql-common", "pg_service.conf"),
    ],
    sslmode: PGSSLMODE ?? null,
    sslRootCertificate: PGSSLROOTCERT ?? (existsSync(trusted) ? trusted : null),
  };
}

/** Check ids, or prefixes that end in `*`; each must name at least one check. */
export function patternsOf(
  patterns: readonly string[],
  where: string,
  checks: readonly CheckInfo[],
  own = false,
): string[] {
  const ids = [...checks.map((check) => check.id), ...EXPECTATION_IDS];
  const wanted = patterns.map((pattern) => pattern.trim()).filter((pattern) => pattern !== "");
  for (const pattern of wanted) {
    const known = pattern.endsWith("*")
      ? ids.some((id) => id.startsWith(pattern.slice(0, -1)))
      : ids.includes(pattern);
    // What own checks are called is known once they are loaded.
    if (!known && !own)
      throw new UserError(
        `${where}: unknown check "${pattern}"${didYouMean(pattern, ids) || "; trueup list names them"}`,
      );
  }
  return wanted;
}
