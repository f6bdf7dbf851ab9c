import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Ajv } from "ajv";
import { describe, expect, test } from "vitest";
import { validateXML } from "xmllint-wasm";
import type { Report } from "../../src/contract/report.ts";
import type { ExportOptions } from "../../src/report/export.ts";
import { FORMATS, rendererOf } from "../../src/report/formats.ts";
import { renderJson } from "../../src/report/json.ts";
import { parseReport } from "../../src/report/parse.ts";
import { CONTROLS, empty, finding, HOSTILE_TEXT, hostile, input, PLAIN, report, typical } from "./reports.ts";

const REPORTS = { empty, typical, hostile };
const OPTIONS: ExportOptions = {
  ...PLAIN,
  samples: false,
  failOn: "error",
  rules: [
    {
      id: "missing-tokens",
      meta: {
        title: "Token counts are missing",
        severity: "error",
        what: "Counts calls without tokens.",
        why: "Sums are too low.",
        fix: "Look at the writer.",
        silent: ["Failed calls are not counted."],
        needs: "a table of calls",
      },
    },
  ],
  prefix: "services/billing/",
  configured: new Map([["data/validations.db", { path: "trueup.yaml", line: 4 }]]),
};
const render = async (
  format: (typeof FORMATS)[number],
  value: Report,
  options: Partial<ExportOptions> = {},
) => (await rendererOf(format))(value, { ...OPTIONS, ...options });

describe.each(["jsonl", "junit", "sarif", "github", "gitlab", "markdown", "csv"] as const)("%s", (format) => {
  test.each(Object.entries(REPORTS))("of an audit that is %s", async (_, value) => {
    expect(await render(format, value)).toMatchSnapshot();
  });
});

describe("every format", () => {
  test.each(FORMATS)(
    "%s lets no control character or broken character through and is the same every time",
    async (format) => {
      const text = await render(format, hostile, { samples: true });
      expect(text).not.toMatch(CONTROLS);
      expect(() => encodeURIComponent(text)).not.toThrow();
      expect(await render(format, hostile, { samples: true })).toBe(text);
    },
  );

  test.each(["junit", "sarif", "github", "gitlab", "markdown"] as const)(
    "%s carries no sample without --samples",
    async (format) => {
      expect(await render(format, typical)).not.toContain("3f2504e0-4f89-11d3");
    },
  );

  test.each(FORMATS)("%s shows what --severity asks for", async (format) => {
    expect(await render(format, typical, { severity: "error" })).not.toContain(
      "A rollup differs from its rows",
    );
  });

  test.each(["junit", "sarif", "markdown"] as const)("%s carries samples with --samples", async (format) => {
    expect(await render(format, typical, { samples: true })).toContain("3f2504e0-4f89-11d3");
  });

  test.each(["junit", "sarif", "github", "gitlab", "markdown"] as const)(
    "%s tells what was not evaluated",
    async (format) => {
      expect(await render(format, typical)).toContain("the query timed out");
    },
  );
});

describe("sarif", () => {
  const require = createRequire(import.meta.url);
  const folder = join(require.resolve("@microsoft/jest-sarif"), "..");
  const schema = JSON.parse(readFileSync(join(folder, "schemas/sarif-2.1.0-rtm.5.json"), "utf8")) as Record<
    string,
    unknown
  >;
  // The schema is of draft 4, which only differs in how it names itself.
  const { $schema: _draft, id: _id, ...body } = schema;
  const validate = new Ajv({ strict: false, validateFormats: false, unicodeRegExp: false }).compile(body);

  test.each(Object.entries(REPORTS))(
    "of an audit that is %s is what the official schema says",
    async (_, value) => {
      for (const samples of [false, true]) {
        validate(JSON.parse(await render("sarif", value, { samples })));
        expect(validate.errors).toBeNull();
      }
    },
  );

  test("stands at the code, at the configuration's line, or at the input, relative to the repository", async () => {
    const log = JSON.parse(await render("sarif", typical));
    const uris = (
      log.runs[0].results as { ruleId: string; locations: { physicalLocation: unknown }[] }[]
    ).map((r) => [r.ruleId, JSON.stringify(r.locations[0]!.physicalLocation)]);
    expect(Object.fromEntries(uris)).toMatchObject({
      "missing-tokens": expect.stringContaining(
        '"services/billing/trueup.yaml","uriBaseId":"SRCROOT"},"region":{"startLine":4}',
      ),
      "source-divergence": expect.stringContaining('"services/billing/app.log"'),
    });
    const code = report(
      [input("src", "../../src", { kind: "code" })],
      [],
      [
        finding({
          check: "c",
          title: "T",
          message: "M.",
          location: { input: "src", table: null, column: null, file: "api/a b.py", line: 42 },
        }),
      ],
      [],
    );
    expect(await render("sarif", code)).toContain('"uri": "src/api/a%20b.py"');
    expect(await render("github", code)).toContain("::error file=src/api/a b.py,line=42,");
    expect(await render("gitlab", code)).toContain('"path": "src/api/a b.py"');
  });

  test("tells the state against the baseline", async () => {
    const [one] = typical.findings;
    const log = JSON.parse(
      await render("sarif", {
        ...empty,
        findings: [{ ...one!, baseline: "worse" }],
        fixed: [one!],
        suppressed: [one!],
      }),
    );
    expect(
      log.runs[0].results.map(
        (r: { baselineState?: string; suppressions?: unknown[] }) =>
          r.baselineState ?? r.suppressions?.length,
      ),
    ).toEqual(["updated", "absent", 1]);
  });
});

describe("junit", () => {
  const xsd = readFileSync(join(import.meta.dirname, "junit.xsd"), "utf8");

  test.each(Object.entries(REPORTS))("of an audit that is %s is what its schema says", async (_, value) => {
    const xml = await render("junit", value, { samples: true });
    const result = await validateXML({ xml: [{ fileName: "report.xml", contents: xml }], schema: [xsd] });
    expect(result.errors).toEqual([]);
  });

  test("tells found, skipped and failed apart, and what fails follows --fail-on", async () => {
    const strict = await render("junit", typical, { failOn: "warning" });
    const mild = await render("junit", typical, { failOn: "never" });
    expect(strict).toContain('failures="2" errors="1" skipped="2"');
    expect(mild).toContain('failures="0" errors="1" skipped="2"');
    expect(mild).toContain("<system-out>error: Token counts are missing");
  });
});

describe("github", () => {
  test("every line is one command, whatever a value holds", async () => {
    const text = await render("github", hostile);
    for (const line of text.trimEnd().split("\n")) expect(line).toMatch(/^::(error|warning|notice) [^:]*::/);
    expect(text).not.toMatch(/^::error::x/m);
  });
});

describe("gitlab", () => {
  test("fingerprints are unique", async () => {
    const issues = JSON.parse(await render("gitlab", typical)) as { fingerprint: string }[];
    expect(new Set(issues.map((issue) => issue.fingerprint)).size).toBe(issues.length);
  });
});

describe("csv", () => {
  test("no cell is run as a formula, numbers stay numbers", async () => {
    const text = await render(
      "csv",
      report(
        empty.inputs,
        [],
        [finding({ check: "c", title: "=1+1", message: '@x "y", z', measure: { name: "m", value: -2.5 } })],
        [],
      ),
    );
    expect(text).toContain(`error,c,'=1+1,"'@x ""y"", z"`);
    expect(text).toContain(",m,-2.5,");
  });
});

describe("markdown", () => {
  test("fits a comment and says what did not fit", async () => {
    const many = Array.from({ length: 500 }, (_, i) =>
      finding({ check: `c-${i}`, title: "T", message: "word ".repeat(100) }),
    );
    const text = await render("markdown", report(empty.inputs, [], many, []));
    expect(text.length).toBeLessThan(65_536);
    expect(text).toMatch(/more findings did not fit/);
  });

  test("no value is markup", async () => {
    const text = (await render("markdown", hostile, { samples: true })).replace(/^```[\s\S]*?^```$/gm, "");
    expect(text).not.toContain("<img");
    expect(text).not.toContain("</script>");
    const mention = await render(
      "markdown",
      report(
        empty.inputs,
        [],
        [finding({ check: "c", title: "@team #12 [x](http://y)", message: "M." })],
        [],
      ),
    );
    expect(mention).not.toMatch(/@team|#12|\]\(http/);
  });
});

describe("convert", () => {
  test.each(Object.entries(REPORTS))(
    "a report that is %s says the same after a detour through JSON",
    async (_, value) => {
      const back = parseReport(renderJson(value), "report.json");
      for (const format of FORMATS)
        expect(await render(format, back), format).toBe(await render(format, value));
    },
  );

  test.each([
    ["no JSON", "{", "report.json: no JSON"],
    ["something else", '{"a": 1}', "report.json: no report of trueup"],
    ["a list", "[]", "report.json: no report of trueup"],
    [
      "a later version",
      renderJson(empty).replace('"schemaVersion": 1', '"schemaVersion": 2'),
      "schema version 2; this trueup reads version 1",
    ],
    [
      "a damaged timeline",
      renderJson(typical).replace(/"lanes": \[/, '"lanes": [1, '),
      "report.json: no report of trueup",
    ],
    [
      "a made-up severity",
      renderJson(typical).replace('"severity": "error"', '"severity": "fatal"'),
      '"fatal" is no severity',
    ],
  ])("refuses %s", (_, text, message) => {
    expect(() => parseReport(text, "report.json")).toThrow(message);
  });

  test("hostile text survives the detour", () => {
    expect(parseReport(renderJson(hostile), "r").findings[0]!.title).toBe(HOSTILE_TEXT);
  });
});
