/** Reads DuckDB's type names and loosens them where JSON's own values would change. */

type TypeTree =
  | { kind: "leaf"; name: string }
  | { kind: "struct"; fields: [string, TypeTree][] }
  | { kind: "map"; value: TypeTree }
  | { kind: "list"; item: TypeTree };

/** Objects of more keys than this stay JSON: their keys are data. */
const FIELDS_MAX = 100;

/**
 * The type to read a column with: text that looks like a time or UUID stays the text it is, lists of objects and
 * wide objects stay JSON.
 */
export function readableType(type: string): string {
  return write(loosened(parse(type)));
}

function loosened(tree: TypeTree): TypeTree {
  switch (tree.kind) {
    case "leaf":
      return TEXTUAL.test(tree.name) ? TEXT : tree;
    case "struct":
      return tree.fields.length > FIELDS_MAX
        ? JSON_TYPE
        : { kind: "struct", fields: tree.fields.map(([name, field]) => [name, loosened(field)]) };
    case "map":
      return JSON_TYPE;
    case "list":
      return tree.item.kind === "leaf" && tree.item.name !== "JSON"
        ? { kind: "list", item: loosened(tree.item) }
        : JSON_TYPE;
  }
}

/** Times and UUIDs, which JSON has as text; and what DuckDB calls JSON: values of several types, or none at all. */
const TEXTUAL = /^(DATE|TIME|UUID|INTERVAL|JSON)/;
const TEXT: TypeTree = { kind: "leaf", name: "VARCHAR" };
const JSON_TYPE: TypeTree = { kind: "leaf", name: "JSON" };

function write(tree: TypeTree): string {
  switch (tree.kind) {
    case "leaf":
      return tree.name;
    case "struct":
      return `STRUCT(${tree.fields.map(([name, field]) => `"${name.replaceAll('"', '""')}" ${write(field)}`).join(", ")})`;
    case "map":
      return `MAP(VARCHAR, ${write(tree.value)})`;
    case "list":
      return `${write(tree.item)}[]`;
  }
}

/** Of the types that DuckDB infers from JSON: names, `STRUCT(…)`, `MAP(…)`, and `[]` behind any of them. */
function parse(type: string): TypeTree {
  let at = 0;
  const skip = (text: string) => {
    if (!type.startsWith(text, at)) throw new Error(`unexpected type ${type} at ${at}`);
    at += text.length;
  };
  const name = (): string => {
    if (type[at] !== '"') return /^[^\s,()[\]]+/.exec(type.slice(at))?.[0] ?? "";
    const quoted = /^"((?:[^"]|"")*)"/.exec(type.slice(at));
    return quoted?.[0] ?? "";
  };
  const one = (): TypeTree => {
    let tree: TypeTree;
    if (type.startsWith("STRUCT(", at)) {
      skip("STRUCT(");
      const fields: [string, TypeTree][] = [];
      for (;;) {
        const field = name();
        skip(field);
        skip(" ");
        fields.push([field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field, one()]);
        if (type[at] !== ",") break;
        skip(", ");
      }
      skip(")");
      tree = { kind: "struct", fields };
    } else if (type.startsWith("MAP(", at)) {
      skip("MAP(");
      one();
      skip(", ");
      const value = one();
      skip(")");
      tree = { kind: "map", value };
    } else {
      const leaf = /^[A-Z][A-Z0-9 ]*(\(\d+(,\d+)?\))?/.exec(type.slice(at))?.[0] ?? "VARCHAR";
      skip(leaf);
      tree = { kind: "leaf", name: leaf };
    }
    while (type.startsWith("[]", at)) {
      skip("[]");
      tree = { kind: "list", item: tree };
    }
    return tree;
  };
  return one();
}
