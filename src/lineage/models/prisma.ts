/** Reads schema.prisma: models, `@@map` and `@map`. */

import type { Program } from "../program.ts";
import type { Model, Models } from "./models.ts";

/** Every model of every schema.prisma, under its client property. */
export function prismaModels(program: Program, models: Models): void {
  for (const module of program.modules) {
    if (module.language !== "prisma" || module.text === null) continue;
    const text = module.text.replace(/\/\/[^\n]*/g, (comment) => " ".repeat(comment.length));
    const names = new Set([...text.matchAll(/^\s*(?:model|view)\s+(\w+)\s*\{/gm)].map((match) => match[1]));
    // A default may hold braces (`@default("{}")`): a block ends where a line starts with one.
    for (const match of text.matchAll(/^[ \t]*(?:model|view)\s+(\w+)\s*\{([\s\S]*?)^[ \t]*\}/gm)) {
      const [, name = "", body = ""] = match;
      const columns = new Map<string, string>();
      for (const line of body.split("\n")) {
        const field = /^\s*(\w+)\s+(\w+)(?:\[\])?\??(.*)$/.exec(line);
        // A field of another model's type is a relation, no column; a list of scalars is one.
        if (!field?.[1] || names.has(field[2])) continue;
        columns.set(field[1], /@map\(\s*(?:name:\s*)?"([^"]+)"/.exec(field[3] ?? "")?.[1] ?? field[1]);
      }
      const model: Model = {
        table: /@@map\(\s*(?:name:\s*)?"([^"]+)"/.exec(body)?.[1] ?? name,
        declaredAs: name,
        how: "schema",
        family: "prisma",
        file: module.file,
        line: text.slice(0, match.index + (/^\s*/.exec(match[0])?.[0].length ?? 0)).split("\n").length,
        columns,
      };
      models.add(model, null);
      models.prisma.set(name.toLowerCase(), model);
    }
  }
}
