/** `trueup completion <shell>`: a completion script, made from the tables of commands and options. */

import { UserError } from "../../contract/errors.ts";
import { didYouMean } from "../../contract/nearest.ts";
import { COMMANDS, type CommandName } from "../command-list.ts";
import { EXIT } from "../exit.ts";
import { readManifest } from "../manifest.ts";
import { OPTIONS, type OptionEntry } from "../options.ts";
import type { Invocation } from "../program.ts";
import { writeOut } from "../streams.ts";

const SHELLS = { bash, zsh, fish };

export async function run(invocation: Invocation): Promise<number> {
  const [shell = ""] = invocation.args;
  const make = SHELLS[shell as keyof typeof SHELLS];
  const names = Object.keys(SHELLS);
  if (!Object.hasOwn(SHELLS, shell))
    throw new UserError(`completion: "${shell}" is none of ${names.join(", ")}${didYouMean(shell, names)}`);
  const { checks, expectations } = readManifest();
  await writeOut(make([...checks, ...expectations].map((check) => check.id)));
  return EXIT.clean;
}

const commands = COMMANDS.map((command) => command.name);
const optionsOf = (command: CommandName): OptionEntry[] =>
  OPTIONS.filter((o) => o.commands.includes(command));

/** Values of an option that has a fixed choice, or of one that takes check ids. */
function valuesOf(option: OptionEntry, checks: readonly string[]): readonly string[] {
  return option.choices ?? (option.value === "CHECKS" ? checks : []);
}

/** Words that may follow a command. */
function wordsOf(command: CommandName, checks: readonly string[]): readonly string[] {
  const args = COMMANDS.find((one) => one.name === command)!.args;
  const choice = /^<([a-z]+(?:\|[a-z]+)+)>/.exec(args)?.[1];
  return choice ? choice.split("|") : args === "<check>" ? checks : [];
}

function bash(checks: readonly string[]): string {
  const cases = commands.map(
    (name) =>
      `    ${name}) words="${[...wordsOf(name, checks), ...optionsOf(name).map((o) => `--${o.name}`)].join(" ")}" ;;`,
  );
  const values = [
    ...new Map(OPTIONS.filter((o) => valuesOf(o, checks).length > 0).map((o) => [o.name, o])).values(),
  ].map(
    (option) =>
      `    --${option.name}) COMPREPLY=($(compgen -W "${valuesOf(option, checks).join(" ")}" -- "$cur")); return ;;`,
  );
  return `# bash completion for trueup
_trueup() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" command=audit word words
  case "$prev" in
${values.join("\n")}
  esac
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in ${commands.join("|")}) command="$word"; break ;; esac
  done
  case "$command" in
${cases.join("\n")}
  esac
  if [ "$COMP_CWORD" -eq 1 ]; then words="${commands.join(" ")} $words"; fi
  COMPREPLY=($(compgen -W "$words" -- "$cur") $(compgen -f -- "$cur"))
}
complete -o filenames -F _trueup trueup
`;
}

function zsh(checks: readonly string[]): string {
  const quoted = (text: string) => text.replaceAll("'", "'\\''").replace(/[[\]:]/g, "\\$&");
  const optionLine = (option: OptionEntry) => {
    const values = valuesOf(option, checks);
    const action = values.length > 0 ? `(${values.join(" ")})` : option.kind === "path" ? "_files" : "";
    const value = option.kind === "flag" ? "" : `:${option.value ?? "value"}:${action}`;
    return `      '${option.kind === "list" ? "*" : ""}--${option.name}[${quoted(option.describe)}]${value}'`;
  };
  const cases = commands.map((name) => {
    const words = wordsOf(name, checks);
    const first = words.length > 0 ? `'1:word:(${words.join(" ")})'` : "'*:input:_files'";
    const lines = [
      ...optionsOf(name).map(optionLine),
      `      ${first}`,
      ...(words.length > 0 ? ["      '*:input:_files'"] : []),
    ];
    return `    ${name})\n      _arguments \\\n${lines.join(" \\\n")} ;;`;
  });
  const described = COMMANDS.map((command) => `    '${command.name}:${quoted(command.summary)}'`);
  return `#compdef trueup
_trueup() {
  local -a commands
  commands=(
${described.join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe -t commands command commands
    _files
    return
  fi
  local name=\${words[2]}
  if (( \${commands[(I)$name:*]} )); then shift words; (( CURRENT-- )); else name=audit; fi
  case $name in
${cases.join("\n")}
  esac
}
if [ "$funcstack[1]" = "_trueup" ]; then _trueup "$@"; else compdef _trueup trueup; fi
`;
}

function fish(checks: readonly string[]): string {
  const quoted = (text: string) => `'${text.replace(/[\\']/g, "\\$&")}'`;
  const none = `not __fish_seen_subcommand_from ${commands.join(" ")}`;
  const lines = COMMANDS.map(
    (command) => `complete -c trueup -n ${quoted(none)} -a ${command.name} -d ${quoted(command.summary)}`,
  );
  for (const name of commands) {
    const seen =
      name === "audit"
        ? `__fish_seen_subcommand_from audit; or ${none}`
        : `__fish_seen_subcommand_from ${name}`;
    const words = wordsOf(name, checks);
    if (words.length > 0) lines.push(`complete -c trueup -n ${quoted(seen)} -a ${quoted(words.join(" "))}`);
    for (const option of optionsOf(name)) {
      const values = valuesOf(option, checks);
      const value =
        option.kind === "flag" ? "" : values.length > 0 ? ` -x -a ${quoted(values.join(" "))}` : " -r";
      lines.push(
        `complete -c trueup -n ${quoted(seen)} -l ${option.name}${value} -d ${quoted(option.describe)}`,
      );
    }
  }
  return `# fish completion for trueup\n${lines.join("\n")}\n`;
}
