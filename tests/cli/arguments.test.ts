import { describe, expect, test } from "vitest";
import { COMMANDS } from "../../src/cli/command-list.ts";
import { OPTIONS } from "../../src/cli/options.ts";
import { type Invocation, parseArguments } from "../../src/cli/program.ts";

const parse = (...argv: string[]) => parseArguments(argv, 80, () => false);
const run = (...argv: string[]) => parse(...argv) as Invocation;
const help = (...argv: string[]) => (parse(...argv) as { help: string }).help;

describe("the command line", () => {
  test.each<[string, string[], Partial<Invocation>]>([
    ["audit is the default", ["app.log"], { command: "audit", args: ["app.log"], given: {} }],
    ["nothing at all audits what is here", [], { command: "audit", args: [], given: {} }],
    [
      "options may stand before the command",
      ["--select", "x", "audit", "a"],
      { command: "audit", args: ["a"], given: { select: ["x"] } },
    ],
    [
      "options may stand between inputs",
      ["a", "--since", "7d", "b"],
      { command: "audit", args: ["a", "b"], given: { since: "7d" } },
    ],
    [
      "a value may follow =",
      ["a", "--format=json"],
      { command: "audit", args: ["a"], given: { format: "json" } },
    ],
    [
      "lists repeat",
      ["--ignore", "a", "--ignore", "b,c"],
      { command: "audit", given: { ignore: ["a", "b,c"] } },
    ],
    [
      "a flag is given or not",
      ["a", "--no-samples"],
      { command: "audit", args: ["a"], given: { "no-samples": true } },
    ],
    ["- is standard input", ["-", "usage.db"], { command: "audit", args: ["-", "usage.db"] }],
    [
      "after -- everything is an input",
      ["audit", "--", "--odd", "list"],
      { command: "audit", args: ["--odd", "list"] },
    ],
    [
      "query takes SQL first",
      ["query", "SELECT 1", "a.db"],
      { command: "query", args: ["SELECT 1", "a.db"] },
    ],
    [
      "a value that looks like a command is a value",
      ["--timezone", "list", "a"],
      { command: "audit", args: ["a"], given: { timezone: "list" } },
    ],
  ])("%s", (_, argv, expected) => {
    expect(run(...argv)).toMatchObject(expected);
  });

  test.each<[string, string[], string]>([
    ["a mistyped command", ["aduit", "app.log"], 'unknown command "aduit", did you mean "audit"?'],
    ["a mistyped command of help", ["help", "qery"], 'unknown command "qery", did you mean "query"?'],
    ["a mistyped option", ["a", "--selct", "x"], 'unknown option --selct, did you mean "--select"?'],
    [
      "a mistyped option with a value",
      ["a", "--formt=json"],
      'unknown option --formt, did you mean "--format"?',
    ],
    [
      "an option that nothing resembles",
      ["a", "--qqqqqqqq"],
      "unknown option --qqqqqqqq; see trueup audit --help",
    ],
    ["an option of another command", ["list", "--since", "7d"], ", not of list; see trueup list --help"],
    ["a value that is missing", ["a", "--since"], "--since needs a value"],
    ["an argument that is missing", ["query"], "query needs <sql>"],
    ["an argument too many", ["list", "x"], "list takes no arguments"],
  ])("%s is told in one line", (_, argv, message) => {
    expect(() => parse(...argv)).toThrow(message);
  });

  test("a word that is a file is an input, whatever it resembles", () => {
    expect(parseArguments(["aduit"], 80, () => true)).toMatchObject({ command: "audit", args: ["aduit"] });
  });

  test("help tells every command, and every command its options", () => {
    for (const { name } of COMMANDS) expect(help("--help")).toContain(`  ${name}`);
    for (const { name } of COMMANDS) {
      const text = help(name, "--help");
      expect(help("help", name)).toBe(text);
      for (const option of OPTIONS)
        if (option.commands.includes(name))
          expect(text, `${name} --${option.name}`).toContain(`--${option.name}`);
    }
  });

  test("the version is asked for with either flag", () => {
    expect(parse("--version")).toEqual({ version: true });
    expect(parse("-V")).toEqual({ version: true });
  });
});

describe("the option table", () => {
  test("names are unique, flags have no value, the others say what theirs is", () => {
    const names = OPTIONS.flatMap((option) => option.commands.map((command) => `${command} ${option.name}`));
    expect(new Set(names).size).toBe(names.length);
    for (const option of OPTIONS)
      expect(option.kind === "flag", option.name).toBe(option.value === undefined);
    for (const option of OPTIONS)
      expect(option.kind === "choice", option.name).toBe(option.choices !== undefined);
  });
});
