/** Who may import whom, and who may touch what: the rules of docs/ARCHITECTURE.md, held by reading the sources. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { describe, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "..");

interface Rule {
  /** The folder or file the rule is about. */
  from: string;
  may: readonly string[];
  why: string;
}

/** Everything that is not named here is forbidden; a folder may always import itself. */
const RULES: readonly Rule[] = [
  { from: "src/contract", may: [], why: "the words that all parts share depend on none of them" },
  {
    from: "src/analysis",
    may: ["src/contract"],
    why: "what checks and hypotheses compute alike is SQL text and arithmetic, whatever engine runs it",
  },
  {
    from: "checks",
    may: ["src/contract", "src/analysis"],
    why: "a check is a query over the evidence, whatever engine runs it",
  },
  { from: "src/store", may: ["src/contract"], why: "the door to DuckDB knows nothing of audits" },
  { from: "src/catalog", may: ["src/contract", "src/store"], why: "it reads tables, whatever loaded them" },
  { from: "src/lineage", may: ["src/contract", "src/store"], why: "code facts are tables like any other" },
  {
    from: "src/engine",
    may: ["src/contract", "src/analysis", "src/store"],
    why: "it runs checks that it does not know",
  },
  { from: "src/findings", may: ["src/contract"], why: "what is found is plain data" },
  {
    from: "src/diagnosis",
    may: ["src/contract", "src/analysis", "src/store"],
    why: "a hypothesis is tested on the evidence, whatever found the incident",
  },
  { from: "src/report", may: ["src/contract"], why: "a renderer turns a report into text and nothing else" },
  { from: "src/config", may: ["src/contract"], why: "settings are read before anything is loaded" },
  {
    from: "src/repair",
    may: ["src/contract", "src/store"],
    why: "it carries out what checks planned, whichever they are",
  },
  {
    from: "src/intake",
    may: ["src/contract", "src/store"],
    why: "a loader fills the store and judges nothing",
  },
  {
    from: "src/cli",
    may: ["src/contract", "src/index.ts", "src/config", "src/report"],
    why: "the command uses the library as anyone would",
  },
  {
    from: "src/testing",
    may: ["src/contract", "src/store", "src/catalog", "src/engine"],
    why: "a test of an own check runs it as an audit would",
  },
  { from: "bin", may: ["src/cli"], why: "the file that npm links has nothing to decide" },
];

/** The composition root: the library, how it loads its evidence, and how it repairs. */
const ROOT_FILES = ["src/backfill.ts", "src/evidence.ts", "src/index.ts"];

/** It may use every part but the command. */
const INDEX_MAY = RULES.map((rule) => rule.from).filter(
  (from) => from.startsWith("src/") && from !== "src/cli" && from !== "src/testing",
);

interface Edge {
  from: string;
  to: string;
}

/** Every TypeScript file below a folder, relative to the root, with `/`. */
function sourcesBelow(folder: string): string[] {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => `${folder}/${file.split(sep).join("/")}`)
    .sort();
}

const FILES = [...sourcesBelow("src"), ...sourcesBelow("checks"), ...sourcesBelow("bin")];

/** The code without its comments; texts stay, so that import paths do. */
function codeOf(file: string): string {
  const text = readFileSync(join(ROOT, file), "utf8");
  return text.replace(
    /("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)|\/\*[\s\S]*?\*\/|(?<![:\\])\/\/[^\n]*/g,
    (whole, quoted?: string) => (quoted === undefined ? " " : whole),
  );
}

/** Static, re-exporting, dynamic and type imports. */
function importsOf(file: string): string[] {
  const code = codeOf(file);
  const statics = code.matchAll(
    /^\s*(?:import|export)\b[^;"'`]*?\bfrom\s*["']([^"']+)["']|^\s*import\s*["']([^"']+)["']/gm,
  );
  const dynamic = code.matchAll(/\b(?:import|require)\s*\(\s*["'`]([^"'`]+)["'`]/g);
  return [...statics, ...dynamic].map((match) => (match[1] ?? match[2])!);
}

/** The rule's folder (or the root file) that a source belongs to. */
function partOf(file: string): string {
  return RULES.find((rule) => file.startsWith(`${rule.from}/`))?.from ?? file;
}

const EDGES: Edge[] = FILES.flatMap((file) =>
  importsOf(file)
    .filter((target) => target.startsWith("."))
    .map((target) => ({
      from: file,
      to: relative(ROOT, join(ROOT, dirname(file), target))
        .split(sep)
        .join("/"),
    })),
);

const PACKAGE_USES = FILES.flatMap((file) =>
  importsOf(file)
    .filter((target) => !target.startsWith("."))
    .map((target) => ({ file, target })),
);

const within = (file: string, folders: readonly string[]) =>
  folders.some((folder) => file === folder || file.startsWith(`${folder}/`));

describe("who may import whom", () => {
  test("the test sees the imports", () => {
    expect(EDGES.length).toBeGreaterThan(100);
    expect(EDGES).toContainEqual({ from: "bin/trueup.ts", to: "src/cli/main.ts" });
    expect(
      EDGES.some((edge) => edge.from === "src/cli/main.ts" && edge.to === "src/cli/commands/audit.ts"),
    ).toBe(true);
    for (const edge of EDGES)
      expect(existsSync(join(ROOT, edge.to)), `${edge.from} imports ${edge.to}`).toBe(true);
  });

  test("every rule is about a folder that is there, and every file has a rule", () => {
    for (const { from, may } of RULES)
      for (const name of [from, ...may]) expect(existsSync(join(ROOT, name)), name).toBe(true);
    expect(FILES.filter((file) => partOf(file) === file)).toEqual([...ROOT_FILES]);
  });

  test.each(RULES)("$from: $why", ({ from, may }) => {
    const forbidden = EDGES.filter(
      (edge) => within(edge.from, [from]) && !within(edge.to, [from, ...may]),
    ).map((edge) => `${edge.from} imports ${edge.to}`);
    expect(forbidden).toEqual([]);
  });

  test("the composition root uses every part but the command", () => {
    const parts = EDGES.filter((edge) => ROOT_FILES.includes(edge.from)).map((edge) => partOf(edge.to));
    expect(parts.filter((part) => !INDEX_MAY.includes(part) && !ROOT_FILES.includes(part))).toEqual([]);
  });
});

/** A module or global, and the only places that may use it. */
const TOUCHES: readonly { what: string; pattern: RegExp; only: readonly string[] }[] = [
  {
    what: "standard streams, the environment and the working directory",
    pattern: /\bprocess\.(?:stdout|stderr|stdin|env|argv|exit|exitCode|cwd|on)\b|\bconsole\./,
    only: ["src/cli", "bin"],
  },
  {
    what: "the clock",
    pattern: /\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(/,
    only: ["src/cli"],
  },
];

const MODULES: readonly { module: RegExp; only: readonly string[] }[] = [
  { module: /^@duckdb\//, only: ["src/store"] },
  {
    module: /^(?:node:)?fs(?:\/promises)?$/,
    only: [
      "src/config",
      "src/intake",
      "src/lineage",
      "src/store",
      "src/repair",
      "src/cli",
      "src/engine/discover.ts",
      "src/engine/own/read.ts",
      "src/diagnosis/discover.ts",
    ],
  },
  { module: /^(?:commander|ora)$/, only: ["src/cli"] },
  { module: /^(?:chalk|cli-table3|string-width)$/, only: ["src/report"] },
  { module: /^(?:zod|yaml)$/, only: ["src/config"] },
];

describe("who may touch what", () => {
  test.each(TOUCHES)("$what", ({ pattern, only }) => {
    const users = FILES.filter((file) => pattern.test(codeOf(file)));
    expect(users.length, "somebody uses it").toBeGreaterThan(0);
    expect(users.filter((file) => !within(file, only))).toEqual([]);
  });

  test.each(MODULES)("$module", ({ module, only }) => {
    const users = PACKAGE_USES.filter((use) => module.test(use.target)).map((use) => use.file);
    expect(users.length, "somebody uses it").toBeGreaterThan(0);
    expect(users.filter((file) => !within(file, only))).toEqual([]);
  });

  test("nothing in src names a check", () => {
    const ids = sourcesBelow("checks").map((file) => file.replace(/^checks\/|\.ts$/g, ""));
    expect(ids.length).toBeGreaterThan(0);
    const named = FILES.filter((file) => file.startsWith("src/")).flatMap((file) => {
      const code = codeOf(file);
      return ids
        .filter((id) => new RegExp(`["'\`]${id}["'\`]`).test(code))
        .map((id) => `${file} names ${id}`);
    });
    expect(named).toEqual([]);
  });
});

describe("one name in three places", () => {
  const names = (folder: string, ending: string) =>
    readdirSync(join(ROOT, folder))
      .filter((file) => file.endsWith(ending))
      .map((file) => file.slice(0, -ending.length))
      .sort();
  const checks = names("checks", ".ts");

  test("checks/ holds checks and nothing else", () => {
    expect(checks.length).toBeGreaterThan(0);
    expect(
      readdirSync(join(ROOT, "checks")).filter((file) => !/^[a-z]+(?:-[a-z]+)*\.ts$/.test(file)),
    ).toEqual([]);
  });

  test("every check has a test, and every test of a check a check", () => {
    // `healthy` holds the sources on which every check must stay silent.
    expect(names("tests/checks", ".test.ts").filter((name) => name !== "healthy")).toEqual(checks);
  });

  test("every check has a page, and every page a check", () => {
    expect(names("docs/checks", ".md").filter((name) => name !== "README")).toEqual(checks);
  });
});
