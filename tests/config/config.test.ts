import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { beforeEach, describe, expect, test } from "vitest";
import {
  ConfigError,
  type ConfigurableCheck,
  configJsonSchema,
  findConfig,
  loadConfig,
} from "../../src/config/index.ts";
import { temporaryFolder } from "../kit/command.ts";

const CHECKS: ConfigurableCheck[] = [
  {
    id: "missing-tokens",
    meta: { title: "Token counts are missing" },
    options: {
      max_ratio: { describe: "Share", default: 0.05 },
      ignore_models: { describe: "Models", default: [] as string[] },
    },
  },
  { id: "timeline-gap", meta: { title: "Silence" }, options: {} },
];

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});

function load(text: string, name = "trueup.yaml") {
  writeFileSync(join(folder, name), text);
  return loadConfig(join(folder, name), CHECKS, folder).config;
}

function faults(text: string): readonly string[] {
  try {
    load(text);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

const FULL = `
inputs:
  - app.log
  - { path: data/usage.db, name: billing, timezone: Europe/Berlin }
timezone: UTC
select: [missing-tokens, timeline-*]
ignore: []
checks:
  missing-tokens: { severity: warning, max_ratio: 0.2, ignore_models: [whisper] }
  timeline-gap: off
roles:
  billing.usage: { tin: input_tokens, note: null }
extract:
  - name: tokens
    pattern: 'used (?P<input_tokens>\\d+) and (?P<output_tokens>\\d+)'
    anchors: [used]
severity: warning
fail_on: never
max_rejected: 0.1
memory_limit: 512MiB
`;

describe("trueup.yaml", () => {
  test("takes every key", () => {
    expect(load(FULL)).toMatchObject({
      inputs: ["app.log", { path: "data/usage.db", name: "billing", timezone: "Europe/Berlin" }],
      checks: { "missing-tokens": { severity: "warning", max_ratio: 0.2 }, "timeline-gap": "off" },
      roles: { "billing.usage": { tin: "input_tokens", note: null } },
    });
  });

  test("may be empty or hold comments only", () => {
    expect(load("")).toEqual({});
    expect(load("# nothing yet\n")).toEqual({});
  });

  test.each<[string, string, string[]]>([
    [
      "an unknown key",
      "timezone: UTC\n  \nselekt: [x]\n",
      ['trueup.yaml:3:1: unknown key "selekt", did you mean "select"?'],
    ],
    [
      "an unknown check",
      "checks:\n  missing-tokns: off\n",
      ['trueup.yaml:2:3: unknown check "missing-tokns", did you mean "missing-tokens"?'],
    ],
    [
      "an unknown option",
      "checks:\n  missing-tokens:\n    max_ration: 1\n",
      ['trueup.yaml:3:5: unknown key "max_ration", did you mean "max_ratio"?'],
    ],
    [
      "an option of another type",
      "checks:\n  missing-tokens:\n    max_ratio: high\n",
      ["trueup.yaml:3:16: expected a number"],
    ],
    [
      "an unknown severity",
      "fail_on: errors\n",
      ["trueup.yaml:1:10: expected one of error, warning, info, never"],
    ],
    [
      "an unknown severity of a check",
      "checks:\n  timeline-gap: never\n",
      ["trueup.yaml:2:17: expected error, warning, info, off or a map"],
    ],
    [
      "an unknown role",
      "roles:\n  a.b:\n    c: tokens\n",
      ["trueup.yaml:3:8: expected one of time, end_time, id"],
    ],
    ["an unknown zone", "timezone: Mars/Olympus\n", ["trueup.yaml:1:11: no IANA time zone"]],
    [
      "an unknown check in select",
      "select:\n  - missing-tokns\n",
      ['trueup.yaml:2:5: unknown check "missing-tokns", did you mean "missing-tokens"?'],
    ],
    ["an input without a path", "inputs:\n  - name: x\n", ['trueup.yaml:2:5: "path" is missing']],
    [
      "an input with an unknown key",
      "inputs:\n  - path: x\n    zone: UTC\n",
      ['trueup.yaml:3:5: unknown key "zone"'],
    ],
    ["a ratio above 1", "max_rejected: 5\n", ["trueup.yaml:1:15: must be at most 1"]],
    ["a size that is none", "memory_limit: lots\n", ["trueup.yaml:1:15: no size; write 512MiB or 4GB"]],
    [
      "a pattern without roles",
      "extract:\n  - { name: a, pattern: 'x(\\d+)', anchors: [x] }\n",
      ["trueup.yaml:2:25: has no named group; write (?P<input_tokens>\\d+)"],
    ],
    [
      "a group that is no role",
      "extract:\n  - { name: a, pattern: '(?P<inputs_tokens>\\d+)', anchors: [x] }\n",
      ['the group "inputs_tokens" is no role, did you mean "input_tokens"?'],
    ],
    [
      "a severity cut short",
      "severity: warn\n",
      ['expected one of error, warning, info, did you mean "warning"?'],
    ],
    ["a zone misspelt", "timezone: Europe/Berln\n", ['no IANA time zone, did you mean "Europe/Berlin"?']],
    [
      "a role misspelt",
      "roles:\n  a.b: { c: input_token }\n",
      ["trueup.yaml:2:13: expected one of", 'did you mean "input_tokens"?'],
    ],
    [
      "two inputs of one name",
      "inputs:\n  - { path: a.log, name: x }\n  - { path: b.log, name: X }\n",
      ['trueup.yaml:3:26: the name "x" is taken by another input'],
    ],
    [
      "an input with a name of trueup's own",
      "inputs: [{ path: a.log, name: trueup }]\n",
      [`the name "trueup" is trueup's own; take another`],
    ],
    ["one input as a text", "inputs: app.log\n", ["trueup.yaml:1:9: expected a list"]],
    ["a day that is no time", "deploys: [yesterday]\n", ["trueup.yaml:1:11: no time; write 2025-11-23"]],
    [
      "a key of the diagnosis misspelt",
      "diagnosis: { restart_hour: 3 }\n",
      ['trueup.yaml:1:14: unknown key "restart_hour", did you mean "restart_hours"?'],
    ],
    [
      "an expectation misspelt",
      "expect:\n  usage: { notnull: [id] }\n",
      ['trueup.yaml:2:12: unknown key "notnull", did you mean "not_null"?'],
    ],
    [
      "a range of three",
      "expect:\n  usage: { between: { cost: [0, 5, 6] } }\n",
      ["trueup.yaml:2:29: write [min, max] or { min: …, max: … }"],
    ],
    [
      "a range from high to low",
      "expect:\n  usage: { between: { cost: [5, 0] } }\n",
      ["trueup.yaml:2:29: the lower end is above the upper one"],
    ],
    [
      "a range of days from late to early",
      "expect:\n  usage: { between: { day: { min: '2026-02-01', max: '2026-01-01' } } }\n",
      ["the lower end is above the upper one"],
    ],
    [
      "a bound misspelt",
      "expect:\n  usage: { row_count: { minimum: 1 } }\n",
      ['trueup.yaml:2:25: unknown key "minimum", did you mean "min"?'],
    ],
    [
      "a pattern that ends too early",
      "expect:\n  usage: { matches: { id: '[a-' } }\n",
      ["trueup.yaml:2:27: no pattern: unterminated character class"],
    ],
    [
      "a lookahead",
      "extract:\n  - { name: a, pattern: '(?=x)(?P<input_tokens>\\d+)', anchors: [x] }\n",
      ["trueup.yaml:2:25: RE2 has no lookahead and no lookbehind"],
    ],
    ["a backreference", "expect:\n  usage: { matches: { id: '(a)\\1' } }\n", ["RE2 has no backreferences"]],
    ["a suppression without a reason", "suppress:\n  - { check: timeline-gap }\n", ['"reason" is missing']],
    [
      "a suppression of everything",
      "suppress:\n  - { reason: noise }\n",
      ["trueup.yaml:2:5: needs check, table or path"],
    ],
    [
      "an end that is no date",
      "suppress:\n  - { check: timeline-gap, reason: x, until: next week }\n",
      ["trueup.yaml:2:46: no date; write 2026-01-31"],
    ],
    [
      "an end that no calendar has",
      "suppress:\n  - { check: timeline-gap, reason: x, until: 2026-02-31 }\n",
      ["trueup.yaml:2:46: no such date"],
    ],
    [
      "a suppression of an unknown check",
      "suppress:\n  - { check: timelin-gap, reason: x }\n",
      ['unknown check "timelin-gap", did you mean "timeline-gap"?'],
    ],
    [
      "a second document",
      "timezone: UTC\n---\ntimezone: UTC\n",
      ["trueup.yaml:2:1: a second document begins"],
    ],
    ["a key given twice", "timezone: UTC\ntimezone: UTC\n", ["trueup.yaml:2:1: Map keys must be unique"]],
    ["a list for the whole file", "- a\n", ["trueup.yaml:1:1: expected a map"]],
    ["broken YAML", "a: [1, 2\nb: }", ["trueup.yaml:"]],
  ])("%s is told with its position", (_, text, wanted) => {
    const found = faults(text);
    expect(found.length).toBeGreaterThan(0);
    for (const part of wanted) expect(found.join("\n")).toContain(part);
    for (const fault of found) expect(fault).not.toContain("\n");
  });

  test.each([
    "(?i)abc",
    "(?s:.)x",
    "\\(?=1",
    "[(?=]",
    "[[:alpha:]]+\\z",
    "\\\\1",
    "\\pN{2,}",
    "(?P<input_tokens>\\d+)",
  ])("the RE2 pattern %s is taken", (pattern) => {
    expect(load(`expect:\n  usage: { matches: { id: '${pattern}' } }\n`)).toBeDefined();
  });

  test("all faults are told at once, in the order of the file", () => {
    expect(
      faults("timezone: x1\nselekt: []\nmax_rejected: -1\nchecks: { nope: off }\n").map(
        (f) => f.split(": ")[0],
      ),
    ).toEqual(["trueup.yaml:1:11", "trueup.yaml:2:1", "trueup.yaml:3:15", "trueup.yaml:4:11"]);
  });

  test("paths are relative to the file, URLs and standard input stay", () => {
    mkdirSync(join(folder, "deep"));
    writeFileSync(
      join(folder, "trueup.yaml"),
      "inputs: [app.log, postgres://db/x, '-', { path: ../up.db }]\n",
    );
    const { config } = loadConfig(join(folder, "trueup.yaml"), CHECKS, join(folder, "deep"));
    expect(config.inputs).toEqual(["../app.log", "postgres://db/x", "-", { path: "../../up.db" }]);
  });

  test("an alias bomb is refused", () => {
    const levels = Array.from({ length: 30 }, (_, i) => `k${i + 1}: &k${i + 1} [*k${i}, *k${i}]`);
    expect(faults(`k0: &k0 [x]\n${levels.join("\n")}\n`).join()).toContain("Excessive alias count");
  });
});

describe("where trueup.yaml is found", () => {
  const touch = (...path: string[]) => {
    mkdirSync(join(folder, ...path.slice(0, -1)), { recursive: true });
    writeFileSync(join(folder, ...path), "");
  };

  test("here, before above", () => {
    touch(".git", "HEAD");
    touch("trueup.yaml");
    touch("a", "trueup.yml");
    expect(findConfig(join(folder, "a"))).toBe(join(folder, "a", "trueup.yml"));
    mkdirSync(join(folder, "b", "c"), { recursive: true });
    expect(findConfig(join(folder, "b", "c"))).toBe(join(folder, "trueup.yaml"));
  });

  test("never above the repository, and without one only here", () => {
    touch("trueup.yaml");
    touch("repo", ".git", "HEAD");
    mkdirSync(join(folder, "repo", "src"));
    expect(findConfig(join(folder, "repo", "src"))).toBeNull();
    mkdirSync(join(folder, "plain"));
    expect(findConfig(join(folder, "plain"))).toBeNull();
    expect(findConfig(folder)).toBe(join(folder, "trueup.yaml"));
  });
});

describe("the JSON Schema of trueup.yaml", () => {
  const validate = new Ajv2020({ strict: false }).compile(configJsonSchema(CHECKS));

  test("accepts what trueup accepts and knows every check and option", () => {
    expect(
      validate({ checks: { "missing-tokens": { max_ratio: 0.1 }, "timeline-gap": "off" }, inputs: ["a"] }),
    ).toBe(true);
    expect(validate({ selekt: [] })).toBe(false);
    expect(validate({ checks: { "missing-tokens": { max_ration: 0.1 } } })).toBe(false);
    expect(validate({ checks: { nope: "off" } })).toBe(false);
  });
});
