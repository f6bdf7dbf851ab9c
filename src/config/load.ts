/** Reads and validates trueup.yaml; every fault is told with its position. */

import { readFileSync } from "node:fs";
import { dirname, relative, resolve, sep } from "node:path";
import { isMap, isNode, isPair, LineCounter, parseDocument } from "yaml";
import type { z } from "zod";
import { EXPECTATION_IDS, EXPECTATION_KINDS } from "../contract/accepted.ts";
import { messageOf, UserError } from "../contract/errors.ts";
import { globMatches } from "../contract/glob.ts";
import { didYouMean } from "../contract/nearest.ts";
import { ROLES } from "../contract/roles.ts";
import { ownChecksOf } from "./accepted.ts";
import { type Config, type ConfigurableCheck, configSchema } from "./schema.ts";

/** A configuration file with faults. `faults` are one line each: `trueup.yaml:12:3: unknown key "selekt"`. */
export class ConfigError extends UserError {
  readonly faults: readonly string[];
  constructor(faults: readonly string[]) {
    super(faults[0]!);
    this.faults = faults;
  }
}

export interface LoadedConfig {
  /** Absolute. */
  file: string;
  config: Config;
  /** The line, from 1, that names an input, by the path as in `config`. */
  inputLines: ReadonlyMap<string, number>;
}

type Path = readonly PropertyKey[];

/**
 * Reads one file. Paths in it become relative to `cwd`.
 * @throws ConfigError with every fault; UserError when the file cannot be read.
 */
export function loadConfig(file: string, checks: readonly ConfigurableCheck[], cwd: string): LoadedConfig {
  const shown = relative(cwd, file).split(sep).join("/");
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new UserError(`${shown}: cannot be read: ${messageOf(error)}`);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${shown}:${line}:${col}`;
  };
  if (document.errors.length > 0)
    throw new ConfigError(document.errors.map((e) => `${at(e.pos[0])}: ${e.message.split("\n")[0]}`));
  let value: unknown;
  try {
    value = document.toJS() ?? {};
  } catch (error) {
    throw new ConfigError([`${shown}:1:1: ${messageOf(error)}`]);
  }
  const parsed = configSchema(checks, hasOwn(value)).safeParse(value);
  const issues = parsed.success ? [] : parsed.error.issues.flatMap((issue) => flatten(issue, []));
  const faults = issues.flatMap((issue) => faultsOf(issue, checks));
  if (parsed.success) faults.push(...namesFaults(parsed.data, checks), ...patternFaults(parsed.data));
  if (faults.length > 0) {
    const placed = faults.map((fault) => ({
      offset: offsetOf(document.contents, fault.path, fault.atKey),
      fault,
    }));
    placed.sort((a, b) => a.offset - b.offset);
    throw new ConfigError([...new Set(placed.map(({ offset, fault }) => `${at(offset)}: ${fault.text}`))]);
  }
  const config = parsed.data!;
  const inputs = config.inputs?.map((input) => moved(input, file, cwd));
  const lineOf = (i: number) => lines.linePos(offsetOf(document.contents, ["inputs", i], false)).line;
  return {
    file,
    inputLines: new Map(
      inputs?.map((input, i) => [typeof input === "string" ? input : input.path, lineOf(i)]),
    ),
    config: { ...config, ...(inputs && { inputs }) },
  };
}

/** Whether the file names own checks, whose settings nothing can be known of yet. */
function hasOwn(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.hasOwn(value, "own_checks");
}

interface Fault {
  path: Path;
  /** The key itself is wrong, not its value. */
  atKey: boolean;
  text: string;
}

type Issue = z.core.$ZodIssue;

/** Of a union that did not match, the faults of the branch that came furthest. */
function flatten(issue: Issue, prefix: Path): Issue[] {
  const path = [...prefix, ...issue.path];
  if (issue.code !== "invalid_union") return [{ ...issue, path } as Issue];
  const branches = issue.errors.map((errors) => errors.flatMap((inner) => flatten(inner, path)));
  const depth = (branch: Issue[]) =>
    Math.max(...branch.map((i) => i.path.length + (i.code === "unrecognized_keys" ? 1 : 0)));
  const deepest = branches.reduce(
    (best, branch) => (depth(branch) > depth(best) ? branch : best),
    branches[0]!,
  );
  if (depth(deepest) > path.length) return deepest;
  const expected = branches
    .flat()
    .map((i) =>
      i.code === "invalid_value" ? i.values.join(", ") : "expected" in i ? kindName(i.expected) : "",
    );
  return [
    {
      code: "custom",
      path,
      message: `expected ${expected.filter(Boolean).join(" or ")}`,
    } as Issue,
  ];
}

function faultsOf(issue: Issue, checks: readonly ConfigurableCheck[]): Fault[] {
  if (issue.code === "unrecognized_keys") {
    const known = knownKeys(issue.path, checks);
    const what = issue.path.length === 1 && issue.path[0] === "checks" ? "check" : "key";
    return issue.keys.map((key) => ({
      path: [...issue.path, key],
      atKey: true,
      text: `unknown ${what} "${key}"${didYouMean(key, known)}`,
    }));
  }
  const text = (() => {
    switch (issue.code) {
      case "invalid_type":
        return issue.input === undefined && issue.message.endsWith("undefined")
          ? `"${String(issue.path.at(-1))}" is missing`
          : `expected ${kindName(issue.expected)}`;
      case "invalid_value":
        return `expected one of ${issue.values.join(", ")}`;
      case "too_small":
        return issue.origin === "number" ? `must be at least ${issue.minimum}` : "must not be empty";
      case "too_big":
        return `must be at most ${issue.maximum}`;
      default:
        return issue.message;
    }
  })();
  return [{ path: issue.path, atKey: false, text }];
}

const KIND_NAMES: Readonly<Record<string, string>> = {
  object: "a map",
  record: "a map",
  array: "a list",
  string: "a text",
  boolean: "true or false",
};

/** What YAML calls it. */
function kindName(expected: string): string {
  return KIND_NAMES[expected] ?? `a ${expected}`;
}

/** The keys that the schema knows at a place, for suggestions. */
function knownKeys(path: Path, checks: readonly ConfigurableCheck[]): readonly string[] {
  if (path.length === 0) return Object.keys(configSchema(checks).shape);
  if (path[0] === "checks" && path.length === 1)
    return [...checks.map((check) => check.id), ...EXPECTATION_IDS];
  if (path[0] === "checks")
    return ["severity", ...Object.keys(checks.find((c) => c.id === path[1])?.options ?? {})];
  if (path[0] === "expect") return EXPECTATION_KINDS;
  if (path[0] === "suppress") return ["check", "table", "path", "reason", "until"];
  if (path[0] === "inputs") return ["path", "name", "timezone"];
  return ["name", "pattern", "anchors"];
}

/** `select`, `ignore` and suppressions must name checks that are there; ids of own checks are known only later. */
function namesFaults(config: Config, checks: readonly ConfigurableCheck[]): Fault[] {
  if (ownChecksOf(config).length > 0) return [];
  const ids = [...checks.map((check) => check.id), ...EXPECTATION_IDS];
  const named: { path: Path; pattern: string }[] = (["select", "ignore"] as const).flatMap((key) =>
    (config[key] ?? []).map((pattern, i) => ({ path: [key, i], pattern })),
  );
  for (const [i, { check }] of (config.suppress ?? []).entries())
    if (check !== undefined) named.push({ path: ["suppress", i, "check"], pattern: check });
  return named
    .filter(({ pattern }) => !ids.some((id) => globMatches(pattern, id, "name")))
    .map(({ path, pattern }) => ({
      path,
      atKey: false,
      text: `unknown check "${pattern}"${didYouMean(pattern, ids)}`,
    }));
}

/** The named groups of an extractor are roles; without one it could not yield anything. */
function patternFaults(config: Config): Fault[] {
  return (config.extract ?? []).flatMap(({ pattern }, i): Fault[] => {
    const path = ["extract", i, "pattern"];
    const groups = [...pattern.matchAll(/\(\?P?<([^=!>][^>]*)>/g)].map((match) => match[1]!);
    if (groups.length === 0)
      return [{ path, atKey: false, text: "has no named group; write (?P<input_tokens>\\d+)" }];
    return groups
      .filter((group) => !(ROLES as readonly string[]).includes(group))
      .map((group) => ({
        path,
        atKey: false,
        text: `the group "${group}" is no role${didYouMean(group, ROLES)}`,
      }));
  });
}

/** The offset of the node at a path, or of its nearest parent that is there. */
function offsetOf(root: unknown, path: Path, atKey: boolean): number {
  let node: unknown = root;
  let offset = 0;
  for (const [depth, step] of path.entries()) {
    if (isNode(node) && node.range) offset = node.range[0];
    if (isMap(node)) {
      const pair = node.items.find(
        (item) => isPair(item) && String(isNode(item.key) ? item.key.toString() : item.key) === String(step),
      );
      if (!pair) return offset;
      if (isNode(pair.key) && pair.key.range) offset = pair.key.range[0];
      if (atKey && depth === path.length - 1) return offset;
      node = pair.value;
    } else if (isNode(node) && "items" in node) node = (node as { items: unknown[] }).items[Number(step)];
    else return offset;
  }
  return isNode(node) && node.range ? node.range[0] : offset;
}

type ConfigInput = NonNullable<Config["inputs"]>[number];

/** A path of the file is relative to the file; settings want it relative to where trueup runs. */
function moved(input: ConfigInput, file: string, cwd: string): ConfigInput {
  const move = (path: string) =>
    path === "-" || /^[a-z][a-z0-9+.-]*:\/\//i.test(path)
      ? path
      : relative(cwd, resolve(dirname(file), path))
          .split(sep)
          .join("/") || ".";
  return typeof input === "string" ? move(input) : { ...input, path: move(input.path) };
}
