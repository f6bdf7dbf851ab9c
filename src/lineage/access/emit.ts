/** What the readers of builders and ORMs share: the program, its models, and a way to tell an access. */

import type { AccessFact } from "../facts.ts";
import type { Expr } from "../ir.ts";
import type { Model, Models } from "../models/models.ts";
import type { Place, Program } from "../program.ts";
import { type Call, chainOf, type Site, type Step } from "../sites.ts";
import { textsOf } from "../text.ts";
import type { Stored } from "./literals.ts";

/** A call that no further call is made on, with what it is built of. */
export interface Chain {
  call: Call;
  root: Expr;
  steps: Step[];
}

/** The chains of each function, taken apart when they are first asked for. */
export class Chains {
  readonly #calls = new Map<string, Call[]>();
  readonly #chains = new Map<string, readonly Chain[]>();

  constructor(sites: readonly Site[]) {
    for (const { place, expr, chained } of sites) {
      if (expr.k !== "call" || chained) continue;
      const key = `${place.m} ${place.f}`;
      const known = this.#calls.get(key);
      if (known) known.push(expr);
      else this.#calls.set(key, [expr]);
    }
  }

  at(place: Place): readonly Chain[] {
    const key = `${place.m} ${place.f}`;
    let chains = this.#chains.get(key);
    if (!chains) {
      chains = (this.#calls.get(key) ?? []).map((call) => ({ call, ...chainOf(call) }));
      this.#chains.set(key, chains);
    }
    return chains;
  }
}

export interface AccessContext {
  program: Program;
  models: Models;
  sites: readonly Site[];
  /** The outermost calls of each function. */
  chains: Chains;
  /** Tells one access; `table` null when only run time knows it; `stored` is what it writes, where that can be seen. */
  emit(
    place: Place,
    line: number,
    table: string | null,
    operation: AccessFact["operation"],
    columns: readonly string[],
    certainty: AccessFact["certainty"],
    stored?: Stored,
  ): void;
}

/** The chains of the function at a place. */
export function chainsAt(ctx: AccessContext, place: Place): readonly Chain[] {
  return ctx.chains.at(place);
}

/** The constant text of an expression, or null. */
export function constantOf(program: Program, place: Place, expr: Expr | null | undefined): string | null {
  if (!expr || expr.k === "object" || expr.k === "function" || expr.k === "value") return null;
  const text = textsOf(program, place, expr)[0];
  if (!text?.every((piece) => "text" in piece)) return null;
  return text.map((piece) => ("text" in piece ? piece.text : "")).join("");
}

/** The keys of an object, or of the objects of a list, as columns of the model. */
export function keysOf(
  program: Program,
  place: Place,
  expr: Expr | null | undefined,
  model: Model | null,
): string[] {
  if (!expr) return [];
  if (expr.k === "list")
    return [...new Set(expr.items.flatMap((item) => keysOf(program, place, item, model)))];
  const ref = expr.k === "object" ? null : program.resolve(place, expr);
  const object = expr.k === "object" ? expr : ref?.t === "expr" && ref.expr.k === "object" ? ref.expr : null;
  if (!object)
    return ref?.t === "expr" && ref.expr.k === "list" ? keysOf(program, ref.place, ref.expr, model) : [];
  return object.entries.flatMap(({ key }) => (key === null ? [] : [model?.columns.get(key) ?? key]));
}

/** Texts in arguments, lists included: `select("a", ["b"])`; qualifiers and aliases are cut off. */
export function columnTexts(program: Program, place: Place, args: readonly Expr[]): string[] {
  return args.flatMap((arg): string[] => {
    if (arg.k === "list") return columnTexts(program, place, arg.items);
    if (arg.k !== "text") return [];
    const text = constantOf(program, place, arg);
    const column =
      text === null ? undefined : /^(?:[\w$]+\.)*([\w$]+|\*)(?:\s+as\s+[\w$]+)?$/i.exec(text.trim())?.[1];
    return column ? [column] : [];
  });
}

/** `users as u` → `users`; `auth.users` → `users`. */
export function tableOf(text: string | null): string | null {
  if (text === null) return null;
  const name = /^\s*(?:[\w$]+\.)*([\w$-]+)(?:\s+(?:as\s+)?[\w$]+)?\s*$/i.exec(text)?.[1];
  return name ?? null;
}

/** The arguments of the steps of these names. */
export function argsOf(steps: readonly Step[], names: RegExp): Expr[] {
  return steps.flatMap((step) => (step.args && names.test(step.name) ? [...step.args] : []));
}

/** Whether a call is the value of a name in its function. */
export function isBound(ctx: AccessContext, place: Place, call: Call): boolean {
  for (const values of ctx.program.function(place).bindings.values()) if (values.includes(call)) return true;
  return false;
}

/** The steps of chains that go on from the name a builder was kept under. */
export function laterSteps(ctx: AccessContext, place: Place, call: Call): Step[] {
  const names = [...ctx.program.function(place).bindings]
    .filter(([, values]) => values.includes(call))
    .map(([name]) => name);
  // `$query` and its like are asked of a row that the builder gave.
  return chainsAt(ctx, place).flatMap(({ root, steps }) =>
    root.k === "name" && names.includes(root.name) && !steps[0]?.name.startsWith("$") ? steps : [],
  );
}
