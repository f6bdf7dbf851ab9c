import stringWidth from "string-width";
import { describe, expect, test } from "vitest";
import { renderText } from "../../src/report/text.ts";
import { empty, finding, hostile, PLAIN, report, typical } from "./reports.ts";

const REPORTS = { empty, typical, hostile };
const strip = (text: string) => text.replace(/\u001b\[[\d;]*m/g, "");

describe("the text report", () => {
  test.each(Object.entries(REPORTS))("of an audit that is %s", (_, value) => {
    expect(renderText(value, PLAIN)).toMatchSnapshot();
  });

  test("of a typical audit, wide and verbose", () => {
    expect(renderText(typical, { ...PLAIN, width: 120, verbose: true })).toMatchSnapshot();
  });

  test.each([60, 80, 100, 120, 160])("keeps every line within %i columns", (width) => {
    for (const value of Object.values(REPORTS))
      for (const verbose of [false, true])
        for (const line of renderText(value, { ...PLAIN, width, verbose }).split("\n"))
          expect(stringWidth(line), line).toBeLessThanOrEqual(width);
  });

  test("says the same with and without colour", () => {
    for (const value of Object.values(REPORTS)) {
      const colored = renderText(value, { ...PLAIN, color: true });
      expect(strip(colored)).toBe(renderText(value, PLAIN));
      expect(colored).not.toBe(renderText(value, PLAIN));
    }
  });

  test("lets no control character, direction mark or broken character of an input through", () => {
    for (const color of [false, true]) {
      const text = strip(renderText(hostile, { ...PLAIN, color, verbose: true }));
      expect(text).not.toMatch(
        /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f]/,
      );
      expect(() => encodeURIComponent(text)).not.toThrow();
    }
  });

  test("never shows as passed what was not evaluated", () => {
    const failed = {
      ...empty,
      outcomes: [{ check: "x", target: "t", status: "failed" as const, reason: "broke" }],
    };
    expect(renderText(failed, PLAIN)).toContain("no findings in what could be evaluated");
    expect(renderText(failed, PLAIN)).toContain("not evaluated: x on t: broke");
    expect(renderText({ ...empty, outcomes: [] }, PLAIN)).not.toContain("✔");
    const unread = { ...empty, inputs: [{ ...empty.inputs[0]!, error: "usage.db: is encrypted" }] };
    expect(renderText(unread, PLAIN)).not.toContain("✔");
    expect(renderText(unread, PLAIN)).toMatch(/✖ usage\.db[^✖]*not evaluated: is encrypted/);
    expect(renderText(unread, PLAIN)).toContain("not evaluated: usage.db (see above)");
  });

  test("hides what is below --severity and says so", () => {
    const text = renderText(typical, { ...PLAIN, severity: "error" });
    expect(text).not.toContain("timeline-gap");
    expect(text).toContain("10 below --severity error not shown");
  });

  test("stays short with thousands of findings and says how many it left out", () => {
    const many = Array.from({ length: 5000 }, (_, i) =>
      finding({ check: `check-${i}`, title: `Defect ${i}`, message: `Message ${i}.` }),
    );
    const text = renderText(report(empty.inputs, empty.tables, many, []), PLAIN);
    expect(text.split("\n").length).toBeLessThan(200);
    expect(text).toContain("4,958 more; --verbose shows them");
  });

  test("a lane that beats once in a few buckets is drawn without holes, a silence stays one", () => {
    const beats = [5, 0, 4, 0, 0, 5, 0, 0, 4, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    const draw = (counts: number[]) => {
      const timeline = {
        from: "2025-11-01T00:00:00Z",
        to: "2025-11-20T00:00:00Z",
        lanes: [{ name: "lane", counts }],
        marks: [],
      };
      const one = finding({ check: "c", title: "T", message: "M.", timeline });
      return /lane {2}(\S+)/.exec(renderText(report(empty.inputs, empty.tables, [one], []), PLAIN))![1]!;
    };
    expect(draw(beats)).toMatch(/^[^·]{12}·{8}$/);
    expect(draw([5, 5, 5, 0, 0, 5, 5, 5, 5, 5, 5, 5])).toContain("·".repeat(2));
    expect(draw([5, 0, 0, 0, 0, 0, 5, 5])).toContain("·".repeat(5));
  });

  test("a query with a line comment keeps its lines, a text in quotes its spaces", () => {
    const sql = "SELECT 'a  b' AS x -- why\nFROM t";
    const text = renderText(
      report(empty.inputs, empty.tables, [finding({ check: "c", title: "T", message: "M.", sql })], []),
      PLAIN,
    );
    expect(text).toContain("sql  SELECT 'a  b' AS x -- why\n       FROM t");
  });
});
