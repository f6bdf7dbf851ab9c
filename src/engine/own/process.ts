/** The process of one own check, seen from trueup: messages, a time limit, and an end on every way out. */

import { type ChildProcess, spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { messageOf } from "../../contract/errors.ts";
import type { FromChild, ToChild } from "./protocol.ts";

/** Megabytes of JavaScript a check may hold. */
const MEMORY_MB = 256;
/** Characters of what it writes to standard error that are kept: why it ended stands behind a trace. */
const STDERR_MAX = 16_384;

/** Asks the store for what the check asks for. */
export type Answer = (
  call: FromChild & { kind: "call" },
) => Promise<Extract<ToChild, { kind: "reply" }>["rows"]>;

export class CheckProcess {
  readonly #child: ChildProcess;
  #stderr = "";
  #ended: string | null = null;
  #onMessage: (message: FromChild) => void = () => {};
  #onEnd: (reason: string) => void = () => {};

  /** An aborted signal ends the process at once. */
  constructor(signal: AbortSignal) {
    const script = sandboxScript();
    this.#child = spawn(
      process.execPath,
      [
        process.allowedNodeEnvironmentFlags.has("--permission")
          ? "--permission"
          : "--experimental-permission",
        `--allow-fs-read=${script}`,
        "--experimental-vm-modules",
        "--disallow-code-generation-from-strings",
        `--max-old-space-size=${MEMORY_MB}`,
        "--no-warnings",
        script,
      ],
      {
        cwd: dirname(script),
        env: {},
        stdio: ["ignore", "ignore", "pipe", "ipc"],
        serialization: "advanced",
        signal,
        killSignal: "SIGKILL",
      },
    );
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      if (this.#stderr.length < STDERR_MAX) this.#stderr += text;
    });
    this.#child.on("message", (message: FromChild) => this.#onMessage(message));
    this.#child.on("error", (error) => this.#end(messageOf(error)));
    // Not when it exits: what it said last may still be on its way.
    this.#child.on("close", (code, signal) => {
      const heap = /heap out of memory/i.test(this.#stderr);
      this.#end(heap ? `used more than ${MEMORY_MB} MB` : `its process ended (${signal ?? `exit ${code}`})`);
    });
  }

  /**
   * Sends a message and answers the check's calls until it is done. Rejects when the check fails, ends or needs longer
   * than `seconds`; then `interrupt` is called and the process is gone.
   */
  ask(message: ToChild, seconds: number, answer: Answer, interrupt: () => void): Promise<FromChild> {
    return new Promise<FromChild>((resolve, reject) => {
      const finish = (work: () => void) => {
        clearTimeout(timer);
        this.#onMessage = () => {};
        this.#onEnd = () => {};
        work();
      };
      const timer = setTimeout(() => {
        finish(() => reject(new Error(`did not end within ${seconds} s`)));
        this.kill();
        interrupt();
      }, seconds * 1000);
      this.#onEnd = (reason) => finish(() => reject(new Error(reason)));
      this.#onMessage = (reply) => {
        if (reply.kind === "failed") finish(() => reject(new Error(messageOf(reply.error))));
        else if (reply.kind !== "call") finish(() => resolve(reply));
        else
          void answer(reply).then(
            (rows) => this.#send({ kind: "reply", call: reply.call, rows, error: null }),
            (error) => this.#send({ kind: "reply", call: reply.call, rows: null, error: messageOf(error) }),
          );
      };
      if (this.#ended !== null) this.#onEnd(this.#ended);
      else this.#send(message);
    });
  }

  /** Ends the process at once. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }

  #send(message: ToChild): void {
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  #end(reason: string): void {
    this.#ended ??= reason;
    this.#onEnd(this.#ended);
  }
}

/** The built file, from the build as from the sources. */
function sandboxScript(): string {
  const folder = dirname(fileURLToPath(import.meta.url));
  const root = folder.replace(/[\\/](?:dist[\\/][^\\/]+|src[\\/]engine[\\/]own)$/, "");
  return join(root, "dist", "workers", "own-check.sandbox.js");
}
