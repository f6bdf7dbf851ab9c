/** An own check in TypeScript or JavaScript: the check that the engine sees stands for one in a process of its own. */

import { type AnyCheck, type CheckMeta, defineCheck, type OptionSpecs, Skip } from "../../contract/check.ts";
import type { Evidence } from "../../contract/evidence.ts";
import { draftOf, severityOf } from "./drafts.ts";
import { type Answer, CheckProcess } from "./process.ts";
import { type FromChild, sentEvidence } from "./protocol.ts";
import type { OwnFile } from "./read.ts";

/** Rows that one query of a check may return. */
const ROWS_MAX = 100_000;

export interface ModuleOptions {
  timeoutSeconds: number;
  signal: AbortSignal;
  /** Stops the query at work. */
  interrupt: () => void;
}

interface Numbered {
  name: string;
  index: number;
}

/** Starts the process and asks the check what it is and, when there is evidence, for its targets. `close` must be called on every way out. */
export async function moduleCheck(
  file: OwnFile,
  evidence: Evidence | null,
  options: ModuleOptions,
): Promise<{ check: AnyCheck; close: () => void }> {
  const source = file.language === "ts" ? await withoutTypes(file) : file.text;
  const child = new CheckProcess(options.signal);
  try {
    const nothing: Answer = () => Promise.reject(new Error("a query is possible only in run"));
    const started = (await child.ask(
      { kind: "start", source, file: file.file, evidence: evidence && sentEvidence(evidence) },
      options.timeoutSeconds,
      nothing,
      options.interrupt,
    )) as FromChild & { kind: "started" };
    return { check: standIn(file, started, child, options), close: () => child.kill() };
  } catch (error) {
    child.kill();
    throw error;
  }
}

function standIn(
  file: OwnFile,
  started: FromChild & { kind: "started" },
  child: CheckProcess,
  { timeoutSeconds, interrupt }: ModuleOptions,
): AnyCheck {
  const targets = started.targets.map((name, index): Numbered => ({ name, index }));
  return defineCheck({
    id: typeof started.id === "string" ? started.id : file.name,
    meta: metaOf(started.meta, file),
    options: started.options as OptionSpecs,
    own: true,
    targets: () => targets,
    run: async (target: Numbered, ctx) => {
      const answer: Answer = async ({ method, sql, params }) => {
        if (method === "samples") return ctx.samples(sql);
        const rows = await ctx.query(sql, params);
        if (rows.length > ROWS_MAX)
          throw new Error(`a query returned more than ${ROWS_MAX} rows; aggregate in SQL`);
        return rows;
      };
      const done = await child.ask(
        { kind: "run", target: target.index, options: { ...ctx.options } },
        timeoutSeconds,
        answer,
        interrupt,
      );
      if (done.kind !== "done") throw new Error("answered out of turn");
      return done.skip === null ? (done.findings ?? []).map(draftOf) : new Skip(String(done.skip));
    },
  });
}

function metaOf(value: unknown, { file, name }: OwnFile): CheckMeta {
  const meta = (typeof value === "object" && value !== null ? value : {}) as Partial<CheckMeta>;
  const text = (item: unknown, fallback: string) =>
    typeof item === "string" && item !== "" ? item : fallback;
  return {
    title: text(meta.title, name),
    severity: severityOf(text(meta.severity, "warning"), file),
    what: text(meta.what, `An own check: ${file}.`),
    why: text(meta.why, `${file} checks it.`),
    fix: text(meta.fix, `See ${file}.`),
    silent: Array.isArray(meta.silent) ? meta.silent.map(String) : [],
    needs: text(meta.needs, "evidence that it has targets in"),
  };
}

/** TypeScript's types blanked out, so that lines and columns in its errors stay true. */
async function withoutTypes({ file, text }: OwnFile): Promise<string> {
  const { transformSync } = await import("@swc/wasm-typescript");
  try {
    return transformSync(text, { mode: "strip-only", module: true, filename: file }).code;
  } catch (error) {
    const told = error as { message?: string; code?: string; startLine?: number };
    throw new Error(
      `${file} is no TypeScript that can be stripped of its types: ${told.message ?? String(error)}`,
    );
  }
}
