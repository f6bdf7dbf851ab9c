/** Lowers Go's expressions and types, which need of the file around only what reads a function's body. */

import type { Expr, FunctionIR } from "../ir.ts";
import { fieldOf, type Node } from "../syntax.ts";
import { Builder, dotted, NOTHING } from "./builder.ts";
import { unescapeText } from "./javascript-expression.ts";

/** Nodes that only hold statements. */
export const STATEMENTS = new Set([
  "source_file",
  "import_declaration",
  "import_spec_list",
  "type_declaration",
  "const_declaration",
  "var_declaration",
  "var_spec_list",
  "statement_list",
  "block",
  "if_statement",
  "for_statement",
  "for_clause",
  "expression_statement",
  "go_statement",
  "defer_statement",
  "expression_switch_statement",
  "type_switch_statement",
  "select_statement",
  "expression_case",
  "type_case",
  "default_case",
  "communication_case",
  "labeled_statement",
  "send_statement",
  "ERROR",
]);

/** The part of Go's lowering that turns expressions and types into those of the IR. */
export abstract class GoExpressions extends Builder {
  /** Reads the statements that a node holds. */
  abstract statements(node: Node): void;

  /** Adds the parameters and results of a function. */
  abstract parameters(node: Node, fn: FunctionIR): void;

  /** A type as what it names; a pointer and a generic type are what they are of. */
  type(node: Node): Expr {
    const at = this.at(node);
    switch (node.type) {
      case "type_identifier":
      case "qualified_type":
        return dotted(this.text(node), at);
      case "pointer_type":
      case "parenthesized_type":
        return node.kids[0] ? this.type(node.kids[0]) : NOTHING;
      case "slice_type":
      case "array_type":
      case "implicit_length_array_type": {
        const element = fieldOf(node, "element");
        return { k: "list", items: element ? [this.type(element)] : [], at };
      }
      case "generic_type":
      case "type_elem":
        return node.kids[0] ? this.type(node.kids[0]) : NOTHING;
      default:
        return NOTHING;
    }
  }

  /** An expression; statements inside of it are read on the way. */
  expr(node: Node): Expr {
    const at = this.at(node);
    switch (node.type) {
      case "identifier":
      case "field_identifier":
      case "type_identifier":
      case "package_identifier":
        return { k: "name", name: this.text(node), at };
      case "nil":
        return { k: "value", value: null, at };
      case "true":
      case "false":
        return { k: "value", value: node.type === "true", at };
      case "int_literal":
      case "float_literal":
        return { k: "value", value: Number(this.text(node).replaceAll("_", "")), at };
      case "interpreted_string_literal":
        return {
          k: "text",
          parts: [
            this.text(node)
              .slice(1, -1)
              .replace(/\\(?:u[0-9a-f]{4}|x[0-9a-f]{2}|[\s\S])/gi, unescapeText),
          ],
          at,
        };
      case "raw_string_literal":
        return { k: "text", parts: [this.text(node).slice(1, -1)], at };
      case "selector_expression": {
        const [of, field] = [fieldOf(node, "operand"), fieldOf(node, "field")];
        return { k: "member", of: of ? this.expr(of) : NOTHING, name: field ? this.text(field) : "", at };
      }
      case "call_expression":
      case "type_conversion_expression":
        return this.call(node, at);
      case "composite_literal": {
        const [type, body] = [fieldOf(node, "type"), fieldOf(node, "body")];
        const element = type ? (fieldOf(type, "element") ?? fieldOf(type, "value")) : undefined;
        return this.literal(body, type ? this.type(type) : null, at, element ? this.type(element) : null);
      }
      case "literal_value":
        return this.literal(node, null, at);
      case "func_literal": {
        const fn = this.addFunction("", "anonymous", node, this.currentIndex);
        this.parameters(node, fn);
        this.inside(fn, () => {
          const body = fieldOf(node, "body");
          if (body) this.statements(body);
        });
        return { k: "function", fn: this.indexOf(fn), at };
      }
      case "binary_expression": {
        const [left, right] = [fieldOf(node, "left"), fieldOf(node, "right")];
        if (!left || !right) return NOTHING;
        const of = [this.expr(left), this.expr(right)];
        return this.between(left.end, right.start).startsWith("+")
          ? { k: "text", parts: of, at }
          : { k: "other", of, at };
      }
      case "index_expression": {
        const [of, key] = [fieldOf(node, "operand"), fieldOf(node, "index")];
        const keyExpr = key ? this.expr(key) : NOTHING;
        const ofExpr = of ? this.expr(of) : NOTHING;
        if (keyExpr.k === "text" && typeof keyExpr.parts[0] === "string" && keyExpr.parts.length === 1)
          return { k: "member", of: ofExpr, name: keyExpr.parts[0], at };
        return { k: "index", of: ofExpr, key: keyExpr, at };
      }
      case "unary_expression":
      case "parenthesized_expression":
      case "literal_element":
      case "type_instantiation_expression":
        return node.kids[0] ? this.expr(node.kids[0]) : NOTHING;
      case "type_assertion_expression": {
        const of = fieldOf(node, "operand");
        return of ? this.expr(of) : NOTHING;
      }
      case "slice_type":
      case "pointer_type":
      case "qualified_type":
        return this.type(node);
      case "comment":
        return NOTHING;
      default: {
        if (STATEMENTS.has(node.type) || node.type.endsWith("_statement")) {
          this.statements(node);
          return NOTHING;
        }
        const of = node.kids.map((kid) => this.expr(kid)).filter((part) => part !== NOTHING);
        return of.length === 0 ? NOTHING : { k: "other", of, at };
      }
    }
  }

  /** A call or a conversion: `f[T](x)` is written like both. */
  call(node: Node, at: number): Expr {
    const named = fieldOf(node, "function") ?? fieldOf(node, "type");
    const generic = named?.type === "generic_type" ? named : node;
    const callee = named?.type === "generic_type" ? named.kids[0] : named;
    const of = callee ? this.expr(callee) : NOTHING;
    const typeArgument = generic.kids.find((kid) => kid.type === "type_arguments")?.kids[0];
    const operand = fieldOf(node, "operand");
    const args = operand ? [operand] : (fieldOf(node, "arguments")?.kids ?? []);
    return {
      k: "call",
      callee: typeArgument ? { k: "index", of, key: this.type(typeArgument), at } : of,
      args: args.filter((kid) => kid.type !== "comment").map((kid) => this.expr(kid)),
      at,
      isNew: false,
    };
  }

  /** `element`: the type of the values of a list or a map, which they need not repeat. */
  literal(body: Node | undefined, type: Expr | null, at: number, element: Expr | null = null): Expr {
    const itemOf = (node: Node): Expr => {
      const inner = node.type === "literal_element" ? node.kids[0] : node;
      return inner?.type === "literal_value" && element && element !== NOTHING
        ? this.literal(
            inner,
            element,
            this.at(inner),
            element.k === "list" ? (element.items[0] ?? null) : null,
          )
        : this.expr(node);
    };
    const keyed = body?.kids.filter((kid) => kid.type === "keyed_element") ?? [];
    if (keyed.length === 0) {
      const items = (body?.kids ?? []).filter((kid) => kid.type !== "comment").map(itemOf);
      if (type === null || type.k === "list") return { k: "list", items, at };
      return { k: "object", entries: items.map((value) => ({ key: null, value, at: value.at })), type, at };
    }
    const entries = keyed.map((kid) => {
      const [key, value] = [kid.kids[0], kid.kids.at(-1)];
      const name = key ? this.expr(key) : NOTHING;
      return {
        key:
          name.k === "name"
            ? name.name
            : name.k === "text" && typeof name.parts[0] === "string"
              ? name.parts[0]
              : null,
        value: value ? itemOf(value) : NOTHING,
        at: this.at(kid),
      };
    });
    return { k: "object", entries, type, at };
  }
}
