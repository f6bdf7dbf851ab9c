/** Which type of the tree stands behind an interface of Go: one that has all its methods, when there is no other. */

import type { Program } from "./program.ts";
import type { Ref } from "./refs.ts";

interface ClassRef {
  m: number;
  c: number;
}

type Method = Ref & { t: "function" };

/** Interfaces in interfaces, and structs in structs, may go this deep. */
const EMBEDDED_MAX = 8;
/** Stands in for the real one in tests, wherever its file lies. */
const STAND_IN =
  /^(mock|fake|stub|dummy|noop)|(mock|fake|stub)$|(^|\/)(mocks?|fakes?|stubs?|\w+(mocks?|fakes?))\//i;

export class GoInterfaces {
  readonly #program: Program;
  /** Method → the types that declare it; null until the tree is read. */
  #declarers: Map<string, ClassRef[]> | null = null;
  /** `m c name` → the method behind it. */
  readonly #found = new Map<string, Method | null>();

  constructor(program: Program) {
    this.#program = program;
  }

  /**
   * The method that a call through the interface runs: null for what is no interface, and where several types (stand-ins
   * for tests apart) have all its methods in ways of their own.
   */
  methodOf(of: ClassRef, name: string): Method | null {
    if (this.#program.class(of).asks === undefined) return null;
    const key = `${of.m} ${of.c} ${name}`;
    const known = this.#found.get(key);
    if (known !== undefined) return known;
    const found = this.#find(of, name);
    this.#found.set(key, found);
    return found;
  }

  #find(of: ClassRef, name: string): Method | null {
    const asked = this.#asked(of, 0);
    if (!asked.has(name)) return null;
    const behind = new Map<string, Method>();
    for (const type of this.#holders(name)) {
      const own = this.#method(type, name, 0);
      if (!own || ![...asked].every((one) => this.#method(type, one, 0))) continue;
      behind.set(`${own.m} ${own.f}`, own);
    }
    return behind.size === 1 ? ([...behind.values()][0] as Method) : null;
  }

  /** The methods of an interface and of those in it. */
  #asked(of: ClassRef, depth: number): Set<string> {
    const cls = this.#program.class(of);
    const names = new Set(cls.asks ?? []);
    for (const base of depth < EMBEDDED_MAX ? cls.bases : []) {
      const ref = this.#program.resolve({ m: of.m, f: 0 }, base);
      if (ref?.t === "class") for (const name of this.#asked(ref, depth + 1)) names.add(name);
    }
    return names;
  }

  /** A method of a struct, or of a struct embedded in it. */
  #method(type: ClassRef, name: string, depth: number): Method | null {
    const own = this.#program.goMethods.of(type).get(name);
    if (own) return own;
    for (const base of depth < EMBEDDED_MAX ? this.#program.class(type).bases : []) {
      const ref = this.#program.resolve({ m: type.m, f: 0 }, base);
      if (ref?.t !== "class" || this.#program.class(ref).asks !== undefined) continue;
      const promoted = this.#method(ref, name, depth + 1);
      if (promoted) return promoted;
    }
    return null;
  }

  /** The types that declare a method, and those that embed one of them and may go by another of its methods. */
  #holders(name: string): readonly ClassRef[] {
    this.#declarers ??= this.#read();
    return this.#declarers.get(name) ?? [];
  }

  #read(): Map<string, ClassRef[]> {
    const program = this.#program;
    const declarers = new Map<string, ClassRef[]>();
    program.modules.forEach((module, m) => {
      if (module.language !== "go" || module.isTest || STAND_IN.test(module.file)) return;
      module.classes.forEach((cls, c) => {
        if (cls.asks !== undefined || STAND_IN.test(cls.name)) return;
        for (const name of this.#methodsOf({ m, c }, 0)) {
          const known = declarers.get(name);
          if (known) known.push({ m, c });
          else declarers.set(name, [{ m, c }]);
        }
      });
    });
    return declarers;
  }

  /** Names of the methods of a struct and of those embedded in it. */
  #methodsOf(of: ClassRef, depth: number): Set<string> {
    const program = this.#program;
    const cls = program.class(of);
    const names = new Set(program.goMethods.of(of).keys());
    for (const base of depth < EMBEDDED_MAX ? cls.bases : []) {
      const ref = program.resolve({ m: of.m, f: 0 }, base);
      if (ref?.t === "class" && program.class(ref).asks === undefined)
        for (const name of this.#methodsOf(ref, depth + 1)) names.add(name);
    }
    return names;
  }
}
