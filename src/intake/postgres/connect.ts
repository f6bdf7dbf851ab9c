/** Connects to a live Postgres as libpq would: URL, PG* variables, password file, service file, TLS modes. */

/// <reference path="./pgpass.d.ts" />

import { existsSync, readFileSync } from "node:fs";
import pg from "pg";
import { parse } from "pg-connection-string";
import pgpass from "pgpass";
import { messageOf, UserError } from "../../contract/errors.ts";
import type { PostgresSettings } from "../../contract/settings.ts";
import { type TlsFiles, tlsAttempts } from "./tls.ts";
import { shownUrl } from "./url.ts";

/** Seconds to wait for a server that does not answer. */
const CONNECT_SECONDS = 15;

/** Nothing but the URL says where to connect. */
export const NO_ENVIRONMENT: PostgresSettings = {
  service: null,
  serviceFiles: [],
  sslmode: null,
  sslRootCertificate: null,
};

/**
 * @param url `postgres://user@host:port/database?sslmode=…&service=…`; what it leaves out comes from PG* variables
 * and the password file.
 * @throws UserError with one line and never the password.
 */
export async function connect(url: string, environment: PostgresSettings): Promise<pg.Client> {
  const shown = shownUrl(url);
  const settings = settingsOf(url, environment, shown);
  const mode = settings.sslmode ?? environment.sslmode ?? "prefer";
  const attempts = attemptsOf(mode, settings.config.host, settings.tls, shown);
  for (const [index, ssl] of attempts.entries()) {
    const client = new pg.Client({
      ...settings.config,
      ssl,
      application_name: "trueup",
      connectionTimeoutMillis: CONNECT_SECONDS * 1000,
    });
    readPasswordFile(client);
    // A server that dies later tells it here; the query at work fails with the same error.
    client.on("error", () => {});
    try {
      await client.connect();
      return client;
    } catch (error) {
      await client.end().catch(() => {});
      const message = messageOf(error);
      const mayRetry = /does not support SSL|no encryption|SSL off|pg_hba/i.test(message);
      if (index + 1 < attempts.length && mayRetry) continue;
      throw new UserError(`${shown}: ${explained(error, message)}`);
    }
  }
  throw new UserError(`${shown}: no way to connect`);
}

/** A connection that may write, for repairs; every statement tells the rows it changed. */
export async function openWriter(
  url: string,
  environment: PostgresSettings = NO_ENVIRONMENT,
): Promise<{ run(sql: string): Promise<number>; close(): Promise<void> }> {
  const client = await connect(url, environment);
  return {
    run: async (sql) => (await client.query(sql)).rowCount ?? 0,
    close: () => client.end(),
  };
}

/** Where neither the URL nor PGPASSWORD has one, the password of the password file. */
function readPasswordFile(client: pg.Client): void {
  const asked = client as unknown as { password: string | null | (() => Promise<string | undefined>) };
  if (asked.password === null) asked.password = () => new Promise((done) => pgpass(client, done));
}

function attemptsOf(mode: string, host: string | undefined, files: TlsFiles, shown: string) {
  try {
    return tlsAttempts(mode, host, files);
  } catch (error) {
    throw new UserError(`${shown}: ${messageOf(error)}`);
  }
}

function settingsOf(
  url: string,
  environment: PostgresSettings,
  shown: string,
): { config: pg.ClientConfig; sslmode: string | undefined; tls: TlsFiles } {
  let options: Record<string, unknown>;
  try {
    options = parse(withoutTls(url)) as unknown as Record<string, unknown>;
    for (const [name, value] of new URLSearchParams(url.split("?")[1])) options[name] ??= value;
  } catch {
    throw new UserError(
      `${shown}: no URL that can be read; signs like # / ? @ in a password are written %23 %2F %3F %40, or the password is given in PGPASSWORD`,
    );
  }
  const text = (name: string) =>
    typeof options[name] === "string" && options[name] !== "" ? String(options[name]) : undefined;
  const service = serviceOf(text("service") ?? environment.service, environment.serviceFiles, shown);
  const pick = (name: string, key = name) => text(name) ?? service[key];
  const port = pick("port");
  const config: pg.ClientConfig = {};
  const host = pick("host");
  if (host) config.host = host;
  if (port) config.port = Number(port);
  const user = pick("user");
  if (user) config.user = user;
  const password = pick("password");
  if (password) config.password = password;
  const database = pick("database", "dbname");
  if (database) config.database = database;
  return {
    config,
    sslmode: pick("sslmode") ?? (text("ssl") === "true" ? "require" : undefined),
    tls: {
      rootCertificate: pick("sslrootcert") ?? environment.sslRootCertificate ?? undefined,
      certificate: pick("sslcert"),
      key: pick("sslkey"),
    },
  };
}

/** What the URL says of TLS is read here: the library refuses some of it, and opens files on its own. */
function withoutTls(url: string): string {
  return url.replace(/([?&])(?:ssl|sslmode|sslrootcert|sslcert|sslkey)=[^&]*/g, "$1");
}

/** The parameters of one service of pg_service.conf. */
function serviceOf(name: string | null, files: readonly string[], shown: string): Record<string, string> {
  if (name === null) return {};
  for (const file of files.filter((f) => existsSync(f))) {
    let inside = false;
    const found: Record<string, string> = {};
    for (const line of readFileSync(file, "utf8").split(/\r?\n/)) {
      const section = /^\s*\[(.*)\]\s*$/.exec(line);
      if (section) inside = section[1] === name;
      const pair = /^\s*([a-z_]+)\s*=\s*(.*?)\s*$/.exec(line);
      if (inside && pair) found[pair[1] as string] = pair[2] as string;
    }
    if (Object.keys(found).length > 0) return found;
  }
  throw new UserError(
    `${shown}: the service "${name}" is in no service file (looked in ${files.join(", ") || "none"})`,
  );
}

/** What went wrong and what to do, in one line. */
function explained(error: unknown, message: string): string {
  const code = (error as { code?: string }).code;
  switch (code) {
    case "28P01":
    case "28000":
      return `${message}; give the password in PGPASSWORD or ~/.pgpass`;
    case "3D000":
      return message;
    case "ECONNREFUSED":
      return "connection refused; is the server running, and the port right?";
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "no such host";
    case "EHOSTUNREACH":
    case "ENETUNREACH":
    case "ETIMEDOUT":
      return "the host cannot be reached";
  }
  if (/timeout expired/i.test(message)) return `no answer within ${CONNECT_SECONDS} s`;
  if (/password must be a string|no password/i.test(message))
    return "the server asks for a password; give it in PGPASSWORD or ~/.pgpass";
  return message === "" ? "the connection failed" : message;
}
