/** Lowers JavaScript, TypeScript and TSX: declarations, scopes and modules. */

import type { ClassIR, Expr, FunctionIR, Language, ModuleIR } from "../ir.ts";
import { fieldOf, type Node, type Syntax } from "../syntax.ts";
import { Builder, NOTHING } from "./builder.ts";
import { lowerClass } from "./javascript-class.ts";
import { lowerExpression, stringValue } from "./javascript-expression.ts";
import { exportOf, importOf } from "./javascript-imports-exports.ts";
import { moduleOf, STATEMENTS } from "./javascript-module.ts";
import { declaredType, instanceOf, typeOf } from "./javascript-types.ts";

/** What an anonymous function is called by its surroundings, and whether that makes it stand for itself. */
export interface Hint {
  name: string;
  prefix: string;
  named: boolean;
}

export class JavaScript extends Builder {
  /** Index of the class whose body is being read. */
  cls: number | null = null;

  /** Adds a function for a function-like node and reads its body. */
  functionOf(node: Node, hint: Hint | null): number {
    const own = fieldOf(node, "name");
    const name = own ? this.text(own) : (hint?.name ?? "");
    const atTop = this.current.rank === "module";
    const rank: FunctionIR["rank"] =
      name === "" ? "anonymous" : atTop || hint?.named ? "named" : own || hint ? "inner" : "anonymous";
    const fn = this.addFunction(name, rank, node, this.currentIndex);
    fn.qualified = hint?.prefix ? `${hint.prefix}.${name}` : name;
    this.inside(fn, () => {
      this.parameters(node, fn);
      const body = fieldOf(node, "body");
      if (!body) return;
      if (body.type === "statement_block") this.statements(body);
      else {
        const value = lowerExpression(this, body, null);
        this.root(value);
        fn.returns.push(value);
      }
    });
    return this.indexOf(fn);
  }

  parameters(node: Node, fn: FunctionIR): void {
    const single = fieldOf(node, "parameter");
    if (single) {
      fn.params.push({ name: this.text(single), type: null, initial: null });
      return;
    }
    for (const param of fieldOf(node, "parameters")?.kids ?? []) {
      if (param.type === "comment" || param.type === "decorator") continue;
      const typed = param.type === "required_parameter" || param.type === "optional_parameter";
      let pattern: Node | undefined = typed ? fieldOf(param, "pattern") : param;
      let initial: Node | undefined = typed ? fieldOf(param, "value") : undefined;
      if (pattern?.type === "assignment_pattern") {
        initial = fieldOf(pattern, "right");
        pattern = fieldOf(pattern, "left");
      }
      const annotation = typed ? fieldOf(param, "type") : undefined;
      const type = annotation ? typeOf(this, annotation) : null;
      const value = initial ? lowerExpression(this, initial, null) : null;
      if (value) this.root(value);
      const name = pattern?.type === "identifier" ? this.text(pattern) : "";
      fn.params.push({ name, type, initial: value });
      // `({ repo }: Deps)`: what is unpacked is a part of a value of that type.
      if (pattern?.type === "object_pattern" && type && type !== NOTHING)
        this.pattern(pattern, instanceOf(type, this.at(param)));
      // `constructor(private readonly repo: UsageRepo)` declares a field.
      if (typed && this.cls !== null && fn.name === "constructor" && name !== "") {
        const head = this.between(param.start, (pattern as Node).start);
        if (/\b(private|public|protected|readonly)\b/.test(head))
          this.classNow().fields.push({
            name,
            value: null,
            type,
            decorators: [],
            tag: null,
            at: this.at(param),
          });
      }
    }
  }

  classNow(): ClassIR {
    return this.module.classes[this.cls as number] as ClassIR;
  }

  statements(node: Node): void {
    this.inBlock(node, () => {
      for (const kid of node.kids) this.statement(kid);
    });
  }

  statement(node: Node): void {
    switch (node.type) {
      case "comment":
      case "empty_statement":
      case "function_signature":
        return;
      case "interface_declaration":
      case "type_alias_declaration": {
        const declared = declaredType(this.text(node), this.at(node));
        if (declared && !this.module.classes.some((cls) => cls.name === declared.name))
          this.bind(declared.name, declared.value);
        return;
      }
      case "import_statement":
        return importOf(this, node);
      case "export_statement":
        return exportOf(this, node);
      case "function_declaration":
      case "generator_function_declaration": {
        const fn = this.functionOf(node, null);
        const declared = this.module.functions[fn] as FunctionIR;
        this.bind(declared.name, { k: "function", fn, at: declared.at });
        return;
      }
      case "class_declaration":
      case "abstract_class_declaration":
        this.classOf(node, []);
        return;
      case "lexical_declaration":
      case "variable_declaration":
        for (const kid of node.kids) if (kid.type === "variable_declarator") this.declarator(kid);
        return;
      case "return_statement": {
        const value = node.kids.find((kid) => kid.type !== "comment");
        if (!value) return;
        const expr = lowerExpression(this, value, { name: "", prefix: this.current.qualified, named: true });
        this.root(expr);
        this.current.returns.push(expr);
        return;
      }
      case "for_in_statement": {
        const [left, right] = [fieldOf(node, "left"), fieldOf(node, "right")];
        const from = right ? lowerExpression(this, right, null) : null;
        if (from) this.root(from);
        if (left && from) this.pattern(left, { k: "item", of: from, at: this.at(node) });
        const body = fieldOf(node, "body");
        if (body) this.statement(body);
        return;
      }
      case "expression_statement": {
        const inner = node.kids[0];
        if (!inner) return;
        if (inner.type === "string" && this.current.rank === "module" && this.current.roots.length === 0)
          this.module.directives.push(stringValue(this, inner));
        this.root(lowerExpression(this, inner, null));
        return;
      }
      default:
        if (STATEMENTS.has(node.type)) this.statements(node);
        else this.root(lowerExpression(this, node, null));
    }
  }

  declarator(node: Node): void {
    const name = fieldOf(node, "name");
    const value = fieldOf(node, "value");
    if (!name) return;
    const type = fieldOf(node, "type");
    if (!value) {
      if (type && name.type === "identifier")
        this.bind(this.text(name), {
          k: "call",
          callee: typeOf(this, type),
          args: [],
          at: this.at(node),
          isNew: true,
        });
      return;
    }
    const hint =
      name.type === "identifier"
        ? { name: this.text(name), prefix: "", named: this.current.rank === "module" }
        : null;
    const expr = lowerExpression(this, value, hint);
    this.root(expr);
    this.pattern(name, expr);
  }

  /** Binds the names of a pattern to the parts of a value, and finds `require` and `import()` in it. */
  pattern(node: Node, value: Expr): void {
    const source = moduleOf(value);
    if (node.type === "identifier") {
      const name = this.text(node);
      if (source === null) this.bind(name, value);
      else this.addImport(name, source.source, source.name ?? "*", node);
    } else if (node.type === "object_pattern") {
      for (const kid of node.kids) {
        if (kid.type === "shorthand_property_identifier_pattern")
          this.part(kid, this.text(kid), value, source);
        else if (kid.type === "object_assignment_pattern") {
          const left = fieldOf(kid, "left");
          if (left) this.part(left, this.text(left), value, source);
        } else if (kid.type === "pair_pattern") {
          const [key, target] = [fieldOf(kid, "key"), fieldOf(kid, "value")];
          if (key && target) this.part(target, this.text(key), value, source);
        }
      }
    } else if (node.type === "array_pattern") {
      let nth = 0;
      let end = node.start;
      for (const kid of node.kids) {
        // Commas count, for `[, second]` leaves the first out.
        nth += this.between(end, kid.start).split(",").length - 1;
        end = kid.end;
        this.pattern(kid, {
          k: "item",
          of: value,
          at: this.at(kid),
          ...(kid.type !== "rest_pattern" && { nth }),
        });
      }
    } else if (node.type === "assignment_pattern") {
      const left = fieldOf(node, "left");
      if (left) this.pattern(left, value);
    } else if (node.kids.length === 1 && node.kids[0]) this.pattern(node.kids[0], value);
  }

  part(target: Node, key: string, value: Expr, source: ReturnType<typeof moduleOf>): void {
    const name = target.type.endsWith("identifier") || target.type.endsWith("identifier_pattern");
    if (source !== null && source.name === null && name)
      this.addImport(this.text(target), source.source, key, target);
    else if (name) this.bind(this.text(target), { k: "member", of: value, name: key, at: this.at(target) });
    else this.pattern(target, { k: "member", of: value, name: key, at: this.at(target) });
  }

  /** Adds an import of `name` of a module as `local`. */
  addImport(local: string, source: string, name: string, node: Node): void {
    this.module.imports.push({ local, source, name, at: this.at(node) });
  }

  /** Adds an export of a value of this module. */
  addExport(name: string, value: Expr): void {
    this.module.exports.push({ name, value, source: null, from: null });
  }

  /** The name of a key or a member, which may be written as a text. */
  unquoted(node: Node): string {
    return node.type === "string" ? stringValue(this, node) : this.text(node);
  }

  /** Adds a class with its members; `around` holds the decorators that stand before an `export`. */
  classOf(node: Node, around: readonly Node[]): number {
    return lowerClass(this, node, around);
  }
}

/** Lowers one file. */
export function lowerJavaScript(file: string, language: Language, isTest: boolean, syntax: Syntax): ModuleIR {
  const builder = new JavaScript(file, language, isTest, syntax);
  builder.statements(syntax.root);
  return builder.module;
}
