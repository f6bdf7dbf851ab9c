/** What a module of JavaScript takes from others and gives to them: the import and export statements of ES modules. */

import { fieldOf, type Node } from "../syntax.ts";
import type { JavaScript } from "./javascript.ts";
import { lowerExpression, stringValue } from "./javascript-expression.ts";
import { declaredType } from "./javascript-types.ts";

/** `name`, `name as alias` and `"any name" as alias` of an export clause, behind `type` or not. */
const EXPORTED = /^(?:type\s+(?!as\b))?([\w$]+|"[^"]*"|'[^']*')(?:\s+as\s+([\w$]+|"[^"]*"|'[^']*'))?$/;

const withoutQuotes = (name: string) => (/^["']/.test(name) ? name.slice(1, -1) : name);

/** Adds the imports of an import statement. */
export function importOf(builder: JavaScript, node: Node): void {
  const required = node.kids.find((kid) => kid.type === "import_require_clause");
  const from = fieldOf(node, "source") ?? (required ? fieldOf(required, "source") : undefined);
  if (!from) return;
  const source = stringValue(builder, from);
  if (required?.kids[0]) return builder.addImport(builder.text(required.kids[0]), source, "*", node);
  const clause = node.kids.find((kid) => kid.type === "import_clause");
  if (!clause) return builder.addImport("", source, "*", node);
  for (const kid of clause.kids) {
    if (kid.type === "identifier") builder.addImport(builder.text(kid), source, "default", kid);
    else if (kid.type === "namespace_import" && kid.kids[0])
      builder.addImport(builder.text(kid.kids[0]), source, "*", kid);
    else if (kid.type === "named_imports")
      for (const one of kid.kids) {
        const name = fieldOf(one, "name");
        const renamed = /^default\s+as\s+([\w$]+)/.exec(builder.text(one))?.[1];
        if (renamed) builder.addImport(renamed, source, "default", one);
        else if (name)
          builder.addImport(builder.text(fieldOf(one, "alias") ?? name), source, builder.unquoted(name), one);
      }
  }
}

/** Reads what an export statement declares, and adds its exports. */
export function exportOf(builder: JavaScript, node: Node): void {
  const from = fieldOf(node, "source");
  const source = from ? stringValue(builder, from) : null;
  const declaration = fieldOf(node, "declaration");
  const value = fieldOf(node, "value");
  const isDefault = /^export\s+default\b/.test(
    builder.between(node.start, (declaration ?? value ?? node).end),
  );
  if (declaration) {
    const [functions, classes] = [builder.module.functions.length, builder.module.classes.length];
    if (declaration.type === "class_declaration" || declaration.type === "abstract_class_declaration")
      builder.classOf(declaration, node.kids);
    else if (declaration.type.endsWith("function_declaration") && !fieldOf(declaration, "name"))
      builder.functionOf(declaration, { name: "default", prefix: "", named: true });
    else builder.statement(declaration);
    for (const name of declaredNames(builder, declaration))
      builder.addExport(isDefault ? "default" : name, { k: "name", name, at: builder.at(node) });
    if (isDefault && !fieldOf(declaration, "name") && builder.module.functions.length > functions)
      builder.addExport("default", { k: "function", fn: functions, at: builder.at(node) });
    if (isDefault && builder.module.classes.length > classes && !fieldOf(declaration, "name"))
      builder.addExport("default", { k: "name", name: "default", at: builder.at(node) });
  } else if (value) {
    const expr = lowerExpression(builder, value, { name: "default", prefix: "", named: true });
    builder.root(expr);
    builder.addExport(isDefault ? "default" : "=", expr);
  }
  const clause = node.kids.find((kid) => kid.type === "export_clause");
  for (const one of clause?.kids ?? []) {
    // `default` is a keyword and no named node: the text says all. `type` may stand before a name.
    const [, name = "", alias = name] = EXPORTED.exec(builder.text(one)) ?? [];
    if (name === "") continue;
    const outside = withoutQuotes(alias);
    if (source === null) builder.addExport(outside, { k: "name", name, at: builder.at(one) });
    else builder.module.exports.push({ name: outside, value: null, source, from: withoutQuotes(name) });
  }
  if (source !== null && !clause) {
    const space = node.kids.find((kid) => kid.type === "namespace_export")?.kids[0];
    builder.module.exports.push(
      space
        ? { name: builder.text(space), value: null, source, from: "*" }
        : { name: "*", value: null, source, from: null },
    );
  }
}

/** The names that a declaration gives a value or a type. */
function declaredNames(builder: JavaScript, node: Node): string[] {
  if (node.type === "lexical_declaration" || node.type === "variable_declaration")
    return node.kids.flatMap((kid) => {
      const name = fieldOf(kid, "name");
      return name?.type === "identifier" ? [builder.text(name)] : name ? patternNames(builder, name) : [];
    });
  if (/^(interface|type_alias)_declaration$/.test(node.type)) {
    const name = declaredType(builder.text(node), builder.at(node))?.name;
    return name ? [name] : [];
  }
  const name = fieldOf(node, "name");
  return name ? [builder.text(name)] : [];
}

function patternNames(builder: JavaScript, node: Node): string[] {
  if (node.type === "shorthand_property_identifier_pattern" || node.type === "identifier")
    return [builder.text(node)];
  if (node.type === "pair_pattern") {
    const value = fieldOf(node, "value");
    return value ? patternNames(builder, value) : [];
  }
  return node.kids.flatMap((kid) => patternNames(builder, kid));
}
