/** What trueup.yaml may say: one zod schema that validates it and makes its JSON Schema. */

import { z } from "zod";
import { EXPECTATION_IDS } from "../contract/accepted.ts";
import type { CheckMeta, OptionSpec, OptionSpecs } from "../contract/check.ts";
import { SEVERITIES } from "../contract/finding.ts";
import { didYouMean } from "../contract/nearest.ts";
import { ROLES } from "../contract/roles.ts";
import { expectSchema, suppressSchema } from "./expect-schema.ts";

/** What the configuration needs to know of a check. */
export interface ConfigurableCheck {
  id: string;
  meta: Pick<CheckMeta, "title">;
  options: OptionSpecs;
}

const name = z
  .string()
  .regex(/^[\p{L}_][\p{L}\p{N}_-]*$/u, "a name has letters, digits, _ and -, and starts with a letter");
const timezone = z
  .string()
  .refine(isZone, { error: ({ input }) => `no IANA time zone${zoneMeant(String(input))}` })
  .describe("IANA zone of times that carry none");
const time = z
  .string()
  .regex(/^\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?$/, "no time; write 2025-11-23 or 2025-11-23T16:30:35Z");
const names = (what: string) => z.array(z.string()).describe(what);

const input = z.union([
  z.string().min(1),
  z.strictObject({
    path: z.string().min(1).describe("A file, directory, glob or URL, relative to this file"),
    name: name.optional().describe("The name its tables stand under"),
    timezone: timezone.optional(),
  }),
]);

const extract = z.strictObject({
  name: name.describe("The table of its events is <input>.<name>"),
  pattern: z.string().min(1).describe("RE2 pattern; its named groups are roles: (?P<input_tokens>\\d+)"),
  anchors: z
    .array(z.string().min(1))
    .min(1)
    .describe(
      "Words that every such line carries; a line with all of them that does not match is a near miss",
    ),
});

const checkSeverity = z.enum([...SEVERITIES, "off"]);

/** Settings by check id; with `own` checks, whose ids and options are known only later, any id may stand there. */
function perCheck(checks: readonly ConfigurableCheck[], own: boolean) {
  const known = z.strictObject({
    ...Object.fromEntries(checks.map((check) => [check.id, checkSchema(check)])),
    ...Object.fromEntries(EXPECTATION_IDS.map((id) => [id, checkSeverity.optional()])),
  });
  if (!own) return known;
  const option = z.union([z.number(), z.string(), z.boolean(), z.array(z.string())]);
  return known.catchall(z.union([checkSeverity, z.record(z.string(), option)]));
}

/** The schema for a set of checks: their ids and options are part of it. */
export function configSchema(checks: readonly ConfigurableCheck[], own = false) {
  return z
    .strictObject({
      inputs: z.array(input).describe("What is audited when the command line names nothing"),
      timezone,
      select: names("Run only these checks: ids, or prefixes that end in *"),
      ignore: names("Leave these checks out"),
      checks: z
        .union([z.array(z.string().min(1)), perCheck(checks, own)])
        .describe("Severity and options per check; or a list of globs, as own_checks"),
      own_checks: z
        .array(z.string().min(1))
        .describe("Globs of own checks, relative to this file: ./audits/*.sql, ./audits/*.ts"),
      own_check_timeout: z
        .number()
        .positive()
        .max(86_400)
        .describe("Seconds after which an own check has failed (default 30)"),
      roles: z
        .record(z.string(), z.record(z.string(), z.enum(ROLES).nullable()))
        .describe("Table → column or JSON path → role, or null for no role"),
      expect: expectSchema,
      suppress: suppressSchema,
      extract: z.array(extract).describe("Patterns that read events from log lines"),
      baseline: z.string().min(1).describe("The baseline's file, relative to this file"),
      deploys: z
        .array(z.union([time, z.strictObject({ time, label: z.string().optional() })]))
        .describe("When something was deployed: ISO 8601 times; diagnose weighs them as causes"),
      diagnosis: z
        .strictObject({
          restart_hours: z
            .number()
            .positive()
            .optional()
            .describe("A restart or deploy this long before an incident may be its cause (default 2)"),
          commit_hours: z
            .number()
            .positive()
            .optional()
            .describe("A commit this long before an incident may be its cause (default 24)"),
        })
        .describe("How causes are looked for"),
      severity: z.enum(SEVERITIES).describe("Show only findings at or above it"),
      fail_on: z.enum([...SEVERITIES, "never"]).describe("Exit 1 when a finding is at or above it"),
      max_rejected: z
        .number()
        .min(0)
        .max(1)
        .describe("Share of rejected rows above which an input counts as not evaluated"),
      memory_limit: z
        .string()
        .regex(/^\d+(\.\d+)?\s*([kKmMgGtT](i?[bB])?)?[bB]?$/, "no size; write 512MiB or 4GB")
        .describe("Memory for the evidence: 512MiB, 4GB"),
    })
    .partial();
}

export type Config = z.infer<ReturnType<typeof configSchema>>;

/** The JSON Schema for editors. */
export function configJsonSchema(checks: readonly ConfigurableCheck[]): object {
  const { $schema, ...schema } = z.toJSONSchema(configSchema(checks), { io: "input" });
  return { $schema, title: "trueup.yaml", ...schema };
}

function checkSchema(check: ConfigurableCheck) {
  const options = Object.entries(check.options).map(
    ([key, spec]) => [key, optionSchema(spec).optional()] as const,
  );
  return z
    .union([
      checkSeverity,
      z.strictObject({ severity: checkSeverity.optional(), ...Object.fromEntries(options) }),
    ])
    .optional()
    .describe(check.meta.title);
}

function optionSchema(spec: OptionSpec) {
  const described = <T extends z.ZodType>(schema: T) =>
    schema.describe(`${spec.describe} (default ${JSON.stringify(spec.default)})`);
  if (typeof spec.default === "number") return described(z.number());
  if (typeof spec.default === "boolean") return described(z.boolean());
  if (typeof spec.default === "string") return described(z.string());
  return described(z.array(z.string()));
}

/** The nearest zone, or one to show how they are written. */
function zoneMeant(text: string): string {
  return didYouMean(text, Intl.supportedValuesOf("timeZone")) || " (Europe/Berlin)";
}

function isZone(text: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: text });
    return /^[A-Za-z]/.test(text);
  } catch {
    return false;
  }
}
