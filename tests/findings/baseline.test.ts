import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Baseline, undated } from "../../src/contract/baseline.ts";
import type { Finding, Outcome } from "../../src/contract/finding.ts";
import {
  type Audited,
  baselineOf,
  compareWithBaseline,
  prunedBaseline,
  schemaReferences,
} from "../../src/findings/baseline.ts";
import { column, finding, input, table } from "../report/reports.ts";

const one = (fingerprint: string, value = 0.5, rest: Partial<Finding> = {}) =>
  finding({ check: "c", title: "T", message: "M.", fingerprint, measure: { name: "ratio", value }, ...rest });
const outcome = (status: Outcome["status"], rest: Partial<Outcome> = {}): Outcome => ({
  check: "c",
  target: "validations.validations",
  status,
  reason: null,
  ...rest,
});
const audited = (findings: Finding[], rest: Partial<Audited> = {}): Audited => ({
  inputs: [input("validations", "validations.db")],
  tables: [table("validations.validations", "validations", [column("id", "id")])],
  outcomes: [outcome(findings.length > 0 ? "found" : "clean")],
  findings,
  ...rest,
});
const states = (before: Finding[], now: Finding[], rest: Partial<Audited> = {}) => {
  const compared = compareWithBaseline(audited(now, rest), [], baselineOf(audited(before)));
  return {
    findings: compared.findings.map((f) => f.baseline),
    fixed: compared.fixed.map((f) => f.fingerprint),
    unseen: compared.unseen.map((e) => e.fingerprint),
  };
};

describe("findings against a baseline", () => {
  test.each<[string, Finding[], Finding[], (Finding["baseline"] | null)[], string[]]>([
    ["what is not in it is new", [], [one("a")], ["new"], []],
    ["what is in it is known", [one("a")], [one("a")], ["known"], []],
    ["what shrank is known", [one("a", 0.5)], [one("a", 0.1)], ["known"], []],
    ["what grew a little is known", [one("a", 0.5)], [one("a", 0.54)], ["known"], []],
    ["what grew beyond the tolerance is worse", [one("a", 0.5)], [one("a", 0.6)], ["worse"], []],
    ["what grew from nothing is worse", [one("a", 0)], [one("a", 1)], ["worse"], []],
    ["a negative measure that rose is worse", [one("a", -10)], [one("a", -2)], ["worse"], []],
    ["what is no longer there is fixed", [one("a"), one("b")], [one("b")], ["known"], ["a"]],
    ["one fixed and one new are told apart", [one("a")], [one("b")], ["new"], ["a"]],
    ["a second one of the same place is new", [one("a")], [one("a"), one("a", 0.1)], ["known", "new"], []],
    ["one of two of the same place is fixed", [one("a"), one("a", 0.1)], [one("a")], ["known"], ["a"]],
  ])("%s", (_name, before, now, findings, fixed) => {
    expect(states(before, now)).toEqual({ findings, fixed, unseen: [] });
  });

  test("another measure cannot be compared, and is known", () => {
    expect(states([one("a", 1)], [one("a", 9, { measure: { name: "rows", value: 9 } })]).findings).toEqual([
      "known",
    ]);
  });

  const failedInput = input("validations", "validations.db", { error: "is encrypted" });
  test.each<[string, Partial<Audited>, "fixed" | "unseen"]>([
    ["its check was clean", { outcomes: [outcome("clean")] }, "fixed"],
    ["its check found something else", { outcomes: [outcome("found")] }, "fixed"],
    ["its check was skipped", { outcomes: [outcome("skipped")] }, "unseen"],
    ["its check failed", { outcomes: [outcome("failed")] }, "unseen"],
    ["its check was left out", { outcomes: [outcome("clean", { check: "d" })] }, "unseen"],
    ["its table is gone", { outcomes: [outcome("clean", { target: "a.b" })], tables: [] }, "fixed"],
    ["its table is there and nobody looked", { outcomes: [outcome("skipped", { target: "*" })] }, "unseen"],
    [
      "its input was not read",
      { outcomes: [outcome("skipped", { target: "*" })], tables: [], inputs: [failedInput] },
      "unseen",
    ],
    [
      "its input was not named",
      { outcomes: [outcome("clean", { target: "a.b" })], tables: [], inputs: [] },
      "unseen",
    ],
  ])("an entry that is not found counts when %s", (_name, rest, expected) => {
    expect(states([one("a")], [], rest)).toEqual({ findings: [], fixed: [], unseen: [], [expected]: ["a"] });
  });

  test("a suppressed finding is not fixed", () => {
    const baseline = baselineOf(audited([one("a")]));
    expect(compareWithBaseline(audited([]), [one("a")], baseline).fixed).toEqual([]);
  });

  test("a baseline just written knows everything, whatever the findings are", () => {
    const findings = fc.array(
      fc.record({
        fingerprint: fc.constantFrom("a", "b", "c"),
        value: fc.double({ noNaN: true, noDefaultInfinity: true }),
      }),
    );
    fc.assert(
      fc.property(findings, (list) => {
        const now = list.map(({ fingerprint, value }) => one(fingerprint, value));
        const { findings: told, fixed, unseen } = states(now, now);
        expect(told.every((state) => state === "known")).toBe(true);
        expect([...fixed, ...unseen]).toEqual([]);
      }),
    );
  });

  test("pruning drops what is fixed and keeps the rest", () => {
    const baseline = baselineOf(audited([one("a"), one("b"), one("a", 0.1)]));
    const { fixed } = compareWithBaseline(audited([one("a"), one("b")]), [], baseline);
    expect(prunedBaseline(baseline, fixed).findings.map((e) => [e.fingerprint, e.measure.value])).toEqual([
      ["a", 0.5],
      ["b", 0.5],
    ]);
  });

  test("the order of the findings does not change the baseline", () => {
    const list = [one("b"), one("a", 0.1), one("a", 0.5)];
    expect(baselineOf(audited(list))).toEqual(baselineOf(audited([...list].reverse())));
  });
});

describe("the schema in a baseline", () => {
  const tables = [
    table("db_2025_11_23.usage", "db_2025_11_23", [
      column("id", "id", "BIGINT"),
      { ...column("data.tokens", null), declared: "" },
    ]),
    table("events.calls", "events", [column("id", "id")]),
    table("app_log.tokens", "app_log", [column("id", "id")], { form: "events" }),
    table("rows.csv", "rows", [column("id", "id", "BIGINT")]),
  ];
  const inputs = [
    input("db_2025_11_23", "db-2025-11-23.db"),
    input("events", "events.json", { kind: "json" }),
    input("app_log", "app.log", { kind: "log" }),
    input("rows", "rows.csv", { kind: "csv" }),
  ];
  const baseline: Baseline = baselineOf({ inputs, tables, outcomes: [], findings: [] });

  test("holds declared tables and columns, without paths inside JSON, and no type that the data decide", () => {
    expect(baseline.tables).toEqual([
      { input: "db_<date>", name: "usage", columns: [{ name: "id", type: "BIGINT" }] },
      { input: "rows", name: "csv", columns: [{ name: "id", type: "" }] },
    ]);
  });

  test("is compared with the input of the same name on another day, and with no other", () => {
    const today = [input("db_2025_11_24", "db-2025-11-24.db"), input("old", "old.db")];
    expect(schemaReferences({ file: "b.json", baseline }, today, [])).toMatchObject([
      { label: "b.json", input: "db_2025_11_24", tables: [{ name: "usage" }] },
    ]);
  });

  test("is not compared with what was not read or not asked for", () => {
    const broken = [input("db_2025_11_23", "x.db", { error: "is encrypted" })];
    expect(schemaReferences({ file: "b.json", baseline }, broken, [])).toEqual([]);
    expect(schemaReferences({ file: "b.json", baseline }, inputs.slice(0, 1), ["other*"])).toEqual([]);
    expect(schemaReferences({ file: "b.json", baseline }, inputs.slice(0, 1), ["US*"])).toHaveLength(1);
  });
});

describe("names without dates", () => {
  test.each([
    ["app-2025-11-23.log", "app-<date>.log"],
    ["app.20251123.log", "app.<date>.log"],
    ["dump_2025_11_23_0430.sql", "dump_<date>.sql"],
    ["backup-2025-11-23T04-30-00Z.db", "backup-<date>.db"],
    ["gpt-4o-mini", "gpt-4o-mini"],
    ["job_20259999", "job_20259999"],
    ["id_1202511230", "id_1202511230"],
  ])("%s", (name, expected) => {
    expect(undated(name)).toBe(expected);
  });
});
