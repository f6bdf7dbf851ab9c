/** What the types of TypeScript say of values: by annotations, and by the aliases and interfaces that they name. */

import type { Entry, Expr } from "../ir.ts";
import { fieldOf, type Node } from "../syntax.ts";
import { dotted, NOTHING } from "./builder.ts";
import type { JavaScript } from "./javascript.ts";

/** Types that stand for the type in them. */
const SAME = /^(Promise|Awaited|Readonly|Partial|Required|NonNullable)$/;
/** A declaration of types longer than this says nothing that a call would depend on. */
const CHARS_MAX = 8_000;
const DEPTH_MAX = 6;

/** A type annotation as an expression: its name, or that of its first argument (`Promise<Repo>`). */
export function typeOf(js: JavaScript, node: Node): Expr {
  const at = js.at(node);
  switch (node.type) {
    case "type_identifier":
    case "nested_type_identifier":
    case "identifier":
      return dotted(js.text(node), at);
    case "generic_type": {
      const name = fieldOf(node, "name") ?? node.kids[0];
      const inner = fieldOf(node, "type_arguments")?.kids[0];
      if (inner && name && SAME.test(js.text(name))) return typeOf(js, inner);
      if (inner?.type === "type_query") return typeOfText(js.text(node), at);
      const args = (fieldOf(node, "type_arguments")?.kids ?? []).map((kid) => typeOf(js, kid));
      return name ? { k: "call", callee: typeOf(js, name), args, at, isNew: false } : NOTHING;
    }
    case "object_type":
      return typeOfText(js.text(node), at);
    case "type_annotation":
    case "parenthesized_type":
    case "readonly_type":
      return node.kids[0] ? typeOf(js, node.kids[0]) : NOTHING;
    case "array_type":
      return { k: "list", items: node.kids.map((kid) => typeOf(js, kid)), at };
    // `typeof User` is what `user.constructor` gives: the class, not an instance of it.
    case "type_query": {
      const name = /^typeof\s+([\w$.]+)$/.exec(js.text(node))?.[1];
      return name ? { k: "member", of: dotted(name, at), name: "constructor", at } : NOTHING;
    }
    case "union_type":
      return { k: "either", of: node.kids.map((kid) => typeOf(js, kid)), at };
    default:
      return NOTHING;
  }
}

/** A value of a type. */
export function instanceOf(type: Expr, at: number): Expr {
  return type === NOTHING ? NOTHING : { k: "call", callee: type, args: [], at, isNew: true };
}

/**
 * `type Repo = ReturnType<typeof createRepo>`, `interface Deps { repo: Repo }`: the name and what its values are, or null
 * when that says nothing. Half of the nodes of TypeScript are in types, so their text is read and not their tree.
 */
export function declaredType(text: string, at: number): { name: string; value: Expr } | null {
  if (text.length > CHARS_MAX) return null;
  const alias = /^(?:declare\s+)?type\s+([\w$]+)\s*=\s*([\s\S]*?);?\s*$/.exec(text);
  if (alias?.[1]) {
    const value = typeOfText(alias[2] ?? "", at);
    return value === NOTHING ? null : { name: alias[1], value };
  }
  const shape =
    /^(?:declare\s+)?interface\s+([\w$]+)\s*(?:extends\s+([\w$.,\s]+?))?\s*(\{[\s\S]*\})\s*$/.exec(text);
  if (!shape?.[1]) return null;
  const value = typeOfText(shape[3] ?? "", at);
  const bases = (shape[2] ?? "").split(",").filter((base) => base.trim() !== "");
  const inherited = bases.map(
    (base): Entry => ({ key: null, value: instanceOf(dotted(base.trim(), at), at), at }),
  );
  const own = value.k === "object" ? value.entries : [];
  const entries = [...own, ...inherited];
  return entries.length === 0 ? null : { name: shape[1], value: { k: "object", entries, type: null, at } };
}

/** The text of a type; NOTHING when no class, function or shape of the tree is named in it. */
function typeOfText(given: string, at: number, depth = 0): Expr {
  const text = given.trim();
  if (depth > DEPTH_MAX || text.length > CHARS_MAX) return NOTHING;
  if (/^[A-Z$_][\w$.]*$/.test(text)) return dotted(text, at);
  const [, outer = "", inner = ""] = /^([A-Z]\w*)<([\s\S]*)>$/.exec(text) ?? [];
  if (SAME.test(outer)) return typeOfText(inner, at, depth + 1);
  const of = /^typeof\s+([\w$.]+)$/.exec(inner.trim())?.[1];
  if (of && /^(ReturnType|InstanceType)$/.test(outer))
    return { k: "call", callee: dotted(of, at), args: [], at, isNew: outer === "InstanceType" };
  if (text.startsWith("{") && text.endsWith("}")) {
    const entries = membersOf(text.slice(1, -1)).flatMap(([key, type]): Entry[] => {
      const value = instanceOf(typeOfText(type, at, depth + 1), at);
      return value === NOTHING ? [] : [{ key, value, at }];
    });
    return entries.length === 0 ? NOTHING : { k: "object", entries, type: null, at };
  }
  return NOTHING;
}

/** The properties of a shape, `name: Type` each; methods and index signatures are none. */
function membersOf(body: string): [name: string, type: string][] {
  const members: [string, string][] = [];
  let start = 0;
  let open = 0;
  for (let i = 0; i <= body.length; i++) {
    const character = body[i] ?? ";";
    if ("({[<".includes(character)) open++;
    else if (")}]".includes(character) || (character === ">" && body[i - 1] !== "=")) open--;
    if (open > 0 || !";,\n".includes(character)) continue;
    const [, name, type] =
      /^\s*(?:readonly\s+)?([\w$]+)\??\s*:\s*([\s\S]+)$/.exec(body.slice(start, i)) ?? [];
    if (name && type) members.push([name, type]);
    start = i + 1;
  }
  return members;
}
