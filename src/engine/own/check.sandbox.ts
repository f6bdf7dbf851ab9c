/**
 * Runs one own check in a process without rights: no file but this one, no network, no child processes, no code from
 * text, no module but trueup's own words. Everything it learns comes through messages.
 */

import vm from "node:vm";
import { type AnyCheck, defineCheck, Skip, type Target } from "../../contract/check.ts";
import type { Evidence } from "../../contract/evidence.ts";
import type { Row } from "../../contract/finding.ts";
import { duckdbDialect } from "../../store/dialect.ts";
import { type FromChild, receivedEvidence, type ToChild } from "./protocol.ts";

const host: Pick<NodeJS.EventEmitter, "addListener"> & Pick<NodeJS.Process, "send"> = process;
for (const name of [
  "process",
  "fetch",
  "WebSocket",
  "EventSource",
  "BroadcastChannel",
  "navigator",
  "require",
])
  Reflect.deleteProperty(globalThis, name);

let check: AnyCheck;
let evidence: Evidence;
let targets: readonly Target[] = [];
let calls = 0;
const waiting = new Map<number, { resolve: (rows: Row[]) => void; reject: (error: Error) => void }>();

const send = (message: FromChild) => host.send?.(message);

host.addListener("message", (message: ToChild) => {
  if (message.kind === "reply") {
    const call = waiting.get(message.call);
    waiting.delete(message.call);
    if (message.rows === null) call?.reject(new Error(message.error ?? "the query failed"));
    else call?.resolve(message.rows);
    return;
  }
  const work = message.kind === "start" ? start(message) : run(message);
  work.catch((error: unknown) =>
    send({ kind: "failed", error: error instanceof Error ? error.message : String(error) }),
  );
});

async function start(message: ToChild & { kind: "start" }): Promise<void> {
  const words = new vm.SyntheticModule(["defineCheck", "Skip"], () => {
    words.setExport("defineCheck", defineCheck);
    words.setExport("Skip", Skip);
  });
  const refuse = (specifier: string): never => {
    throw new Error(`imports ${specifier}; an own check may import nothing but trueup`);
  };
  const module = new vm.SourceTextModule(message.source, {
    identifier: message.file,
    importModuleDynamically: (specifier: string) => refuse(specifier),
  });
  await module.link((specifier: string) => (specifier === "trueup" ? words : refuse(specifier)));
  await module.evaluate();
  check = (module.namespace as { default?: AnyCheck }).default as AnyCheck;
  if (typeof check !== "object" || typeof check?.run !== "function" || typeof check.targets !== "function")
    throw new Error("has no default export made with defineCheck({ id, meta, options, targets, run })");
  // Without evidence it is only asked what it is.
  if (message.evidence !== null) {
    evidence = receivedEvidence(message.evidence);
    targets = check.targets(evidence);
  }
  send({
    kind: "started",
    id: check.id,
    meta: JSON.parse(JSON.stringify(check.meta ?? null)),
    options: JSON.parse(JSON.stringify(check.options ?? {})),
    targets: targets.map((target) => String(target.name)),
  });
}

async function run({ target, options }: ToChild & { kind: "run" }): Promise<void> {
  const call = (
    method: "query" | "samples",
    sql: string,
    params: readonly (string | number | boolean | null)[],
  ) =>
    new Promise<Row[]>((resolve, reject) => {
      waiting.set(++calls, { resolve, reject });
      send({ kind: "call", call: calls, method, sql: String(sql), params });
    });
  const found = await check.run(targets[target]!, {
    options,
    now: evidence.now,
    evidence,
    sql: duckdbDialect,
    query: (sql, params = []) => call("query", sql, params),
    samples: (sql) => call("samples", sql, []),
  });
  if (found instanceof Skip) send({ kind: "done", findings: null, skip: found.reason });
  else send({ kind: "done", findings: [...found], skip: null });
}
