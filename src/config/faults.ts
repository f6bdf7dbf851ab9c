/** Says what is wrong with a trueup.yaml: one line for each fault, with the nearest right name. */

import type { z } from "zod";
import { EXPECTATION_IDS } from "../contract/accepted.ts";
import { RESERVED_NAMES } from "../contract/evidence.ts";
import { globMatches } from "../contract/glob.ts";
import { didYouMean } from "../contract/nearest.ts";
import { ROLES } from "../contract/roles.ts";
import { ownChecksOf } from "./accepted.ts";
import type { Config, ConfigurableCheck } from "./schema.ts";

export type Path = readonly PropertyKey[];

export interface Fault {
  path: Path;
  /** The key itself is wrong, not its value. */
  atKey: boolean;
  text: string;
}

type Issue = z.core.$ZodIssue;

/** What the schema refuses. `schema` is its JSON form: it knows the keys of every place. */
export function schemaFaults(issues: readonly Issue[], schema: object): Fault[] {
  return issues.flatMap((issue) => flatten(issue, [])).flatMap((issue) => faultsOf(issue, schema));
}

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
  // A union may say itself what it takes.
  if (issue.message !== "Invalid input") return [{ code: "custom", path, message: issue.message } as Issue];
  const choices = branches.flat().flatMap((i) => (i.code === "invalid_value" ? i.values.map(String) : []));
  const kinds = branches
    .flat()
    .flatMap((i) => (i.code !== "invalid_value" && "expected" in i ? [kindName(i.expected)] : []));
  const expected = [choices.join(", "), ...kinds].filter(Boolean).join(" or ");
  return [{ code: "custom", path, message: `expected ${expected}${meant(issue.input, choices)}` } as Issue];
}

function meant(given: unknown, choices: readonly string[]): string {
  return typeof given === "string" ? didYouMean(given, choices) : "";
}

function faultsOf(issue: Issue, schema: object): Fault[] {
  if (issue.code === "unrecognized_keys") {
    const known = keysAt(schema, issue.path);
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
        return `expected one of ${issue.values.join(", ")}${meant(issue.input, issue.values.map(String))}`;
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
  tuple: "a list",
  string: "a text",
  boolean: "true or false",
  int: "a whole number",
};

/** What YAML calls it. */
function kindName(expected: string): string {
  return KIND_NAMES[expected] ?? `a ${expected}`;
}

interface SchemaNode {
  properties?: Record<string, SchemaNode>;
  additionalProperties?: SchemaNode | boolean;
  items?: SchemaNode;
  anyOf?: SchemaNode[];
}

/** The keys that a JSON Schema knows at a path, in whatever branch. */
function keysAt(schema: SchemaNode, path: Path): string[] {
  const branches = (node: SchemaNode): SchemaNode[] => [node, ...(node.anyOf ?? []).flatMap(branches)];
  let nodes = branches(schema);
  for (const step of path)
    nodes = nodes
      .flatMap(({ properties, additionalProperties, items }) => {
        const more = typeof additionalProperties === "object" ? additionalProperties : undefined;
        return [typeof step === "number" ? items : (properties?.[String(step)] ?? more)];
      })
      .flatMap((node) => (node ? branches(node) : []));
  return nodes.flatMap((node) => Object.keys(node.properties ?? {}));
}

/** What no schema can say: names of checks, patterns and names of inputs. */
export function valueFaults(config: Config, checks: readonly ConfigurableCheck[]): Fault[] {
  return [...checkFaults(config, checks), ...patternFaults(config), ...inputFaults(config)];
}

/** `select`, `ignore` and suppressions must name checks that are there; ids of own checks are known only later. */
function checkFaults(config: Config, checks: readonly ConfigurableCheck[]): Fault[] {
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
  const expected = Object.entries(config.expect ?? {}).flatMap(([table, { matches = {} }]) =>
    Object.entries(matches).flatMap(([column, pattern]): Fault[] => {
      const text = patternFault(pattern);
      return text === null ? [] : [{ path: ["expect", table, "matches", column], atKey: false, text }];
    }),
  );
  const extracted = (config.extract ?? []).flatMap(({ pattern }, i): Fault[] => {
    const path = ["extract", i, "pattern"];
    const text = patternFault(pattern);
    if (text !== null) return [{ path, atKey: false, text }];
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
  return [...expected, ...extracted];
}

/** Two inputs of one name could not be told apart, and trueup's own schemas are no inputs. */
function inputFaults(config: Config): Fault[] {
  const taken = new Set<string>();
  return (config.inputs ?? []).flatMap((input, i): Fault[] => {
    const name = typeof input === "string" ? undefined : input.name?.toLowerCase();
    if (name === undefined) return [];
    const fault = (text: string): Fault[] => [{ path: ["inputs", i, "name"], atKey: false, text }];
    if (RESERVED_NAMES.has(name)) return fault(`the name "${name}" is trueup's own; take another`);
    if (taken.has(name)) return fault(`the name "${name}" is taken by another input`);
    taken.add(name);
    return [];
  });
}

/** Why RE2 would refuse a pattern, or null; what only RE2 knows is told when it runs. */
function patternFault(pattern: string): string | null {
  const groups = pattern.replace(/\\[^1-9]/g, "").replace(/\[[^\]]*\]/g, "");
  if (/(?<!\\)\(\?<?[=!]/.test(groups)) return "RE2 has no lookahead and no lookbehind";
  if (/\\[1-9]/.test(groups)) return "RE2 has no backreferences";
  const common = pattern
    .replace(/\(\?P</g, "(?<")
    .replace(/\(\?[a-zA-Z-]+\)/g, "")
    .replace(/\(\?[a-zA-Z-]+:/g, "(?:");
  try {
    new RegExp(common);
    return null;
  } catch (error) {
    const why = (error as Error).message.split(": ").at(-1)!;
    return `no pattern: ${why[0]!.toLowerCase()}${why.slice(1)}`;
  }
}
