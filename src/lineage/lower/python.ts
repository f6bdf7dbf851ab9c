/** Lowers Python: modules, classes, functions and their decorators. */

import type { ClassIR, Expr, FunctionIR, Language, ModuleIR } from "../ir.ts";
import { fieldOf, type Node, type Syntax } from "../syntax.ts";
import { Builder, dotted, NOTHING } from "./builder.ts";
import { lowerPython as lower } from "./python-expression.ts";

export class Python extends Builder {
  cls: number | null = null;

  statements(node: Node): void {
    this.inBlock(node, () => {
      for (const kid of node.kids) this.statement(kid, []);
    });
  }

  statement(node: Node, decorators: readonly Expr[]): void {
    switch (node.type) {
      case "comment":
        return;
      case "import_statement":
      case "import_from_statement":
      case "future_import_statement":
        return this.importOf(node);
      case "decorated_definition": {
        const list = node.kids
          .filter((kid) => kid.type === "decorator")
          .map((kid) => (kid.kids[0] ? lower(this, kid.kids[0]) : NOTHING));
        const definition = fieldOf(node, "definition");
        if (definition) this.statement(definition, list);
        return;
      }
      case "function_definition":
        this.functionOf(node, decorators);
        return;
      case "class_definition":
        return this.classOf(node, decorators);
      case "return_statement": {
        const value = node.kids[0] ? lower(this, node.kids[0]) : NOTHING;
        this.root(value);
        this.current.returns.push(value);
        return;
      }
      case "for_statement": {
        const [left, right] = [fieldOf(node, "left"), fieldOf(node, "right")];
        const from = right ? lower(this, right) : NOTHING;
        this.root(from);
        if (left) this.assign(left, { k: "item", of: from, at: this.at(node) });
        for (const kid of node.kids) if (kid !== left && kid !== right) this.statement(kid, []);
        return;
      }
      case "with_item": {
        const value = fieldOf(node, "value") ?? node.kids[0];
        if (!value) return;
        if (value.type !== "as_pattern") return this.root(lower(this, value));
        const [of, alias] = value.kids;
        const held = of ? lower(this, of) : NOTHING;
        this.root(held);
        if (alias?.kids[0]) this.assign(alias.kids[0], held);
        return;
      }
      case "expression_statement": {
        const inner = node.kids[0];
        // A text that stands alone is documentation.
        if (inner && inner.type !== "string" && inner.type !== "concatenated_string")
          for (const kid of node.kids) this.root(lower(this, kid));
        return;
      }
      default:
        if (STATEMENTS.has(node.type)) this.statements(node);
        else this.root(lower(this, node));
    }
  }

  functionOf(node: Node, decorators: readonly Expr[]): void {
    const nameNode = fieldOf(node, "name");
    if (!nameNode) return;
    const name = this.text(nameNode);
    const isMethod = this.cls !== null;
    const standsAlone = isMethod || this.current.rank === "module" || decorators.length > 0;
    const fn = this.addFunction(name, standsAlone ? "named" : "inner", node, this.currentIndex);
    const index = this.indexOf(fn);
    fn.decorators = [...decorators];
    if (isMethod) {
      const cls = this.classNow();
      fn.cls = this.cls;
      fn.qualified = `${cls.name}.${name}`;
      cls.methods.set(name, index);
    } else this.bind(name, { k: "function", fn: index, at: fn.at });
    const outer = this.cls;
    for (const expr of decorators) this.root(expr);
    for (const param of fieldOf(node, "parameters")?.kids ?? []) this.parameter(param, fn);
    // Inside a method `self.x = …` still declares a field of the class; a nested def is no method.
    this.inside(fn, () => {
      const body = fieldOf(node, "body");
      this.method = isMethod ? outer : this.method;
      this.cls = null;
      if (body) this.statements(body);
    });
    this.cls = outer;
    if (isMethod) this.method = null;
  }

  /** The class whose method is being read: what `self` is. */
  method: number | null = null;

  parameter(node: Node, fn: FunctionIR): void {
    const name = node.type === "identifier" ? node : (fieldOf(node, "name") ?? node.kids[0]);
    if (!name) return;
    const [type, value] = [fieldOf(node, "type"), fieldOf(node, "value")];
    const initial = value ? lower(this, value) : null;
    if (initial) fn.roots.push(initial);
    fn.params.push({ name: this.text(name), type: type ? annotation(this, type) : null, initial });
  }

  classNow(): ClassIR {
    return this.module.classes[this.cls as number] as ClassIR;
  }

  classOf(node: Node, decorators: readonly Expr[]): void {
    const name = fieldOf(node, "name");
    if (!name) return;
    const cls = this.addClass(this.text(name), node, this.cls);
    const index = this.module.classes.length - 1;
    cls.decorators = [...decorators];
    // `Repository[User]` is Repository.
    for (const base of fieldOf(node, "superclasses")?.kids ?? [])
      if (base.type !== "comment")
        cls.bases.push(lower(this, (base.type === "subscript" && fieldOf(base, "value")) || base));
    const outer = this.cls;
    this.cls = index;
    for (const member of fieldOf(node, "body")?.kids ?? []) this.classMember(member, cls);
    this.cls = outer;
  }

  classMember(member: Node, cls: ClassIR): void {
    const inner = member.type === "expression_statement" ? member.kids[0] : undefined;
    if (inner?.type !== "assignment") return this.statement(member, []);
    const left = fieldOf(inner, "left");
    const [right, type] = [fieldOf(inner, "right"), fieldOf(inner, "type")];
    const value = right ? lower(this, right) : null;
    if (value) this.root(value);
    if (left?.type === "identifier")
      cls.fields.push({
        name: this.text(left),
        value,
        type: type ? annotation(this, type) : null,
        decorators: [],
        tag: null,
        at: this.at(member),
      });
  }

  /** Gives a value to a target: a name, a tuple of names or `self.x`. */
  assign(target: Node, value: Expr): void {
    if (target.type === "identifier") this.bind(this.text(target), value);
    else if (target.type === "attribute") {
      const path = this.text(target);
      if (this.method !== null && /^(self|cls)\.\w+$/.test(path))
        (this.module.classes[this.method] as ClassIR).fields.push({
          name: path.slice(path.indexOf(".") + 1),
          value,
          type: null,
          decorators: [],
          tag: null,
          at: this.at(target),
        });
      else this.bind(path, value);
    } else if (/^(pattern_list|tuple_pattern|tuple|list_pattern)$/.test(target.type)) {
      const items = value.k === "list" ? value.items : null;
      const star = target.kids.findIndex((kid) => kid.type === "list_splat_pattern");
      target.kids.forEach((kid, i) => {
        const nth = star < 0 || i < star ? i : undefined;
        this.assign(
          kid,
          items?.[i] ?? { k: "item", of: value, at: this.at(kid), ...(nth !== undefined && { nth }) },
        );
      });
    } else if (target.type === "subscript" && target.kids[0]?.type === "identifier")
      // `ctx["orders"] = …`: one of what the name holds, not what it is.
      this.grow(this.text(target.kids[0]), [value]);
    else if (target.kids[0]) this.assign(target.kids[0], value);
  }

  /** Keeps the type that a local name is annotated with. */
  declare(target: Node, type: Node | undefined): void {
    if (!type || target.type !== "identifier") return;
    this.current.types ??= new Map();
    this.current.types.set(this.text(target), annotation(this, type));
  }

  importOf(node: Node): void {
    const from = fieldOf(node, "module_name");
    const source = from ? this.text(from).replace(/\s/g, "") : null;
    for (const kid of node.kids) {
      if (kid === from) continue;
      if (kid.type === "wildcard_import" && source !== null)
        this.module.exports.push({ name: "*", value: null, source, from: null });
      const name = kid.type === "aliased_import" ? fieldOf(kid, "name") : kid;
      const alias = kid.type === "aliased_import" ? fieldOf(kid, "alias") : undefined;
      if (name?.type !== "dotted_name") continue;
      const path = this.text(name);
      const at = this.at(kid);
      if (source !== null)
        this.module.imports.push({ local: this.text(alias ?? name), source, name: path, at });
      else if (alias) this.module.imports.push({ local: this.text(alias), source: path, name: "*", at });
      // `import a.b` binds `a`; `a.b` is found by walking the package.
      else this.module.imports.push({ local: path.split(".")[0] as string, source: path, name: "**", at });
    }
  }
}

const STATEMENTS = new Set([
  "module",
  "block",
  "if_statement",
  "elif_clause",
  "else_clause",
  "while_statement",
  "try_statement",
  "except_clause",
  "except_group_clause",
  "finally_clause",
  "with_statement",
  "with_clause",
  "match_statement",
  "case_clause",
  "ERROR",
]);

/** A type annotation as an expression; `Optional[X]`, `Annotated[X, …]` and `X | None` are X. */
export function annotation(py: Python, node: Node): Expr {
  const at = py.at(node);
  switch (node.type) {
    case "type":
    case "parenthesized_expression":
      return node.kids[0] ? annotation(py, node.kids[0]) : NOTHING;
    case "identifier":
    case "attribute":
    case "dotted_name":
      return dotted(py.text(node).replace(/\s/g, ""), at);
    case "string":
      return dotted(py.text(node).replace(/^['"]+|['"]+$/g, ""), at);
    case "union_type":
    case "binary_operator":
      return { k: "either", of: node.kids.map((kid) => annotation(py, kid)), at };
    case "generic_type":
    case "subscript": {
      const name = node.kids[0] ? py.text(node.kids[0]).replace(/^typing\./, "") : "";
      const args = node.kids.slice(1).flatMap((kid) => (kid.type === "type_parameter" ? kid.kids : [kid]));
      if (name === "Annotated") {
        const [first, ...rest] = args;
        const type = first ? annotation(py, first) : NOTHING;
        // FastAPI: `Annotated[Session, Depends(get_db)]`.
        return { k: "either", of: [type, ...rest.map((kid) => lower(py, kid.kids[0] ?? kid))], at };
      }
      if (/^(Optional|Union|Type|type|ClassVar|Final|Mapped)$/.test(name))
        return { k: "either", of: args.map((kid) => annotation(py, kid)), at };
      return {
        k: "call",
        callee: dotted(name, at),
        args: args.map((kid) => annotation(py, kid)),
        at,
        isNew: false,
      };
    }
    default:
      return NOTHING;
  }
}

/** Lowers one file. */
export function lowerPython(file: string, language: Language, isTest: boolean, syntax: Syntax): ModuleIR {
  const builder = new Python(file, language, isTest, syntax);
  builder.statements(syntax.root);
  return builder.module;
}
