/** Lowers the expressions of Python. */

import type { Entry, Expr } from "../ir.ts";
import { fieldOf, type Node } from "../syntax.ts";
import { NOTHING } from "./builder.ts";
import { unescapeText } from "./javascript-expression.ts";
import type { Python } from "./python.ts";

/** The expression of a node. */
export function lowerPython(py: Python, node: Node): Expr {
  const at = py.at(node);
  const lower = (kid: Node | undefined): Expr => (kid ? lowerPython(py, kid) : NOTHING);
  switch (node.type) {
    case "identifier":
      return { k: "name", name: py.text(node), at };
    case "none":
      return { k: "value", value: null, at };
    case "true":
    case "false":
      return { k: "value", value: node.type === "true", at };
    case "integer":
    case "float":
      return { k: "value", value: Number(py.text(node).replaceAll("_", "")), at };
    case "string":
      return { k: "text", parts: stringParts(py, node), at };
    case "concatenated_string":
      return { k: "text", parts: node.kids.filter((kid) => kid.type === "string").map(lower), at };
    case "attribute": {
      const name = fieldOf(node, "attribute");
      return { k: "member", of: lower(fieldOf(node, "object")), name: name ? py.text(name) : "", at };
    }
    case "subscript": {
      const of = lower(fieldOf(node, "value"));
      const key = lower(node.kids.find((kid) => kid.field === "subscript"));
      if (key.k === "text" && key.parts.length === 1 && typeof key.parts[0] === "string")
        return { k: "member", of, name: key.parts[0], at };
      return { k: "index", of, key, at };
    }
    case "call": {
      const args = fieldOf(node, "arguments");
      const list = args?.type === "argument_list" ? args.kids : args ? [args] : [];
      const callee = lower(fieldOf(node, "function"));
      const given = list.filter((kid) => kid.type !== "comment").map((kid) => lower(kid));
      if (callee.k === "member" && callee.name === "append" && callee.of.k === "name")
        py.grow(callee.of.name, given);
      return { k: "call", callee, args: given, at, isNew: false };
    }
    case "keyword_argument": {
      const name = fieldOf(node, "name");
      return { k: "named", name: name ? py.text(name) : "", of: lower(fieldOf(node, "value")), at };
    }
    case "dictionary":
      return { k: "object", entries: node.kids.flatMap((kid) => entryOf(py, kid)), type: null, at };
    case "list":
    case "tuple":
    case "set":
    case "expression_list":
      return { k: "list", items: node.kids.filter((kid) => kid.type !== "comment").map(lower), at };
    case "lambda": {
      const fn = py.addFunction("", "anonymous", node, py.currentIndex);
      const body = fieldOf(node, "body");
      py.inside(fn, () => {
        if (!body) return;
        const value = lowerPython(py, body);
        py.root(value);
        fn.returns.push(value);
      });
      return { k: "function", fn: py.indexOf(fn), at };
    }
    case "assignment":
    case "augmented_assignment":
      return assignmentOf(py, node, at);
    case "named_expression": {
      const [name, value] = [fieldOf(node, "name"), fieldOf(node, "value")];
      const expr = lower(value);
      if (name) py.assign(name, expr);
      return expr;
    }
    case "conditional_expression": {
      const [yes, condition, no] = node.kids;
      py.root(lower(condition));
      return { k: "either", of: [lower(yes), lower(no)], at };
    }
    case "boolean_operator": {
      const of = [lower(fieldOf(node, "left")), lower(fieldOf(node, "right"))];
      return { k: "either", of, at };
    }
    case "binary_operator":
      return binaryOf(py, node, at);
    case "parenthesized_expression":
    case "await":
    case "list_splat":
    case "dictionary_splat":
      return lower(node.kids.find((kid) => kid.type !== "comment"));
    case "yield": {
      // What a generator hands out is what a context manager or a dependency gives.
      const value = lower(node.kids.find((kid) => kid.type !== "comment"));
      if (value !== NOTHING) py.current.returns.push(value);
      return value;
    }
    case "list_comprehension":
    case "set_comprehension":
    case "dictionary_comprehension":
    case "generator_expression": {
      for (const kid of node.kids) {
        if (kid.type !== "for_in_clause") continue;
        const [left, right] = [fieldOf(kid, "left"), fieldOf(kid, "right")];
        if (left && right) py.assign(left, { k: "item", of: lower(right), at });
      }
      return {
        k: "other",
        of: node.kids.map((kid) =>
          kid.type === "for_in_clause" ? lower(fieldOf(kid, "right")) : lower(kid),
        ),
        at,
      };
    }
    case "function_definition":
    case "class_definition":
    case "decorated_definition":
      py.statement(node, []);
      return NOTHING;
    case "comment":
    case "type":
      return NOTHING;
    default: {
      const of = node.kids.map((kid) => lower(kid)).filter((part) => part !== NOTHING);
      return of.length === 0 ? NOTHING : { k: "other", of, at };
    }
  }
}

function entryOf(py: Python, node: Node): Entry[] {
  const at = py.at(node);
  if (node.type === "pair") {
    const [keyNode, value] = [fieldOf(node, "key"), fieldOf(node, "value")];
    const key = keyNode ? lowerPython(py, keyNode) : NOTHING;
    const name =
      key.k === "text" && key.parts.length === 1 && typeof key.parts[0] === "string" ? key.parts[0] : null;
    return value ? [{ key: name, value: lowerPython(py, value), at }] : [];
  }
  return node.type === "dictionary_splat" ? [{ key: null, value: lowerPython(py, node), at }] : [];
}

function assignmentOf(py: Python, node: Node, at: number): Expr {
  const [left, right] = [fieldOf(node, "left"), fieldOf(node, "right")];
  if (!left || !right) return NOTHING;
  const value = lowerPython(py, right);
  if (node.type === "augmented_assignment" && left.type === "identifier") {
    const name = py.text(left);
    const before = py.current.bindings.get(name)?.at(-1);
    py.bind(name, before ? { k: "text", parts: [before, value], at } : value);
  } else {
    py.assign(left, value);
    py.declare(left, fieldOf(node, "type"));
  }
  return value.k === "name" || value.k === "value" ? NOTHING : { k: "other", of: [value], at };
}

function binaryOf(py: Python, node: Node, at: number): Expr {
  const [left, right] = [fieldOf(node, "left"), fieldOf(node, "right")];
  if (!left || !right) return NOTHING;
  const operator = py.between(left.end, right.start);
  const of = [lowerPython(py, left), lowerPython(py, right)] as const;
  if (operator.startsWith("+")) return { k: "text", parts: [...of], at };
  // `"… %s" % x` is `"…".format(x)` with other marks.
  if (operator.startsWith("%") && of[0].k === "text")
    return { k: "call", callee: { k: "member", of: of[0], name: "%", at }, args: [of[1]], at, isNew: false };
  return { k: "other", of: [...of], at };
}

function stringParts(py: Python, node: Node): (string | Expr)[] {
  const open = node.kids.find((kid) => kid.type === "string_start");
  const close = node.kids.find((kid) => kid.type === "string_end");
  if (!open || !close) return [];
  const prefix = py.text(open).toLowerCase();
  const isRaw = /^[a-z]*r/.test(prefix);
  const isFormatted = /^[a-z]*[ft]/.test(prefix);
  const parts: (string | Expr)[] = [];
  let from = open.end;
  const literal = (end: number) => {
    let text = py.syntax.source.slice(from, end);
    if (text === "") return;
    if (!isRaw && text.includes("\\"))
      text = text.replace(/\\(?:u[0-9a-f]{4}|x[0-9a-f]{2}|\r\n|[\s\S])/gi, unescapeText);
    if (isFormatted) text = text.replaceAll("{{", "{").replaceAll("}}", "}");
    parts.push(text);
  };
  const interpolations = node.kids.flatMap((kid) =>
    kid.type === "interpolation" ? [kid] : kid.kids.filter((one) => one.type === "interpolation"),
  );
  for (const kid of interpolations) {
    literal(kid.start);
    const inner = fieldOf(kid, "expression") ?? kid.kids[0];
    parts.push(inner ? lowerPython(py, inner) : NOTHING);
    from = kid.end;
  }
  literal(close.start);
  return parts;
}
