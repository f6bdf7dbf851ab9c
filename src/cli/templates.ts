/** The texts that `init` writes: trueup.yaml and the workflows of CI systems. */

import type { Inspection } from "../contract/inspection.ts";

/** Below this a role is worth a look by somebody who knows the table. */
const CONFIDENCE_SURE = 0.8;
/** Roles of one table that are listed for a look. */
const UNSURE_MAX = 8;

/** A trueup.yaml that names the inputs and leaves a hint wherever a person knows more. */
export function configurationText({ inputs, tables }: Inspection, timezone: string): string {
  const lines = [
    "# yaml-language-server: $schema=./node_modules/trueup/schema/trueup.schema.json",
    "# What trueup audits here. `trueup config validate` checks this file, `trueup inspect` shows how it is understood.",
    "",
    "inputs:",
  ];
  const named = inputs.map(({ path, pattern, name, kind }) => ({ path: pattern ?? path, name, kind }));
  for (const { path, name, kind } of new Map(named.map((one) => [one.path, one])).values()) {
    // A folder that gives several inputs lets each have its own name.
    const alone = named.filter((one) => one.path === path).length === 1;
    lines.push(
      alone ? `  - { path: ${quoted(path)}, name: ${quoted(name)} } # ${kind}` : `  - ${quoted(path)}`,
    );
  }
  lines.push("", "# The zone of times that carry none.", `timezone: ${quoted(timezone)}`, "");
  lines.push("# Exit 1 for findings at or above it: error, warning, info or never.", "fail_on: error", "");
  const unsure = tables.flatMap((table) => {
    const columns = table.columns
      .filter((column) => column.role !== null && (column.confidence ?? 1) < CONFIDENCE_SURE)
      .slice(0, UNSURE_MAX);
    return columns.length === 0
      ? []
      : [
          `#   ${quoted(table.name)}:`,
          ...columns.map((column) => `#     ${quoted(column.name)}: ${column.role}`),
        ];
  });
  if (unsure.length > 0)
    lines.push(
      "# Taken for these, but not for certain: correct what is wrong (null for no role).",
      "# roles:",
      ...unsure,
      "",
    );
  const table = tables.find((one) => one.columns.some((column) => column.role === "id" || column.primaryKey));
  const id = table?.columns.find((column) => column.primaryKey || column.role === "id")?.name ?? "id";
  const time = table?.columns.find((column) => column.role === "time")?.name ?? "created_at";
  lines.push(
    "# What a table must obey; reported as expect/not_null and so on.",
    "# expect:",
    `#   ${quoted(table?.name ?? "app.jobs")}:`,
    `#     unique: [${quoted(id)}]`,
    `#     not_null: [${quoted(id)}, ${quoted(time)}]`,
    `#     freshness: { column: ${quoted(time)}, max_age: 24h }`,
    "",
    "# Severity and options of single checks; `trueup explain <check>` tells them.",
    "# checks:",
    "#   timeline-gap: { severity: error }",
    "",
    "# Own checks, see docs/own-checks.md and `trueup new-check`.",
    '# own_checks: ["./audits/*.sql"]',
    "",
    "# What is accepted, why, and until when.",
    "# suppress:",
    "#   - { check: timeline-gap, table: app_log.lines, reason: planned maintenance, until: 2026-12-31 }",
  );
  return `${lines.join("\n")}\n`;
}

/** A YAML scalar: plain where that is safe, else in double quotes. */
function quoted(text: string): string {
  return /^[A-Za-z_][\w./-]*$/.test(text) && !/^(?:true|false|null|yes|no|on|off)$/i.test(text)
    ? text
    : JSON.stringify(text);
}

/** The file of a CI system and its text. */
export function workflowOf(system: "github" | "gitlab", version: string): Record<string, string> {
  if (system === "gitlab") return { ".gitlab/trueup.gitlab-ci.yml": gitlab(version) };
  return { ".github/workflows/trueup.yml": github(version) };
}

function github(version: string): string {
  return `name: trueup
on:
  push:
  pull_request:
permissions:
  contents: read
jobs:
  audit:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-node@v4
        with:
          node-version: 22
      - run: npx --yes trueup@${version} audit --format github --output html=trueup.html
      - uses: actions/upload-artifact@v4
        if: always()
        with:
          name: trueup
          path: trueup.html
`;
}

function gitlab(version: string): string {
  return `# Include it from .gitlab-ci.yml:  include: { local: .gitlab/trueup.gitlab-ci.yml }
trueup:
  image: node:22
  script:
    - npx --yes trueup@${version} audit --output gitlab=trueup.json --output html=trueup.html
  artifacts:
    when: always
    paths: [trueup.html]
    reports:
      codequality: trueup.json
`;
}
