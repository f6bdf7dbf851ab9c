/** The functions that may give back a statement, by name: only who uses such a name can run what another one names. */

import type { Expr } from "../../ir.ts";
import { partsOf } from "../../ir.ts";
import type { Place } from "../../program.ts";
import { calledName } from "../../sites.ts";
import type { AccessContext } from "../emit.ts";

const MAKES =
  /(^|_)(select|insert|update|delete|query|exists|union|union_all|aliased|subquery|cte|join|where|filter|filter_by)(_|$)/;
/** How far a statement is handed back through functions. */
const ROUNDS = 4;

export class StatementMakers {
  readonly #names = new Set<string>();
  readonly #holders = new Map<string, Set<string>>();
  readonly #ctx: AccessContext;

  constructor(ctx: AccessContext) {
    this.#ctx = ctx;
    const waiting: { name: string; returns: Set<string> }[] = [];
    for (const { place, expr } of ctx.sites) {
      if (expr.k !== "call" || ctx.program.module(place.m).language !== "python") continue;
      this.#usedAt(place).add(calledName(expr));
    }
    for (const module of ctx.program.modules) {
      if (module.language !== "python") continue;
      for (const fn of module.functions) {
        if (fn.returns.length === 0 || fn.name === "") continue;
        const returns = new Set<string>();
        for (const value of fn.returns) namesIn(value, returns, 0);
        for (const values of fn.bindings.values()) for (const value of values) namesIn(value, returns, 0);
        if ([...returns].some((name) => MAKES.test(name))) this.#names.add(fn.name);
        else waiting.push({ name: fn.name, returns });
      }
    }
    for (let round = 0; round < ROUNDS; round++)
      for (const { name, returns } of waiting)
        if (!this.#names.has(name) && [...returns].some((one) => this.#names.has(one))) this.#names.add(name);
    // Statements kept at the top of a module.
    for (const module of ctx.program.modules)
      if (module.language === "python")
        for (const [name, values] of module.functions[0]?.bindings ?? [])
          for (const value of values) {
            const used = new Set<string>();
            namesIn(value, used, 0);
            if ([...used].some((one) => MAKES.test(one))) this.#names.add(name);
          }
  }

  /** Whether a function uses anything that may give it a statement. */
  mayHold(place: Place): boolean {
    const key = `${place.m} ${place.f}`;
    const known = this.#asked.get(key);
    if (known !== undefined) return known;
    const fn = this.#ctx.program.function(place);
    const used = this.#usedAt(place);
    for (const root of fn.roots) namesIn(root, used, 0);
    let may = false;
    for (const name of used)
      if (this.#names.has(name)) {
        may = true;
        break;
      }
    this.#asked.set(key, may);
    return may;
  }

  readonly #asked = new Map<string, boolean>();

  #usedAt(place: Place): Set<string> {
    const key = `${place.m} ${place.f}`;
    let used = this.#holders.get(key);
    if (!used) {
      used = new Set();
      this.#holders.set(key, used);
    }
    return used;
  }
}

function namesIn(expr: Expr, into: Set<string>, depth: number): void {
  if (depth > 60) return;
  if (expr.k === "name" || expr.k === "member") into.add(expr.name);
  for (const part of partsOf(expr)) namesIn(part, into, depth + 1);
}
