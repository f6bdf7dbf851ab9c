/** The scope of a Go package: its files share one. */

import type { Program } from "./program.ts";
import type { Ref } from "./refs.ts";

/** The methods that each type of a package declares, whatever file they stand in; read once per package. */
export class GoMethods {
  readonly #program: Program;
  /** Folder → type → method. */
  readonly #ofPackage = new Map<string, Map<string, Map<string, Ref & { t: "function" }>>>();

  constructor(program: Program) {
    this.#program = program;
  }

  /** Method → function, of one type; embedded types' methods are theirs. */
  of(type: { m: number; c: number }): ReadonlyMap<string, Ref & { t: "function" }> {
    const { file } = this.#program.module(type.m);
    const folder = file.replace(/[^/]*$/, "");
    let types = this.#ofPackage.get(folder);
    if (!types) {
      types = this.#read(file);
      this.#ofPackage.set(folder, types);
    }
    return types.get(this.#program.class(type).name) ?? NO_METHODS;
  }

  #read(file: string): Map<string, Map<string, Ref & { t: "function" }>> {
    const types = new Map<string, Map<string, Ref & { t: "function" }>>();
    for (const m of goPackage(this.#program, file))
      this.#program.module(m).functions.forEach(({ receiver, name }, f) => {
        if (receiver === null) return;
        const methods = types.get(receiver) ?? new Map<string, Ref & { t: "function" }>();
        if (!methods.has(name)) methods.set(name, { t: "function", m, f });
        types.set(receiver, methods);
      });
    return types;
  }
}

const NO_METHODS: ReadonlyMap<string, Ref & { t: "function" }> = new Map();

export function goPackage(program: Program, file: string): readonly number[] {
  const at = file.lastIndexOf("/");
  return program.imports.goFolders.get(at < 0 ? "." : file.slice(0, at).replace(/^\.\//, "")) ?? [];
}

/** A name of a Go package: its files share one scope. */
export function goMember(
  program: Program,
  file: string,
  name: string,
  except: number | null,
  depth: number,
): Ref | null {
  for (const m of goPackage(program, file)) {
    if (m === except) continue;
    const cls = classNamed(program, m, name);
    if (cls !== undefined) return { t: "class", m, c: cls };
    const values = program.module(m).functions[0]?.bindings.get(name);
    const value = values?.at(-1);
    if (value) return program.resolve({ m, f: 0 }, value, depth + 1);
  }
  return null;
}

function classNamed(program: Program, m: number, name: string): number | undefined {
  const index = program.module(m).classes.findIndex((cls) => cls.name === name);
  return index < 0 ? undefined : index;
}

/** The class itself, or what the named list that it is holds: `type Users []User`. */
export function elementOf(program: Program, of: { m: number; c: number }): { m: number; c: number } {
  const { element } = program.class(of);
  const ref = element ? program.resolve({ m: of.m, f: 0 }, element) : null;
  return ref?.t === "class" ? { m: ref.m, c: ref.c } : { m: of.m, c: of.c };
}
