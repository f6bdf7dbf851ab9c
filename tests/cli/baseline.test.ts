/** The file of a baseline: what it holds, where it stands, what is said when it is not there or stale. */

import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { auditReport, temporaryFolder, trueup } from "../kit/command.ts";

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});

const NOW = ["--now", "2026-01-02T00:00:00Z"];

/** usage.csv of 40 calls: `missing` of them without tokens, `future` of them later than now. */
function commit(missing: number, future = 0): void {
  const rows = Array.from({ length: 40 }, (_, i) => {
    const day = i < future ? "2027-06-01" : "2026-01-01";
    const time = `${day}T${String(i % 24).padStart(2, "0")}:${String(10 + i)}:00Z`;
    return i % 40 < missing
      ? `c${i},${time},gpt-4o,success,,`
      : `c${i},${time},gpt-4o,success,${100 + i},${20 + i}`;
  });
  writeFileSync(
    join(folder, "usage.csv"),
    `id,created_at,model,status,input_tokens,output_tokens\n${rows.join("\n")}\n`,
  );
}

const SELECT = ["--select", "missing-tokens,future-timestamps,schema-drift"];
const audit = (...args: string[]) => auditReport(["usage.csv", ...NOW, ...SELECT, ...args], folder);
const baseline = (action: string, ...args: string[]) =>
  trueup(["baseline", action, "usage.csv", ...NOW, ...SELECT, ...args], { cwd: folder });
const states = ({ findings }: ReturnType<typeof audit>["report"]) =>
  findings.map((f) => `${f.check} ${f.baseline}`);

describe("a baseline", () => {
  test("compares the schema with the one in the baseline", () => {
    commit(0);
    baseline("write");
    const file = join(folder, "usage.csv");
    writeFileSync(file, readFileSync(file, "utf8").replace("status,", "validation_status,"));
    const { report } = audit();
    expect(states(report)).toEqual(["schema-drift new"]);
    expect(report.findings[0]?.message).toBe(
      "Against trueup-baseline.json: status is gone; validation_status is new.",
    );
    expect(baseline("write").stdout).toContain("0 findings and 1 table");
  });

  test("the text report counts what is known and names what is fixed", () => {
    commit(10);
    baseline("write");
    const args = ["usage.csv", ...NOW, ...SELECT];
    const known = trueup(["audit", ...args], { cwd: folder }).stdout;
    expect(known).toContain("1 known");
    expect(known).not.toContain("fix  ");
    expect(trueup(["audit", "--verbose", ...args], { cwd: folder }).stdout).toContain("(known)");
    commit(0);
    expect(trueup(["audit", ...args], { cwd: folder }).stdout).toMatch(
      /✔ fixed .* · usage.usage, column input_tokens · missing-tokens/,
    );
  });

  test("the same findings give the same bytes, without values of the data", () => {
    commit(10);
    baseline("write");
    const first = readFileSync(join(folder, "trueup-baseline.json"), "utf8");
    baseline("write");
    expect(readFileSync(join(folder, "trueup-baseline.json"), "utf8")).toBe(first);
    expect(first).not.toMatch(/gpt-4o|2026-01-01|"c1"/);
    expect(first).not.toContain(folder);
  });

  test("a file beside trueup.yaml serves the folders below, and --baseline names another", () => {
    commit(10);
    writeFileSync(join(folder, "trueup.yaml"), "baseline: accepted.json\n");
    expect(trueup(["audit", "usage.csv"], { cwd: folder })).toMatchObject({ code: 2 });
    expect(baseline("write").stdout).toMatch(/^accepted\.json: /);
    expect(states(audit().report)).toEqual(["missing-tokens known"]);
    expect(baseline("write", "--baseline", "other.json").stdout).toMatch(/^other\.json: /);
  });

  test.each<[string, string | null, RegExp]>([
    ["is not there", null, /nope\.json is not there; write it with trueup baseline write/],
    ["is no JSON", "{", /nope\.json: cannot be read as JSON/],
    ["is something else", '{"a":1}', /nope\.json: a version this trueup does not know/],
    [
      "has other entries",
      '{"version":1,"findings":[{}],"tables":[]}',
      /nope\.json: no baseline \(findings\.0/,
    ],
  ])("a named file that %s is one line and exit 2", (_name, content, message) => {
    commit(0);
    if (content !== null) writeFileSync(join(folder, "nope.json"), content);
    const ran = trueup(["audit", "usage.csv", "--baseline", "nope.json"], { cwd: folder });
    expect(ran.code).toBe(2);
    expect(ran.stderr).toMatch(message);
    expect(ran.stderr.trim().split("\n")).toHaveLength(1);
  });

  test("nothing is written when an input could not be evaluated", () => {
    writeFileSync(join(folder, "usage.csv"), "");
    rmSync(join(folder, "usage.csv"));
    const ran = baseline("write");
    expect(ran.code).toBe(2);
    expect(() => readFileSync(join(folder, "trueup-baseline.json"))).toThrow();
  });
});
