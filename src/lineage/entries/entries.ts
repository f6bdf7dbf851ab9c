/** Where control enters the code: routes, pages, jobs, mains and handlers, of every framework that is known. */

import type { EntryFact } from "../facts.ts";
import type { Place, Program } from "../program.ts";
import type { Site } from "../sites.ts";
import { goEntries } from "./go.ts";
import { javascriptEntries } from "./javascript.ts";
import { nextEntries } from "./next.ts";
import { pythonEntries } from "./python.ts";

export interface EntryDraft {
  kind: EntryFact["kind"];
  /** `GET /api/usage`, `/dashboard`, a command, a function's name. */
  name: string;
  /** Module and line that register it. */
  m: number;
  line: number;
  /** What runs. */
  place: Place;
}

/** All entries; an anonymous handler is named after its entry and stands for itself from then on. */
export function findEntries(program: Program, sites: readonly Site[]): EntryDraft[] {
  const drafts = [
    ...nextEntries(program),
    ...javascriptEntries(program, sites),
    ...pythonEntries(program, sites),
    ...goEntries(program, sites),
  ];
  const seen = new Set<string>();
  const entries = drafts.filter((draft) => {
    const key = `${draft.kind} ${draft.name} ${draft.m} ${draft.line} ${draft.place.m} ${draft.place.f}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
  for (const entry of entries) {
    const fn = program.function(entry.place);
    if (fn.rank !== "anonymous" && fn.rank !== "inner") continue;
    if (fn.name === "") {
      fn.name = entry.name;
      fn.qualified = entry.name;
    }
    fn.rank = "named";
  }
  return entries;
}

/** Joins a prefix and a path: `/api/` and `usage` are `/api/usage`. */
export function joinPath(...parts: string[]): string {
  const path = parts
    .map((part) => part.replace(/^\/+|\/+$/g, ""))
    .filter((part) => part !== "")
    .join("/");
  return `/${path}`;
}
