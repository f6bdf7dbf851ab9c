/** Functions that are given one of Prisma's tables: who gives it names it, so the access is told there. */

import type { AccessFact } from "../../facts.ts";
import type { Place } from "../../program.ts";
import { type Call, calledName, receiverOf } from "../../sites.ts";
import { assigned } from "../../value.ts";
import type { AccessContext } from "../emit.ts";
import type { Delegates } from "./delegates.ts";

/** Collects the calls on parameters, and tells them at the callers when all are known. */
export class HandedTables {
  readonly #ctx: AccessContext;
  /** By the name and the index of the function that has the parameter. */
  readonly #open = new Map<string, Map<string, { param: string; operation: AccessFact["operation"] }[]>>();

  constructor(ctx: AccessContext) {
    this.#ctx = ctx;
  }

  /** Notes a call whose receiver is a parameter of a function around it. */
  add(place: Place, call: Call, operation: AccessFact["operation"]): void {
    const receiver = receiverOf(call);
    if (receiver?.k !== "name") return;
    for (let f: number | null = place.f; f !== null; ) {
      const fn = this.#ctx.program.function({ m: place.m, f });
      if (fn.bindings.has(receiver.name)) return;
      if (fn.params.some((param) => param.name === receiver.name)) {
        if (fn.name === "") return;
        const known = this.#open.get(fn.name) ?? new Map();
        this.#open.set(fn.name, known);
        const key = `${place.m} ${f}`;
        known.set(key, [...(known.get(key) ?? []), { param: receiver.name, operation }]);
        return;
      }
      f = fn.outer;
    }
  }

  /** Tells what each caller gives. */
  tell(delegates: Delegates): void {
    const { program, sites } = this.#ctx;
    if (this.#open.size === 0) return;
    for (const { place, expr } of sites) {
      const named = expr.k === "call" ? this.#open.get(calledName(expr)) : undefined;
      if (!named || expr.k !== "call") continue;
      const callee = program.resolve(place, expr.callee);
      const open = callee?.t === "function" ? named.get(`${callee.m} ${callee.f}`) : undefined;
      if (!open || callee?.t !== "function") continue;
      const names = program.function(callee).params.map((param) => param.name);
      if (program.function(callee).cls !== null && /^(self|cls)$/.test(names[0] ?? "")) names.shift();
      const given = assigned(names, expr.args, { ...place, frame: null });
      for (const { param, operation } of open) {
        const arg = given.get(param);
        for (const model of arg ? delegates.ofExpr(place, arg.expr) : [])
          this.#ctx.emit(place, expr.at, model.table, operation, [], "builder");
      }
    }
  }
}
