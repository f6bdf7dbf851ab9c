/** Lowers the expressions of JavaScript and TypeScript. */

import type { Entry, Expr } from "../ir.ts";
import { fieldOf, type Node } from "../syntax.ts";
import { dotted, NOTHING } from "./builder.ts";
import type { Hint, JavaScript } from "./javascript.ts";
import { moduleOf } from "./javascript-module.ts";

/** The expression of a node; `hint` names the functions directly in it. */
export function lowerExpression(js: JavaScript, node: Node, hint: Hint | null): Expr {
  const at = js.at(node);
  const lower = (kid: Node | undefined, passed: Hint | null = null): Expr =>
    kid ? lowerExpression(js, kid, passed) : NOTHING;
  switch (node.type) {
    case "identifier":
    case "shorthand_property_identifier":
    case "this":
    case "super":
    case "import":
    case "property_identifier":
    case "private_property_identifier":
    case "type_identifier":
      return { k: "name", name: js.text(node), at };
    case "undefined":
    case "null":
      return { k: "value", value: null, at };
    case "true":
    case "false":
      return { k: "value", value: node.type === "true", at };
    case "number":
      return { k: "value", value: Number(js.text(node).replaceAll("_", "")), at };
    case "string":
      return { k: "text", parts: [stringValue(js, node)], at };
    case "template_string":
      return { k: "text", parts: templateParts(js, node), at };
    case "regex": {
      const pattern = fieldOf(node, "pattern");
      return { k: "regex", source: pattern ? js.text(pattern) : "", at };
    }
    case "member_expression": {
      const property = fieldOf(node, "property");
      return { k: "member", of: lower(fieldOf(node, "object")), name: property ? js.text(property) : "", at };
    }
    case "subscript_expression": {
      const key = lower(fieldOf(node, "index"));
      const of = lower(fieldOf(node, "object"));
      if (key.k === "text" && key.parts.length === 1 && typeof key.parts[0] === "string")
        return { k: "member", of, name: key.parts[0], at };
      return { k: "index", of, key, at };
    }
    case "call_expression":
      return callOf(js, node, hint);
    case "new_expression": {
      const args = fieldOf(node, "arguments");
      return {
        k: "call",
        callee: lower(fieldOf(node, "constructor")),
        args: (args?.kids ?? []).filter(isCode).map((kid) => lower(kid)),
        at,
        isNew: true,
      };
    }
    case "arrow_function":
    case "function_expression":
    case "function":
    case "generator_function":
      return { k: "function", fn: js.functionOf(node, hint?.name ? hint : null), at };
    case "class":
      return { k: "name", name: classExpression(js, node, hint), at };
    case "object":
      return { k: "object", entries: entriesOf(js, node, hint), type: null, at };
    case "array":
      return { k: "list", items: node.kids.filter(isCode).map((kid) => lower(kid)), at };
    case "ternary_expression": {
      js.root(lower(fieldOf(node, "condition")));
      return {
        k: "either",
        of: [lower(fieldOf(node, "consequence"), hint), lower(fieldOf(node, "alternative"), hint)],
        at,
      };
    }
    case "binary_expression":
      return binaryOf(js, node, at);
    case "assignment_expression":
    case "augmented_assignment_expression":
      return assignmentOf(js, node, at);
    case "sequence_expression":
      return { k: "other", of: node.kids.map((kid) => lower(kid)), at };
    case "parenthesized_expression":
    case "await_expression":
    case "as_expression":
    case "satisfies_expression":
    case "non_null_expression":
    case "spread_element":
    case "instantiation_expression":
      return lower(node.kids.find(isCode), hint);
    case "type_assertion":
      return lower(node.kids.at(-1), hint);
    case "jsx_element":
    case "jsx_self_closing_element":
    case "jsx_fragment":
      return jsxOf(js, node, at);
    case "jsx_expression":
      return lower(node.kids.find(isCode));
    case "jsx_text":
    case "comment":
    case "type_arguments":
    case "type_annotation":
    case "meta_property":
      return NOTHING;
    default: {
      const of = node.kids.map((kid) => lower(kid)).filter((part) => part !== NOTHING);
      return of.length === 0 ? NOTHING : { k: "other", of, at };
    }
  }
}

function isCode(node: Node): boolean {
  return node.type !== "comment";
}

function callOf(js: JavaScript, node: Node, hint: Hint | null): Expr {
  const at = js.at(node);
  const callee = fieldOf(node, "function");
  const args = fieldOf(node, "arguments");
  const called: Expr = callee ? lowerExpression(js, callee, null) : NOTHING;
  if (args?.type === "template_string")
    return {
      k: "tagged",
      tag: called,
      text: { k: "text", parts: templateParts(js, args), at: js.at(args) },
      at,
    };
  // `const load = cache(async () => …)`: the first function takes the name of what holds the result.
  const isWrapper = called.k === "name" || (called.k === "member" && called.of.k === "name");
  let passed = hint?.name && isWrapper ? hint : null;
  const lowered = (args?.kids ?? []).filter(isCode).map((kid) => {
    const isFunction = FUNCTIONS.has(kid.type) || kid.type === "call_expression";
    const expr = lowerExpression(js, kid, isFunction ? passed : null);
    if (isFunction && js.module.functions.some((fn) => fn.name === passed?.name)) passed = null;
    return expr;
  });
  const call: Expr = { k: "call", callee: called, args: lowered, at, isNew: false };
  if (called.k === "member" && called.of.k === "name" && called.name === "push")
    js.grow(called.of.name, lowered);
  const required = moduleOf(call);
  if (required && required.name === null) js.addImport("", required.source, "*", node);
  return call;
}

const FUNCTIONS = new Set(["arrow_function", "function_expression", "function", "generator_function"]);

function classExpression(js: JavaScript, node: Node, hint: Hint | null): string {
  const index = js.classOf(node, []);
  const cls = js.module.classes[index];
  if (!cls) return "";
  if (cls.name === "default" && hint?.name) cls.name = hint.name;
  return cls.name;
}

function entriesOf(js: JavaScript, node: Node, hint: Hint | null): Entry[] {
  const prefix = hint ? [hint.prefix, hint.name].filter(Boolean).join(".") : "";
  const atTop = js.current.rank === "module";
  const named = (name: string): Hint => ({ name, prefix, named: atTop || (hint?.named ?? false) });
  return node.kids.flatMap((kid): Entry[] => {
    const at = js.at(kid);
    if (kid.type === "shorthand_property_identifier") {
      const name = js.text(kid);
      return [{ key: name, value: { k: "name", name, at }, at }];
    }
    if (kid.type === "pair") {
      const [keyNode, value] = [fieldOf(kid, "key"), fieldOf(kid, "value")];
      if (!keyNode || !value) return [];
      const key = keyNode.type === "computed_property_name" ? null : js.unquoted(keyNode);
      return [{ key, value: lowerExpression(js, value, key === null ? null : named(key)), at }];
    }
    if (kid.type === "method_definition") {
      const nameNode = fieldOf(kid, "name");
      const key = nameNode ? js.unquoted(nameNode) : null;
      return [
        { key, value: { k: "function", fn: js.functionOf(kid, key === null ? null : named(key)), at }, at },
      ];
    }
    if (kid.type === "spread_element") return [{ key: null, value: lowerExpression(js, kid, null), at }];
    return [];
  });
}

function binaryOf(js: JavaScript, node: Node, at: number): Expr {
  const [left, right] = [fieldOf(node, "left"), fieldOf(node, "right")];
  if (!left || !right) return NOTHING;
  const operator = js.between(left.end, right.start);
  const of = [lowerExpression(js, left, null), lowerExpression(js, right, null)] as const;
  if (/^\+/.test(operator)) return { k: "text", parts: [...of], at };
  if (/^(\|\||\?\?)/.test(operator)) return { k: "either", of: [...of], at };
  return { k: "other", of: [...of], at };
}

function assignmentOf(js: JavaScript, node: Node, at: number): Expr {
  const [left, right] = [fieldOf(node, "left"), fieldOf(node, "right")];
  if (!left || !right) return NOTHING;
  const appends = node.type === "augmented_assignment_expression";
  if (left.type === "member_expression") {
    const target = js.text(left);
    const property = fieldOf(left, "property");
    const name = property ? js.text(property) : "";
    const exported = /^(?:module\.)?exports(?:\.[\w$]+)?$/.test(target);
    const own = target === "module.exports" ? "" : name;
    const value = lowerExpression(js, right, { name: own, prefix: "", named: js.current.rank === "module" });
    if (exported) {
      if (target === "module.exports") exportAll(js, value);
      else js.addExport(name, value);
    } else if (js.cls !== null && /^this\.[\w$#]+$/.test(target))
      js.classNow().fields.push({ name, value, type: null, decorators: [], tag: null, at });
    else if (
      js.current.rank === "module" &&
      /^[\w$]+\.prototype\.[\w$]+$/.test(target) &&
      value.k === "function"
    )
      js.bind(target, value);
    else js.bind(target, value);
    return { k: "other", of: [value], at };
  }
  const hint =
    left.type === "identifier"
      ? { name: js.text(left), prefix: "", named: js.current.rank === "module" }
      : null;
  const value = lowerExpression(js, right, hint);
  if (left.type === "identifier" && appends) {
    const name = js.text(left);
    const before = js.current.bindings.get(name)?.at(-1);
    js.bind(name, before ? { k: "text", parts: [before, value], at } : value);
  } else js.pattern(left, value);
  return { k: "other", of: [value], at };
}

function exportAll(js: JavaScript, value: Expr): void {
  js.addExport("=", value);
  if (value.k !== "object") return;
  for (const entry of value.entries) if (entry.key !== null) js.addExport(entry.key, entry.value);
}

function jsxOf(js: JavaScript, node: Node, at: number): Expr {
  const of: Expr[] = [];
  const open =
    node.type === "jsx_element" ? node.kids.find((kid) => kid.type === "jsx_opening_element") : node;
  const name = open ? fieldOf(open, "name") : undefined;
  if (name && /^[A-Z]|\./.test(js.text(name))) of.push({ k: "element", name: dotted(js.text(name), at), at });
  for (const kid of [...(open === node ? [] : (open?.kids ?? [])), ...node.kids]) {
    if (kid === open || kid === name || kid.type === "jsx_closing_element") continue;
    if (kid.type === "jsx_attribute") {
      const value = kid.kids[1];
      if (value && value.type !== "string") of.push(lowerExpression(js, value, null));
    } else if (kid.type.startsWith("jsx_") && kid.type !== "jsx_text")
      of.push(lowerExpression(js, kid, null));
  }
  return { k: "other", of: of.filter((part) => part !== NOTHING), at };
}

const ESCAPES: Record<string, string> = { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f", v: "\v", "0": "\0" };

/** What an escape sequence stands for; a line continuation stands for nothing. */
export function unescapeText(sequence: string): string {
  const code = /^\\(?:u\{([0-9a-f]+)\}|u([0-9a-f]{4})|x([0-9a-f]{2}))$/i.exec(sequence);
  if (code) {
    const point = Number.parseInt(code[1] ?? code[2] ?? code[3] ?? "", 16);
    return point <= 0x10ffff ? String.fromCodePoint(point) : "\uFFFD";
  }
  const name = sequence.slice(1);
  if (name === "\n" || name === "\r\n") return "";
  return ESCAPES[name] ?? name;
}

/** The value of a string node. */
export function stringValue(js: JavaScript, node: Node): string {
  const inner = js.text(node).slice(1, -1);
  return inner.includes("\\")
    ? inner.replace(/\\(?:u\{[0-9a-f]+\}|u[0-9a-f]{4}|x[0-9a-f]{2}|\r\n|[\s\S])/gi, unescapeText)
    : inner;
}

function templateParts(js: JavaScript, node: Node): (string | Expr)[] {
  const parts: (string | Expr)[] = [];
  let from = node.start + 1;
  const literal = (end: number) => {
    const text = js.syntax.source.slice(from, end);
    if (text === "") return;
    parts.push(
      text.includes("\\")
        ? text.replace(/\\(?:u\{[0-9a-f]+\}|u[0-9a-f]{4}|x[0-9a-f]{2}|\r\n|[\s\S])/gi, unescapeText)
        : text,
    );
  };
  for (const kid of node.kids) {
    if (kid.type !== "template_substitution") continue;
    literal(kid.start);
    const inner = kid.kids.find(isCode);
    parts.push(inner ? lowerExpression(js, inner, null) : NOTHING);
    from = kid.end;
  }
  literal(Math.max(from, node.end - 1));
  return parts;
}
