/** What a module gives to those who import it: own names, re-exports, barrels and CommonJS. */

import type { Program } from "./program.ts";
import { DEPTH_MAX, type Ref } from "./refs.ts";

export class Exports {
  readonly #program: Program;
  readonly #found: Map<string, Ref | null>[] = [];

  constructor(program: Program) {
    this.#program = program;
  }

  /** What a module gives under a name. */
  of(m: number, name: string, depth: number): Ref | null {
    if (depth > DEPTH_MAX) return null;
    const cache = this.#found[m] ?? new Map<string, Ref | null>();
    this.#found[m] = cache;
    const known = cache.get(name);
    if (known !== undefined) return known;
    // A cycle of re-exports ends here.
    cache.set(name, null);
    const ref = this.#find(m, name, depth);
    if (ref) cache.set(name, ref);
    else cache.delete(name);
    return ref;
  }

  #find(m: number, name: string, depth: number): Ref | null {
    const program = this.#program;
    const module = program.module(m);
    if (module.language === "python") {
      const own = program.lookup({ m, f: 0 }, name, depth + 1);
      if (own) return own;
      const submodule = program.imports.submodule(module, name);
      return submodule === null ? null : { t: "module", m: submodule };
    }
    for (const one of module.exports) {
      if (one.name !== name) continue;
      if (one.value) return program.resolve({ m, f: 0 }, one.value, depth + 1);
      const target = one.source === null ? null : program.imports.resolve(module, one.source);
      if (!target || !("module" in target)) return null;
      return one.from === "*"
        ? { t: "module", m: target.module }
        : this.of(target.module, one.from ?? name, depth + 1);
    }
    for (const one of module.exports) {
      if (one.name !== "*" || one.source === null) continue;
      const target = program.imports.resolve(module, one.source);
      const ref = "module" in target ? this.of(target.module, name, depth + 1) : null;
      if (ref) return ref;
    }
    // `module.exports = x`: a member of x; also what `import x` from CommonJS means.
    const whole = module.exports.find((one) => one.name === "=");
    if (whole?.value) {
      const ref = program.resolve({ m, f: 0 }, whole.value, depth + 1);
      if (name === "default") return ref;
      return ref ? program.member(ref, name, depth + 1) : null;
    }
    if (
      name === "default" &&
      module.exports.length > 0 &&
      !module.exports.some((one) => one.name === "default")
    )
      return { t: "module", m };
    return null;
  }
}
