/** Lowers Go: packages, functions, methods, structs and their tags. */

import { type ClassIR, EMBEDS, type Expr, type FunctionIR, type Language, type ModuleIR } from "../ir.ts";
import { fieldOf, type Node, type Syntax } from "../syntax.ts";
import { Builder, dotted, NOTHING } from "./builder.ts";
import { unescapeText } from "./javascript-expression.ts";

class Go extends Builder {
  statements(node: Node): void {
    this.inBlock(node, () => {
      for (const kid of node.kids) this.statement(kid);
    });
  }

  /** The pattern of a `//go:embed` that the next declaration is for, or null. */
  #embeds: Expr | null = null;

  statement(node: Node): void {
    switch (node.type) {
      case "comment": {
        const pattern = /^\/\/go:embed\s+"?([^\s"]+)/.exec(this.text(node))?.[1];
        if (pattern) this.#embeds = { k: "text", parts: [pattern], at: this.at(node) };
        return;
      }
      case "package_clause":
        this.module.package = node.kids[0] ? this.text(node.kids[0]) : null;
        return;
      case "import_spec":
        return this.importOf(node);
      case "function_declaration":
      case "method_declaration":
        return this.functionOf(node);
      case "type_spec":
        return this.typeSpec(node);
      case "const_spec":
      case "var_spec":
        return this.declare(node);
      case "short_var_declaration":
      case "assignment_statement":
        return this.assignment(node);
      case "range_clause": {
        const [left, right] = [fieldOf(node, "left"), fieldOf(node, "right")];
        const from = right ? this.expr(right) : NOTHING;
        this.root(from);
        for (const kid of left?.kids ?? []) this.assign(kid, { k: "item", of: from, at: this.at(kid) });
        return;
      }
      case "return_statement": {
        const list = node.kids[0];
        for (const kid of list?.type === "expression_list" ? list.kids : node.kids) {
          const value = this.expr(kid);
          this.root(value);
          this.current.returns.push(value);
        }
        return;
      }
      default:
        if (STATEMENTS.has(node.type)) this.statements(node);
        else this.root(this.expr(node));
    }
  }

  importOf(node: Node): void {
    const path = fieldOf(node, "path");
    if (!path) return;
    const source = this.text(path).slice(1, -1);
    const name = fieldOf(node, "name");
    // The last step that is no version is what the package is most likely called.
    const steps = source.split("/").filter((step) => !/^v\d+$/.test(step));
    const guessed = (steps.at(-1) ?? source).replace(/^go-|-go$|\.v\d+$/g, "");
    this.module.imports.push({
      local: name ? this.text(name) : guessed,
      source,
      name: "*",
      at: this.at(node),
    });
  }

  functionOf(node: Node): void {
    const nameNode = fieldOf(node, "name");
    if (!nameNode) return;
    const name = this.text(nameNode);
    const fn = this.addFunction(name, "named", node, 0);
    const index = this.indexOf(fn);
    const receiver = fieldOf(node, "receiver")?.kids[0];
    if (receiver) {
      const [own, type] = [fieldOf(receiver, "name"), fieldOf(receiver, "type")];
      const typeExpr = type ? this.type(type) : NOTHING;
      if (typeExpr.k === "name") {
        fn.receiver = typeExpr.name;
        fn.qualified = `${typeExpr.name}.${name}`;
      }
      if (own) fn.params.push({ name: this.text(own), type: typeExpr, initial: null });
    } else this.bind(name, { k: "function", fn: index, at: fn.at });
    this.parameters(node, fn);
    this.inside(fn, () => {
      const body = fieldOf(node, "body");
      if (body) this.statements(body);
    });
  }

  parameters(node: Node, fn: FunctionIR): void {
    for (const param of fieldOf(node, "parameters")?.kids ?? []) {
      const type = fieldOf(param, "type");
      const expr = type ? this.type(type) : null;
      for (const kid of param.kids)
        if (kid.field === "name") fn.params.push({ name: this.text(kid), type: expr, initial: null });
    }
    // The result's type tells what a constructor gives: kept as a return that is a new instance.
    const result = fieldOf(node, "result");
    // Named results are variables: `func List() (users []User, err error)`.
    for (const one of result?.type === "parameter_list" ? result.kids : []) {
      const type = fieldOf(one, "type");
      for (const kid of one.kids)
        if (kid.field === "name")
          fn.params.push({ name: this.text(kid), type: type ? this.type(type) : null, initial: null });
    }
    const first = result?.type === "parameter_list" ? fieldOf(result.kids[0] ?? result, "type") : result;
    if (first) {
      const type = this.type(first);
      if (type.k === "name" || type.k === "member" || type.k === "list")
        fn.returns.push({ k: "call", callee: type, args: [], at: fn.at, isNew: true });
    }
  }

  typeSpec(node: Node): void {
    const [name, type] = [fieldOf(node, "name"), fieldOf(node, "type")];
    if (!name || !type) return;
    const cls: ClassIR = this.addClass(this.text(name), node, null);
    const elements = type.type === "slice_type" ? this.type(type) : null;
    if (elements?.k === "list" && elements.items[0]) cls.element = elements.items[0];
    if (type.type === "interface_type") {
      cls.asks = type.kids.flatMap((kid) => {
        const method = kid.type === "method_elem" ? fieldOf(kid, "name") : undefined;
        return method ? [this.text(method)] : [];
      });
      for (const kid of type.kids)
        if (kid.type === "type_elem" && kid.kids.length === 1 && kid.kids[0])
          cls.bases.push(this.type(kid.kids[0]));
    }
    const list = type.type === "struct_type" ? type.kids[0] : undefined;
    for (const field of list?.kids ?? []) {
      if (field.type !== "field_declaration") continue;
      const [typeNode, tag] = [fieldOf(field, "type"), fieldOf(field, "tag")];
      const of = typeNode ? this.type(typeNode) : null;
      const names = field.kids.filter((kid) => kid.field === "name");
      if (names.length === 0 && of) cls.bases.push(of);
      for (const one of names.length === 0 ? [null] : names)
        cls.fields.push({
          name: one ? this.text(one) : "",
          value: null,
          type: of,
          decorators: [],
          tag: tag ? this.text(tag).slice(1, -1) : null,
          at: this.at(field),
        });
    }
  }

  declare(node: Node): void {
    const values = fieldOf(node, "value");
    const list = values?.type === "expression_list" ? values.kids : values ? [values] : [];
    const type = fieldOf(node, "type");
    const names = node.kids.filter((kid) => kid.field === "name");
    const lowered = list.map((kid) => this.expr(kid));
    for (const value of lowered) this.root(value);
    names.forEach((name, i) => {
      const value = lowered[i] ?? (lowered[0] && names.length > 1 ? lowered[0] : undefined);
      if (value) this.bind(this.text(name), value);
      else if (this.#embeds && type?.type !== "qualified_type")
        this.bind(this.text(name), {
          k: "call",
          callee: { k: "name", name: EMBEDS, at: this.at(name) },
          args: [this.#embeds],
          at: this.at(name),
          isNew: false,
        });
      else if (type)
        this.bind(this.text(name), {
          k: "call",
          callee: this.type(type),
          args: [],
          at: this.at(name),
          isNew: true,
        });
    });
    this.#embeds = null;
  }

  assignment(node: Node): void {
    const [left, right] = [fieldOf(node, "left"), fieldOf(node, "right")];
    if (!left || !right) return;
    const values = (right.type === "expression_list" ? right.kids : [right]).map((kid) => this.expr(kid));
    for (const value of values) this.root(value);
    const appends = this.between(left.end, right.start).startsWith("+=");
    (left.type === "expression_list" ? left.kids : [left]).forEach((target, i) => {
      // `rows, err := f()`: only the first name is the result.
      const value = values[i] ?? (values.length === 1 && i > 0 ? null : values[0]);
      if (!value) return;
      const before = appends ? this.current.bindings.get(this.text(target))?.at(-1) : undefined;
      this.assign(target, before ? { k: "text", parts: [before, value], at: this.at(node) } : value);
    });
  }

  assign(target: Node, value: Expr): void {
    const name = this.text(target);
    if (name === "_") return;
    const list =
      value.k === "call" && value.callee.k === "name" && value.callee.name === "append" ? value : null;
    // `where = append(where, "…")`
    if (list?.args[0]?.k === "name" && list.args[0].name === name) this.grow(name, list.args.slice(1));
    else if (target.type === "identifier" || target.type === "selector_expression") this.bind(name, value);
  }

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

const STATEMENTS = new Set([
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

/** Lowers one file. */
export function lowerGo(file: string, language: Language, isTest: boolean, syntax: Syntax): ModuleIR {
  const builder = new Go(file, language, isTest, syntax);
  builder.statements(syntax.root);
  return builder.module;
}
