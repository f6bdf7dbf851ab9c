/** Turns the tables of options.ts into a parser and into help, with commander. */

import { Command, type CommanderError, Option } from "commander";
import { UserError } from "../contract/errors.ts";
import { didYouMean, nearest } from "../contract/nearest.ts";
import { COMMANDS, type CommandEntry, type CommandName, EXIT_CODES } from "./command-list.ts";
import { OPTION_GROUPS, OPTIONS, type OptionEntry } from "./options.ts";
import { readChoice } from "./values.ts";

/** What stood on the command line, as text: the values are read in settings.ts. */
export interface Invocation {
  command: CommandName;
  args: string[];
  /** Of the options given: text, the texts of a repeatable one, or true for a flag. */
  given: Record<string, string | string[] | true>;
}

export type Parsed = Invocation | { help: string } | { version: true };

const HELP_FLAGS = ["--help", "-h"];
const VERSION_FLAGS = ["--version", "-V"];

/**
 * Reads one command line (without `node` and the script). `isInput` tells whether a word can be an input rather than
 * a command that was mistyped.
 * @throws UserError with one line that names what is wrong and the nearest right name.
 */
export function parseArguments(
  argv: readonly string[],
  width: number,
  isInput: (word: string) => boolean,
): Parsed {
  const end = argv.includes("--") ? argv.indexOf("--") : argv.length;
  const asks = (flags: string[]) => argv.slice(0, end).some((word) => flags.includes(word));
  const { command, rest } = splitCommand(argv.slice(0, end), isInput);
  if (command === "help") {
    const topic = rest.find((word) => !word.startsWith("-"));
    return { help: topic === undefined ? overview(width) : commandHelp(entryOf(topic), width) };
  }
  if (asks(HELP_FLAGS))
    return { help: command === null ? overview(width) : commandHelp(entryOf(command), width) };
  if (asks(VERSION_FLAGS)) return { version: true };
  const entry = entryOf(command ?? "audit");
  const parser = parserOf(entry);
  try {
    parser.parse([...rest, ...argv.slice(end)], { from: "user" });
  } catch (error) {
    throw new UserError(faultOf(error as CommanderError, entry));
  }
  const given: Invocation["given"] = {};
  for (const option of optionsOf(entry)) {
    const value = parser.getOptionValue(new Option(`--${option.name}`).attributeName()) as
      | string
      | string[]
      | boolean
      | undefined;
    if (option.kind !== "flag" && value !== undefined) given[option.name] = value as string | string[];
    if (option.kind === "flag" && value === !option.name.startsWith("no-")) given[option.name] = true;
  }
  return { command: entry.name, args: parser.args, given };
}

/** The command is the first word that is no option; options may stand before it. Null when the word is an input. */
function splitCommand(
  argv: readonly string[],
  isInput: (word: string) => boolean,
): { command: string | null; rest: string[] } {
  const names = new Set<string>([...COMMANDS.map((c) => c.name), "help"]);
  const takeValue = new Set(OPTIONS.filter((o) => o.kind !== "flag").map((o) => `--${o.name}`));
  let at = 0;
  while (at < argv.length && argv[at]!.startsWith("-") && argv[at] !== "-")
    at += takeValue.has(argv[at]!) ? 2 : 1;
  const word = argv[at];
  if (word === undefined) return { command: null, rest: [...argv] };
  if (!names.has(word)) {
    if (/^[a-z]+$/.test(word) && nearest(word, names) !== null && !isInput(word)) entryOf(word);
    return { command: null, rest: [...argv] };
  }
  return { command: word, rest: [...argv.slice(0, at), ...argv.slice(at + 1)] };
}

function entryOf(name: string): CommandEntry {
  const names = COMMANDS.map((c) => c.name);
  const entry = COMMANDS.find((c) => c.name === name);
  if (!entry)
    throw new UserError(`unknown command "${name}"${didYouMean(name, names)}; trueup --help lists them`);
  return entry;
}

function optionsOf(entry: CommandEntry): OptionEntry[] {
  return OPTION_GROUPS.flatMap((group) =>
    OPTIONS.filter((o) => o.group === group && o.commands.includes(entry.name)),
  );
}

function parserOf(entry: CommandEntry): Command {
  const parser = new Command(`trueup ${entry.name}`)
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .showSuggestionAfterError(false)
    .helpOption(false)
    .allowExcessArguments(false);
  if (entry.args !== "") parser.arguments(entry.args);
  for (const entryOption of optionsOf(entry)) parser.addOption(optionOf(entryOption));
  return parser;
}

function optionOf(entry: OptionEntry): Option {
  const choices = entry.choices ? ` (${entry.choices.join(", ")})` : "";
  const preset = entry.defaultText ? ` [${entry.defaultText}]` : "";
  const option = new Option(
    `--${entry.name}${entry.value ? ` <${entry.value}>` : ""}`,
    `${entry.describe}${choices}${preset}`,
  ).helpGroup(`${entry.group}:`);
  if (entry.kind === "list") option.argParser((text: string, before?: string[]) => [...(before ?? []), text]);
  return option;
}

/** One line from what commander has to say. */
function faultOf(error: CommanderError, entry: CommandEntry): string {
  const quoted = /'([^']*)'/.exec(error.message)?.[1] ?? "";
  const see = `trueup ${entry.name} --help`;
  switch (error.code) {
    case "commander.unknownOption": {
      const flag = quoted.split("=", 1)[0]!;
      const elsewhere = OPTIONS.find((o) => `--${o.name}` === flag)?.commands;
      if (elsewhere)
        return `${flag} is an option of ${elsewhere.join(", ")}, not of ${entry.name}; see ${see}`;
      const names = optionsOf(entry).map((o) => o.name);
      return `unknown option ${flag}${didYouMean(flag.replace(/^-+/, ""), names, "--") || `; see ${see}`}`;
    }
    case "commander.optionMissingArgument":
      return `${quoted.split(" ")[0]} needs a value: ${quoted}`;
    case "commander.missingArgument":
      return `${entry.name} needs ${entry.args.split(" ")[0]}; see ${see}`;
    case "commander.excessArguments":
      return `${entry.name} takes ${entry.args === "" ? "no arguments" : `only ${entry.args}`}; see ${see}`;
    default:
      return error.message.replace(/^error: /, "").split("\n")[0]!;
  }
}

/** The value of a choice, checked; `fallback` when it was not given. */
export function choiceOf({ command, given }: Invocation, name: string, fallback: string): string {
  const option = OPTIONS.find((o) => o.name === name && o.commands.includes(command));
  return option ? readChoice((given[name] as string) ?? fallback, option.choices!, `--${name}`) : fallback;
}

/** `trueup --help`. */
function overview(width: number): string {
  const parser = new Command("trueup")
    .usage("[command] [inputs...] [options]")
    .description(
      "Audits usage data (tokens, costs, traces) across logs, databases and the code between them.",
    )
    .helpOption(false)
    .helpCommand(false)
    .configureHelp({ helpWidth: width });
  for (const entry of COMMANDS) {
    const command = parser.command(entry.name).description(entry.summary).helpOption(false);
    if (entry.args !== "") command.arguments(entry.args);
  }
  const examples = COMMANDS.flatMap((entry) => entry.examples.slice(0, 1));
  return [
    parser.helpInformation().trimEnd(),
    "",
    section("Examples", examples),
    section(
      "Exit codes",
      EXIT_CODES.map(([code, meaning]) => `${String(code).padEnd(5)}${meaning}`),
    ),
    "trueup help <command> tells a command's options; trueup --version its version.\n",
  ].join("\n");
}

/** `trueup <command> --help`. */
function commandHelp(entry: CommandEntry, width: number): string {
  const parser = parserOf(entry).configureHelp({ helpWidth: width });
  parser.description(
    [`${entry.summary[0]!.toUpperCase()}${entry.summary.slice(1)}.`, entry.details].join("\n\n").trim(),
  );
  return `${parser.helpInformation().trimEnd()}\n\n${section("Examples", entry.examples)}`;
}

function section(title: string, lines: readonly string[]): string {
  return `${title}:\n${lines.map((line) => `  ${line}\n`).join("")}`;
}
