import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { renderJson, stringify } from "../../src/report/json.ts";
import { empty, hostile, typical } from "./reports.ts";

const schema = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../schema/report.schema.json"), "utf8"),
) as object;

/** The published schema allows additions; here an addition that it does not describe is a fault. */
function closed(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(closed);
  if (node === null || typeof node !== "object") return node;
  const copy = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, closed(value)]));
  return "properties" in copy && !("additionalProperties" in copy)
    ? { ...copy, additionalProperties: false }
    : copy;
}

describe("the JSON report", () => {
  const validate = new Ajv2020({ strict: false }).compile(closed(schema) as object);

  test.each(Object.entries({ empty, typical, hostile }))(
    "of an audit that is %s is what the schema says",
    (_, value) => {
      validate(JSON.parse(renderJson(value)));
      expect(validate.errors).toBeNull();
    },
  );

  test("the schema refuses what is no report", () => {
    const broken = JSON.parse(renderJson(typical)) as { findings: { severity: string }[] };
    broken.findings[0]!.severity = "fatal";
    expect(validate(broken)).toBe(false);
  });

  test.each(Object.entries({ empty, typical, hostile }))("of an audit that is %s", (_, value) => {
    expect(renderJson(value)).toMatchSnapshot();
  });

  test("integers past 2^53 stay exact, other doubles have 12 significant digits", () => {
    expect(stringify({ big: 9007199254740993n, third: 1 / 3, sum: 0.1 + 0.2, none: Number.NaN })).toBe(
      '{"big":9007199254740993,"third":0.333333333333,"sum":0.3,"none":null}',
    );
  });
});
