/** Several trees of source code in one audit: files with equal relative paths stay apart. */

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import type { Flow } from "../../src/contract/flow.ts";
import { auditReport, temporaryFolder, trueup } from "../kit/command.ts";

function folderWith(files: Record<string, string>): string {
  const root = temporaryFolder();
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  }
  return root;
}

const SAVE = 'export function save(id) {\n  db.run("INSERT INTO usage (id, cost) VALUES (?, 0)", id);\n}\n';
/** In two trees the same file, byte for byte. */
const TWINS = { "api/src/db.js": SAVE, "services/web/src/db.js": SAVE };
const TREES = ["api", "services/web/"];

const INPUTS: [name: string, args: string[], places: [input: string, file: string][]][] = [
  [
    "two folders",
    TREES,
    [
      ["api", "api/src/db.js"],
      ["web", "services/web/src/db.js"],
    ],
  ],
  [
    "folders of one name, under names of their own",
    ["one=api/src", "two=services/web/src"],
    [
      ["one", "api/src/db.js"],
      ["two", "services/web/src/db.js"],
    ],
  ],
  [
    "single files of one name",
    ["api/src/db.js", "services/web/src/db.js"],
    [
      ["db_js", "api/src/db.js"],
      ["db_js_2", "services/web/src/db.js"],
    ],
  ],
  [
    "a folder and a file",
    ["services/web", "api/src/db.js"],
    [
      ["db_js", "api/src/db.js"],
      ["web", "services/web/src/db.js"],
    ],
  ],
];

test.each(INPUTS)("%s: each finding is there, in its own input and file", (_, args, places) => {
  const { report } = auditReport([...args, "--select", "hardcoded-value"], folderWith(TWINS));
  const found = report.findings.map(({ location, fingerprint }) => ({ ...location, fingerprint }));
  expect(new Set(found.map((one) => one.fingerprint)).size).toBe(2);
  expect(found.map((one) => [one.input, one.file, one.line]).sort()).toEqual(
    places.map(([input, file]) => [input, file, 2]),
  );
});

test("two files of one folder are two inputs, and each finding names its own", () => {
  const root = folderWith({ "src/a.js": SAVE, "src/b.js": SAVE });
  const { report } = auditReport(["src/a.js", "src/b.js", "--select", "hardcoded-value"], root);
  expect(report.findings.map(({ location }) => [location.input, location.file]).sort()).toEqual([
    ["a_js", "a.js"],
    ["b_js", "b.js"],
  ]);
});

test("a tree inside another that is named too: the inner one is told", () => {
  const { report } = auditReport([".", "api", "--select", "hardcoded-value"], folderWith(TWINS));
  const places = new Set(report.findings.map(({ location }) => `${location.input} ${location.file}`));
  expect([...places].sort()).toHaveLength(2);
  expect([...places]).toContain("api api/src/db.js");
});

test("one tree alone names its files from itself, also beside a database or a log", () => {
  const root = folderWith({ ...TWINS, "app.log": "2025-01-01 00:00:00 INFO started\n" });
  const { report } = auditReport(["api", "app.log", "--select", "hardcoded-value"], root);
  expect(report.findings.map(({ location }) => [location.input, location.file])).toEqual([
    ["api", "src/db.js"],
  ]);
  expect(report.inputs.map((input) => "root" in input)).toEqual([false, false]);
});

const FORMATS: [format: string, paths: (text: string) => string[]][] = [
  ["github", (text) => [...text.matchAll(/file=([^,]+),line=2/g)].map((match) => match[1] as string)],
  [
    "sarif",
    (text) =>
      JSON.parse(text).runs[0].results.map(
        (one: { locations: [{ physicalLocation: { artifactLocation: { uri: string } } }] }) =>
          one.locations[0].physicalLocation.artifactLocation.uri,
      ),
  ],
  ["gitlab", (text) => JSON.parse(text).map((one: { location: { path: string } }) => one.location.path)],
];

test.each(FORMATS)("%s leads to the files as they stand in the repository", (format, paths) => {
  const root = folderWith({ ...TWINS, ".git/HEAD": "ref: refs/heads/main\n" });
  const from = (cwd: string, args: string[]) =>
    paths(trueup([...args, "--select", "hardcoded-value", "--format", format], { cwd }).stdout).sort();
  const wanted = ["api/src/db.js", "services/web/src/db.js"];
  expect(from(root, TREES)).toEqual(wanted);
  expect(from(root, ["services/web/src/db.js", "api"])).toEqual(wanted);
  expect(from(join(root, "services"), ["web", "../api"])).toEqual(wanted);
});

test("a suppression by path takes out the findings of one tree", () => {
  const root = folderWith({
    ...TWINS,
    "trueup.yaml":
      "suppress:\n  - check: hardcoded-value\n    path: services/web\n    reason: it is a stub\n",
  });
  const { report } = auditReport([...TREES, "--select", "hardcoded-value"], root);
  expect(report.findings.map(({ location }) => location.file)).toEqual(["api/src/db.js"]);
  expect(report.suppressed.map(({ location }) => location.file)).toEqual(["services/web/src/db.js"]);
});

test("the flow names each writer by its own file", () => {
  const ran = trueup(["flow", ...TREES, "--format", "json"], { cwd: folderWith(TWINS) });
  const { tables, findings } = JSON.parse(ran.stdout) as Flow;
  expect(tables.map((table) => [table.table, table.writers.map((one) => one.file)])).toEqual([
    ["usage", ["api/src/db.js", "services/web/src/db.js"]],
  ]);
  expect(new Set(findings.map(({ location }) => location.file)).size).toBe(2);
});
