/** Reads schema.prisma: models, `@@map` and `@map`, and which fields lead to other models. */

import type { ModuleIR } from "../ir.ts";
import type { Program } from "../program.ts";
import type { Model, Models } from "./models.ts";

/** Types that a list of values can have in one column. */
const SCALAR = /^(String|Int|BigInt|Float|Decimal|Boolean|DateTime|Json|Bytes)$/;

/** Every model of every schema.prisma, under its client property; its relations under the model. */
export function prismaModels(program: Program, models: Models): void {
  const schemas = program.modules.filter((module) => module.language === "prisma" && module.text !== null);
  const declared = schemas.flatMap((module) => blocksOf(module).map((block) => ({ module, ...block })));
  // A schema may be several files, whose models lead to each other.
  const names = new Set(declared.map((block) => block.name));
  const enums = new Set(
    schemas.flatMap(({ text }) =>
      [...(text ?? "").matchAll(/^[ \t]*enum[ \t]+(\w+)/gm)].map(([, name]) => name),
    ),
  );
  const relations: { of: Model; field: string; name: string; isList: boolean }[] = [];
  const byName = new Map<string, Model[]>();
  for (const { module, name, body, line } of declared) {
    const columns = new Map<string, string>();
    const model: Model = {
      table: /@@map\(\s*(?:name:\s*)?"([^"]+)"/.exec(body)?.[1] ?? name,
      declaredAs: name,
      how: "schema",
      family: "prisma",
      file: module.file,
      line,
      columns,
    };
    for (const text of body.split("\n")) {
      const [, field, type, list, rest] = /^\s*(\w+)\s+(\w+)(\[\])?\??(.*)$/.exec(text) ?? [];
      if (!field || !type) continue;
      if (names.has(type)) relations.push({ of: model, field, name: type, isList: list !== undefined });
      else if (!list || SCALAR.test(type) || enums.has(type))
        columns.set(field, /@map\(\s*(?:name:\s*)?"([^"]+)"/.exec(rest ?? "")?.[1] ?? field);
    }
    models.add(model, null);
    models.prisma.set(name.toLowerCase(), model);
    byName.set(name, [...(byName.get(name) ?? []), model]);
  }
  for (const { of, field, name, isList } of relations) {
    const known = byName.get(name) ?? [];
    const to = known.find((one) => one.file === of.file) ?? known[0];
    if (!to) continue;
    const fields = models.relations.get(of) ?? new Map<string, { to: Model; isList: boolean }>();
    models.relations.set(of, fields.set(field, { to, isList }));
  }
}

/** The models and views that a file declares. */
function blocksOf(module: ModuleIR): { name: string; body: string; line: number }[] {
  // No comment begins within quotes: `@default("https://…")`.
  const text = (module.text ?? "").replace(
    /("(?:[^"\\\n]|\\.)*")|\/\/[^\n]*/g,
    (all, quoted: string | undefined) => quoted ?? " ".repeat(all.length),
  );
  // A body ends where a line begins with its brace: `@default("{}")` has braces as well.
  return [...text.matchAll(/^[ \t]*(?:model|view)[ \t]+(\w+)[ \t]*\{([\s\S]*?)^[ \t]*\}/gm)].map((match) => ({
    name: match[1] as string,
    body: match[2] as string,
    line: text.slice(0, match.index).split("\n").length,
  }));
}
