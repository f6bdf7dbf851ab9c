/** Every sample is audited by the built command and must say exactly what its expected.json says. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { auditReport, ROOT, sha256 } from "./kit/command.ts";

interface Expected {
  about: string;
  args: string[];
  exit: number;
  findings: {
    check: string;
    target?: string;
    input?: string;
    severity?: string;
    evidence?: Record<string, unknown>;
    message?: string[];
  }[];
}

const SAMPLES = join(ROOT, "sample-data");
const cases = readdirSync(SAMPLES).filter((name) => existsSync(join(SAMPLES, name, "expected.json")));

describe("samples", () => {
  test("there are samples", () => expect(cases).toContain("citations"));

  test.each(cases)("%s gives exactly the expected findings and leaves its files as they are", (name) => {
    const folder = join(SAMPLES, name);
    const expected = JSON.parse(readFileSync(join(folder, "expected.json"), "utf8")) as Expected;
    const files = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort();
    const before = files.map(sha256);
    const { code, report } = auditReport(expected.args.slice(1), folder);
    expect(report.findings.map((f) => `${f.check} ${f.message}`)).toHaveLength(expected.findings.length);
    for (const wanted of expected.findings) {
      const found = report.findings.filter(
        (f) => f.check === wanted.check && (wanted.message ?? []).every((part) => f.message.includes(part)),
      );
      expect(found, `${wanted.check} ${wanted.message?.[0] ?? ""}`).toHaveLength(1);
      const finding = found[0];
      if (wanted.target) expect(finding?.target).toBe(wanted.target);
      if (wanted.input) expect(finding?.location.input).toBe(wanted.input);
      if (wanted.severity) expect(finding?.severity).toBe(wanted.severity);
      if (wanted.evidence) expect(finding?.evidence).toMatchObject(wanted.evidence);
    }
    expect(code).toBe(expected.exit);
    expect(files.map(sha256)).toEqual(before);
    expect(
      readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
        .sort(),
    ).toEqual(files);
  });

  test("the same input gives the same bytes", () => {
    const args = ["app.log", "validations.db", "--now", "2026-01-01T00:00:00Z"];
    const [one, two] = [1, 2].map(() => JSON.stringify(auditReport(args, join(SAMPLES, "citations")).report));
    expect(one).toBe(two);
  });
});
