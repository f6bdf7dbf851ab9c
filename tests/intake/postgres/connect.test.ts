/** Ways to a server: what libpq understands of a URL is understood here, and no password is shown. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { UserError } from "../../../src/contract/errors.ts";
import { type TlsFiles, tlsAttempts } from "../../../src/intake/postgres/tls.ts";
import { shownUrl } from "../../../src/intake/postgres/url.ts";

const folder = mkdtempSync(join(tmpdir(), "trueup-connect-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the URL that people see", () => {
  test.each([
    ["postgres://user:secret@host:5432/app", "postgres://user@host:5432/app"],
    ["postgres://user@host/app?password=secret&sslmode=require", "postgres://user@host/app"],
    ["postgres://?service=billing&password=secret", "postgres://?service=billing"],
    ["postgres://user:secret@more@host/app", "postgres://user@host/app"],
    ["postgres://user:99/secret@host:5432/app", "postgres://…"],
    ["postgres://user:99#secret@host:5432/app", "postgres://…"],
    ["postgres://user:99?secret@host:5432/app", "postgres://…"],
    ["postgres://user:sec/ret@host:5432/app", "postgres://…"],
  ])("%s", (url, shown) => {
    expect(shownUrl(url)).toBe(shown);
  });
});

describe("sslmode", () => {
  const root = join(folder, "root.crt");
  writeFileSync(root, "certificates");
  const none: TlsFiles = { rootCertificate: undefined, certificate: undefined, key: undefined };
  const trusting = { ...none, rootCertificate: root };
  /** `plain`, `unverified`, `any name` or `verified`, in the order of the attempts. */
  const attempts = (mode: string, files = none) =>
    tlsAttempts(mode, "host", files).map((tls) => {
      if (tls === false) return "plain";
      if (tls.rejectUnauthorized === false) return "unverified";
      return tls.checkServerIdentity ? "any name" : "verified";
    });

  test.each([
    ["disable", ["plain"], ["plain"]],
    ["allow", ["plain", "unverified"], ["plain", "unverified"]],
    ["prefer", ["unverified", "plain"], ["unverified", "plain"]],
    ["require", ["unverified"], ["any name"]],
    ["verify-full", ["verified"], ["verified"]],
  ])("%s", (mode, without, withRoot) => {
    expect(attempts(mode)).toEqual(without);
    expect(attempts(mode, trusting)).toEqual(withRoot);
  });

  test("verify-ca takes any name, and needs a certificate", () => {
    expect(attempts("verify-ca", trusting)).toEqual(["any name"]);
    expect(() => attempts("verify-ca")).toThrow(/needs the certificate to trust/);
  });

  test("what does not exist is one clear line", () => {
    expect(() => attempts("safe")).toThrow(/no sslmode is "safe"/);
    const missing = { ...none, rootCertificate: join(folder, "none.crt") };
    expect(() => attempts("verify-full", missing)).toThrow(/none\.crt: no such file or directory$/);
    expect(() => attempts("verify-full", missing)).toThrow(UserError);
  });
});
