/** The scope of a Go package: its files share one. */

import type { Program } from "./program.ts";
import type { Ref } from "./refs.ts";

export function goMethod(program: Program, of: { m: number; c: number }, name: string): Ref | null {
  const cls = program.class(of);
  for (const m of goPackage(program, program.module(of.m).file)) {
    const f = program.module(m).functions.findIndex((fn) => fn.receiver === cls.name && fn.name === name);
    if (f >= 0) return { t: "function", m, f };
  }
  return null;
}

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
