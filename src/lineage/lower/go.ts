/** Lowers Go: packages, functions, methods, structs and their tags. */

import { type ClassIR, EMBEDS, type Expr, type FunctionIR, type Language, type ModuleIR } from "../ir.ts";
import { fieldOf, type Node, type Syntax } from "../syntax.ts";
import { NOTHING } from "./builder.ts";
import { GoExpressions, STATEMENTS } from "./go-expression.ts";

class Go extends GoExpressions {
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
}

/** Lowers one file. */
export function lowerGo(file: string, language: Language, isTest: boolean, syntax: Syntax): ModuleIR {
  const builder = new Go(file, language, isTest, syntax);
  builder.statements(syntax.root);
  return builder.module;
}
