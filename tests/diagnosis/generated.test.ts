/** Incidents with a known cause: how often the first cause is the planted one, and whether a share means what it says. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Cause } from "../../src/contract/finding.ts";
import { diagnoseTables } from "../kit/diagnose.ts";
import { CAUSES, worldOf } from "./world.ts";

const SEEDS = Number(process.env["INCIDENTS"] ?? 20);

interface Named {
  planted: string;
  seed: number;
  causes: Cause[];
}

const named: Named[] = [];

describe("each hypothesis as the true cause", () => {
  test.each(CAUSES)("%s", { timeout: 120_000 }, async (cause) => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const world = worldOf(cause, seed);
      const { incidents } = await diagnoseTables(world.tables, world.prepare, { verifySql: seed <= 3 });
      const distance = (one: (typeof incidents)[number]) =>
        one.from === null ? 0 : Math.abs(Date.parse(one.from) / 1000 - world.onset);
      // The incident that says most of the planted onset; a distractor may be one of its own.
      const main = incidents
        .filter((one) => one.causes.length > 0)
        .sort((a, b) => Number(isLoss(b)) - Number(isLoss(a)) || distance(a) - distance(b))[0];
      named.push({ planted: cause, seed, causes: main?.causes ?? [] });
      if (process.env["SHOW"] && main?.causes[0]?.hypothesis !== cause) {
        console.log(
          cause,
          seed,
          JSON.stringify(
            incidents.map((i) => ({
              f: i.drafts.map((d) => `${d.check} ${d.target} ${JSON.stringify(d.onset)}`),
              c: i.causes.map((c) => [c.hypothesis, c.score, c.for, c.against]),
            })),
            null,
            1,
          ),
          new Date(world.onset * 1000).toISOString(),
        );
      }
    }
    const right = named.filter((one) => one.planted === cause && one.causes[0]?.hypothesis === cause).length;
    expect(right / SEEDS).toBeGreaterThanOrEqual(0.8);
  });

  test("the first cause is the planted one in at least 95 %", () => {
    const right = named.filter((one) => one.causes[0]?.hypothesis === one.planted).length;
    console.log(matrix());
    expect(right / named.length).toBeGreaterThanOrEqual(0.95);
  });

  test("of the causes given 80 % and more, at least 80 % are true", () => {
    const sure = named.flatMap((one) =>
      one.causes.filter((c) => c.score >= 0.8).map((c) => c.hypothesis === one.planted),
    );
    expect(sure.length).toBeGreaterThan(CAUSES.length);
    expect(sure.filter(Boolean).length / sure.length).toBeGreaterThanOrEqual(0.8);
  });

  test.skipIf(SEEDS !== 20)("docs/diagnosis.md holds this matrix", () => {
    expect(readFileSync(join(import.meta.dirname, "../../docs/diagnosis.md"), "utf8")).toContain(matrix());
  });
});

const isLoss = (incident: { drafts: { onset?: { defect?: string } }[] }) =>
  incident.drafts.some((d) => d.onset?.defect !== undefined);

/** Planted causes in rows, first named causes in columns. */
function matrix(): string {
  const columns = [...CAUSES, "undecided"];
  const rows = CAUSES.map((planted) => {
    const of = named.filter((one) => one.planted === planted);
    const counts = columns.map(
      (column) => of.filter((one) => (one.causes[0]?.hypothesis ?? "undecided") === column).length,
    );
    return `| ${planted} | ${counts.map((n) => (n === 0 ? "·" : n)).join(" | ")} |`;
  });
  return [
    `| planted | ${columns.join(" | ")} |`,
    `|---|${columns.map(() => "---:").join("|")}|`,
    ...rows,
  ].join("\n");
}
