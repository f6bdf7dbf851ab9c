/** Path prefixes: which router is mounted where, through files and functions. */

import { goPackage } from "../go-scope.ts";
import type { Expr } from "../ir.ts";
import type { Place, Program } from "../program.ts";
import { joinPath } from "./entries.ts";

/** What a router variable is, whatever it is called where it is used; null when it cannot be known. */
export function identityOf(program: Program, place: Place, expr: Expr, depth = 0): string | null {
  if (depth > 12) return null;
  if (expr.k === "call" && expr.args.length > 0 && expr.callee.k === "name" && expr.callee.name === "require")
    return null;
  if (
    expr.k === "call" &&
    expr.callee.k === "member" &&
    /^(routes|allowedMethods|middleware|Router|callback)$/.test(expr.callee.name) &&
    expr.args.length === 0 &&
    !expr.isNew &&
    expr.callee.of.k !== "name"
  )
    return identityOf(program, place, expr.callee.of, depth + 1);
  if (
    expr.k === "call" &&
    expr.callee.k === "member" &&
    /^(routes|allowedMethods|middleware)$/.test(expr.callee.name)
  )
    return identityOf(program, place, expr.callee.of, depth + 1);
  if (expr.k === "function") return `${place.m}:${expr.fn}:@0`;
  if (expr.k === "name") {
    for (let f: number | null = place.f; f !== null; ) {
      const fn = program.function({ m: place.m, f });
      const value = fn.bindings.get(expr.name)?.at(-1);
      if (value) {
        if (value.k === "name" || value.k === "member" || value.k === "function")
          return identityOf(program, { m: place.m, f }, value, depth + 1) ?? `${place.m}:${f}:${expr.name}`;
        return `${place.m}:${f}:${expr.name}`;
      }
      const param = fn.params.findIndex((one) => one.name === expr.name);
      if (param >= 0) return `${place.m}:${f}:@${param}`;
      f = fn.outer;
    }
    const module = program.module(place.m);
    const imported = module.imports.find((one) => one.local === expr.name);
    if (imported) {
      const target = program.imports.resolve(module, imported.source);
      if ("module" in target) return exportedIdentity(program, target.module, imported.name, depth + 1);
    }
    if (module.language === "go")
      for (const m of goPackage(program, module.file))
        if (m !== place.m && program.module(m).functions[0]?.bindings.has(expr.name))
          return `${m}:0:${expr.name}`;
    return null;
  }
  if (expr.k === "member") {
    const of = program.resolve(place, expr.of);
    if (of?.t === "module") return exportedIdentity(program, of.m, expr.name, depth + 1);
    if (of?.t === "instance" || of?.t === "class") return `${of.m}:class${of.c}:${expr.name}`;
    const ref = program.resolve(place, expr);
    return ref?.t === "function" ? `${ref.m}:${ref.f}:@0` : null;
  }
  return null;
}

function exportedIdentity(program: Program, m: number, name: string, depth: number): string | null {
  const module = program.module(m);
  if (module.language === "python")
    return identityOf(program, { m, f: 0 }, { k: "name", name, at: 0 }, depth);
  for (const wanted of name === "*" ? ["default", "="] : [name, "="]) {
    const one = module.exports.find((item) => item.name === wanted);
    if (one?.value) return identityOf(program, { m, f: 0 }, one.value, depth) ?? null;
    if (one?.source) {
      const target = program.imports.resolve(module, one.source);
      if ("module" in target) return exportedIdentity(program, target.module, one.from ?? name, depth + 1);
    }
  }
  return null;
}

/** Prefixes of routers, composed along the mounts. */
export class Mounts {
  /** Routers whose own prefix the mount replaces (Flask). */
  readonly replaced = new Set<string>();
  readonly #under = new Map<string, { parent: string | null; prefix: string }[]>();

  add(child: string | null, parent: string | null, prefix: string): void {
    if (child === null || child === parent) return;
    const known = this.#under.get(child);
    if (known) known.push({ parent, prefix });
    else this.#under.set(child, [{ parent, prefix }]);
  }

  /** Every prefix that a router is reached under; [""] when it is mounted nowhere. */
  prefixesOf(router: string | null, depth = 0): string[] {
    const mounts = router === null ? undefined : this.#under.get(router);
    if (!mounts || depth > 8) return [""];
    const prefixes = mounts.flatMap(({ parent, prefix }) =>
      this.prefixesOf(parent, depth + 1).map((above) => joinPath(above, prefix)),
    );
    return [...new Set(prefixes)];
  }
}
