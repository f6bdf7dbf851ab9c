/** Reads and validates trueup.yaml; every fault is told with its position. */

import { readFileSync } from "node:fs";
import { dirname, relative, resolve, sep } from "node:path";
import { isMap, isNode, isPair, LineCounter, parseDocument, type YAMLParseError } from "yaml";
import { messageOf, UserError } from "../contract/errors.ts";
import { type Path, schemaFaults, valueFaults } from "./faults.ts";
import { type Config, type ConfigurableCheck, configJsonSchema, configSchema } from "./schema.ts";

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
    throw new ConfigError([...new Set(document.errors.map((e) => `${at(e.pos[0])}: ${yamlFault(e)}`))]);
  let value: unknown;
  try {
    value = document.toJS() ?? {};
  } catch (error) {
    throw new ConfigError([`${shown}:1:1: ${messageOf(error)}`]);
  }
  const parsed = configSchema(checks, hasOwn(value)).safeParse(value, { reportInput: true });
  const faults = parsed.success
    ? valueFaults(parsed.data, checks)
    : schemaFaults(parsed.error.issues, configJsonSchema(checks));
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

/** What YAML's reader says, in words of a file and not of the reader's functions. */
function yamlFault({ code, message }: YAMLParseError): string {
  if (code === "MULTIPLE_DOCS") return "a second document begins; one is expected";
  return message.split("\n")[0]!;
}

/** Whether the file names own checks, whose settings nothing can be known of yet. */
function hasOwn(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.hasOwn(value, "own_checks");
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
