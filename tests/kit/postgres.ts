/** A real Postgres server for tests: a private cluster on a free port, started once per file and thrown away. */

import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface PostgresServer {
  port: number;
  /** `postgres://postgres@127.0.0.1:<port>/<database>`. */
  url(database: string): string;
  /** Runs one of Postgres' programs with the connection's options and returns its standard output. */
  program(name: string, args: readonly string[], input?: string): string;
  /** Kills the server at once, as a crash would. */
  kill(): void;
  stop(): void;
}

/** Where Debian (or the PATH) keeps Postgres' programs, or null when no server is installed. */
export function postgresPrograms(): string | null {
  const debian = "/usr/lib/postgresql";
  if (existsSync(debian)) {
    const versions = readdirSync(debian).sort((a, b) => Number(b) - Number(a));
    for (const version of versions)
      if (existsSync(join(debian, version, "bin/initdb"))) return join(debian, version, "bin");
  }
  const found = spawnSync("which", ["initdb"], { encoding: "utf8" }).stdout.trim();
  return found === "" ? null : join(found, "..");
}

/** Starts a server; as root it runs as the user postgres, which refuses to be root. */
export async function startPostgres(bin: string): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), "trueup-pg-"));
  const data = join(folder, "data");
  const asRoot = process.getuid?.() === 0;
  const user = asRoot ? Number(execFileSync("id", ["-u", "postgres"], { encoding: "utf8" })) : undefined;
  chmodSync(folder, 0o755);
  if (user !== undefined) chownSync(folder, user, user);
  const own = {
    encoding: "utf8" as const,
    uid: user,
    cwd: folder,
    env: { PATH: process.env.PATH ?? "", LC_ALL: "C.UTF-8" },
  };
  execFileSync(
    join(bin, "initdb"),
    ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"],
    {
      ...own,
      stdio: "ignore",
    },
  );
  const port = await freePort();
  const options = `-p ${port} -k ${folder} -c listen_addresses=127.0.0.1 -c fsync=off -c logging_collector=off`;
  execFileSync(join(bin, "pg_ctl"), ["-D", data, "-w", "-l", join(folder, "log"), "-o", options, "start"], {
    ...own,
    stdio: "ignore",
  });
  let running = true;
  const end = (mode: string) => {
    if (running)
      spawnSync(join(bin, "pg_ctl"), ["-D", data, "-m", mode, "-w", "stop"], { ...own, stdio: "ignore" });
    running = false;
  };
  return {
    port,
    url: (database) => `postgres://postgres@127.0.0.1:${port}/${database}`,
    program: (name, args, input) =>
      execFileSync(join(bin, name), args, {
        encoding: "utf8",
        input,
        maxBuffer: 2 ** 28,
        stdio: ["pipe", "pipe", "inherit"],
        env: { ...process.env, PGHOST: "127.0.0.1", PGPORT: String(port), PGUSER: "postgres" },
      }),
    kill: () => end("immediate"),
    stop: () => {
      end("immediate");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        address && typeof address === "object" ? resolve(address.port) : reject(new Error("no port")),
      );
    });
  });
}
