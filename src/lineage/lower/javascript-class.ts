/** Lowers classes of JavaScript and TypeScript: bases, decorators, methods, and fields that may hold functions. */

import type { ClassIR, Expr, FunctionIR } from "../ir.ts";
import { fieldOf, type Node } from "../syntax.ts";
import type { JavaScript } from "./javascript.ts";
import { lowerExpression } from "./javascript-expression.ts";
import { typeOf } from "./javascript-types.ts";

/** Adds a class with its members, and gives its index; `around` holds the decorators that stand before an `export`. */
export function lowerClass(builder: JavaScript, node: Node, around: readonly Node[]): number {
  const name = fieldOf(node, "name");
  const cls = builder.addClass(name ? builder.text(name) : "default", node, null);
  const index = builder.module.classes.length - 1;
  for (const kid of [...around, ...node.kids]) {
    if (kid.type === "decorator" && kid.kids[0])
      cls.decorators.push(lowerExpression(builder, kid.kids[0], null));
    if (kid.type !== "class_heritage") continue;
    const clause = kid.kids.find((one) => one.type === "extends_clause") ?? kid;
    const base = fieldOf(clause, "value") ?? clause.kids[0];
    if (base && base.type !== "implements_clause") cls.bases.push(lowerExpression(builder, base, null));
  }
  const outer = builder.cls;
  builder.cls = index;
  let decorators: Expr[] = [];
  for (const member of fieldOf(node, "body")?.kids ?? []) {
    if (member.type === "decorator") {
      if (member.kids[0]) decorators.push(lowerExpression(builder, member.kids[0], null));
      continue;
    }
    addMember(builder, member, cls, index, decorators);
    decorators = [];
  }
  builder.cls = outer;
  return index;
}

function addMember(
  builder: JavaScript,
  member: Node,
  cls: ClassIR,
  index: number,
  before: readonly Expr[],
): void {
  const nameNode = fieldOf(member, "name") ?? fieldOf(member, "property");
  const decorators = [
    ...before,
    ...member.kids
      .filter((kid) => kid.type === "decorator" && kid.kids[0])
      .map((kid) => lowerExpression(builder, kid.kids[0] as Node, null)),
  ];
  if (member.type === "method_definition" && nameNode) {
    const name = builder.unquoted(nameNode);
    const fn = builder.functionOf(member, { name, prefix: cls.name, named: true });
    const method = builder.module.functions[fn] as FunctionIR;
    method.cls = index;
    method.decorators = decorators;
    cls.methods.set(name, fn);
  } else if (member.type === "public_field_definition" || member.type === "field_definition") {
    if (!nameNode) return;
    const name = builder.unquoted(nameNode);
    const [value, type] = [fieldOf(member, "value"), fieldOf(member, "type")];
    const expr = value ? lowerExpression(builder, value, { name, prefix: cls.name, named: true }) : null;
    if (expr?.k === "function") {
      cls.methods.set(name, expr.fn);
      (builder.module.functions[expr.fn] as FunctionIR).cls = index;
    } else if (expr) builder.root(expr);
    cls.fields.push({
      name,
      value: expr,
      type: type ? typeOf(builder, type) : null,
      decorators,
      tag: null,
      at: builder.at(member),
    });
  } else if (member.type === "class_static_block") builder.statements(member);
}
