/** Next.js: routes and pages are files; the app router and the pages router. */

import { functionOf } from "../calls.ts";
import type { Place, Program } from "../program.ts";
import { type EntryDraft, joinPath } from "./entries.ts";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

/** The entries that file names make. */
export function nextEntries(program: Program): EntryDraft[] {
  const drafts: EntryDraft[] = [];
  program.modules.forEach((module, m) => {
    if (!/^(javascript|typescript|tsx)$/.test(module.language)) return;
    const add = (kind: EntryDraft["kind"], name: string, exported: string): void => {
      const place = exportedFunction(program, m, exported);
      if (place) drafts.push({ kind, name, m, line: lineOf(program, m, place), place });
    };
    const app = /^(?:.*\/)?app\/(?:(.*)\/)?(route|page|layout)\.[cm]?[jt]sx?$/.exec(
      `/${module.file}`.slice(1),
    );
    if (app) {
      const path = routeOf(app[1] ?? "");
      if (app[2] === "route") for (const method of METHODS) add("route", `${method} ${path}`, method);
      else if (app[2] === "page") add("page", path, "default");
      else add("page", `${path} (layout)`, "default");
      return;
    }
    const pages = /^(?:.*\/)?pages\/(.*)\.[cm]?[jt]sx?$/.exec(module.file);
    if (pages?.[1] && !/^_/.test(pages[1].split("/").at(-1) as string)) {
      const path = routeOf(pages[1].replace(/(^|\/)index$/, ""));
      if (/^api(\/|$)/.test(pages[1])) add("route", `ALL ${path}`, "default");
      else if (program.uses("next") || program.uses("react")) {
        add("page", path, "default");
        for (const loader of ["getServerSideProps", "getStaticProps", "getInitialProps"])
          add("page", path, loader);
      }
      return;
    }
    if (/^(src\/)?(middleware|proxy)\.[cm]?[jt]s$/.test(module.file))
      for (const name of ["middleware", "proxy", "default"]) add("handler", "middleware", name);
    if (module.directives.includes("use server"))
      for (const one of module.exports) if (one.value && one.name !== "=") add("handler", one.name, one.name);
  });
  return drafts;
}

/** `(admin)/users/[id]/@tab` → `/users/[id]`. */
function routeOf(path: string): string {
  return joinPath(...path.split("/").filter((step) => !/^\(.*\)$|^@/.test(step)));
}

function exportedFunction(program: Program, m: number, name: string): Place | null {
  if (!program.module(m).exports.some((one) => one.name === name || one.name === "=" || one.name === "*"))
    return null;
  return functionOf(program, program.exported(m, name));
}

function lineOf(program: Program, m: number, place: Place): number {
  return place.m === m ? program.function(place).at : 1;
}
