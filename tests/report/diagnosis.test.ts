/** What `trueup diagnose` prints, in each format, of no incident, a typical and a hostile one. */

import { describe, expect, test } from "vitest";
import type { Diagnosis } from "../../src/contract/diagnosis.ts";
import { renderDiagnosisJson } from "../../src/report/diagnosis-json.ts";
import { renderDiagnosisMarkdown } from "../../src/report/diagnosis-markdown.ts";
import { renderDiagnosisText } from "../../src/report/diagnosis-text.ts";
import * as reports from "./reports.ts";

const of = ({ schemaVersion, tool, now, timezone, inputs, outcomes }: typeof reports.typical): Diagnosis => ({
  schemaVersion,
  tool,
  now,
  timezone,
  inputs,
  outcomes,
  incidents: [],
});

const empty = of(reports.empty);
const typical: Diagnosis = {
  ...of(reports.typical),
  incidents: [
    {
      from: "2025-11-23T16:28:11Z",
      to: "2025-11-23T16:31:02Z",
      findings: reports.typical.findings.slice(0, 2),
      timeline: reports.typical.findings[1]!.timeline,
      causes: reports.CAUSES,
      missing: ["source code, to decide code-path"],
      next: "Load the log of the next day.",
    },
  ],
};
const text = reports.HOSTILE_TEXT;
const hostile: Diagnosis = {
  ...of(reports.hostile),
  incidents: [
    {
      from: null,
      to: null,
      findings: reports.hostile.findings,
      timeline: reports.hostile.findings[0]!.timeline,
      // Hypotheses are files of trueup: their names are no value of an input.
      causes: reports.HOSTILE_CAUSES.map((cause) => ({ ...cause, hypothesis: "log-ends" })),
      missing: [text],
      next: text,
    },
  ],
};

const RENDER: Record<string, (diagnosis: Diagnosis) => string> = {
  text: (diagnosis) => renderDiagnosisText(diagnosis, reports.PLAIN),
  markdown: renderDiagnosisMarkdown,
  json: renderDiagnosisJson,
};

describe.each(Object.entries(RENDER))("the diagnosis as %s", (_format, render) => {
  test.each(Object.entries({ empty, typical, hostile }))("of what is %s", (_, diagnosis) => {
    expect(render(diagnosis)).toMatchSnapshot();
  });

  test("lets no control character through and is the same every time", () => {
    const printed = render(hostile);
    expect(printed).not.toMatch(reports.CONTROLS);
    expect(() => encodeURIComponent(printed)).not.toThrow();
    expect(render(hostile)).toBe(printed);
  });
});

test("no value is markup in Markdown", () => {
  const printed = renderDiagnosisMarkdown(hostile).replace(/^(`{3,})[\s\S]*?^\1$/gm, "");
  expect(printed).not.toContain("<img");
  expect(printed).not.toContain("</script>");
});
