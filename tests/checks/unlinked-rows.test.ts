import { describe, expect, test } from "vitest";
import type { Link } from "../../src/contract/evidence.ts";
import { addLog } from "../kit/logs.ts";
import { type AuditResult, auditTables, type TableData } from "../kit/tables.ts";
import { poisson, random, seconds, text } from "../kit/times.ts";

const START = seconds("2025-11-01 00:00:00");
const DAY = 86400;
const END = START + 20 * DAY;

interface Job {
  at: number;
  id: string;
}

const jobs = (seed: number, from: number, to: number, perDay: number): Job[] =>
  poisson(random(seed), from, to, perDay / 24).map((at, i) => ({ at, id: `job-${seed}-${i}` }));

const table = (rows: readonly Job[], empty: readonly Job[] = []): TableData => ({
  rows: rows.map((job) => ({
    job_id: job.id,
    created_at: text(job.at),
    input_tokens: empty.includes(job) ? 0 : 10,
  })),
  types: { created_at: "TIMESTAMP" },
});

interface Case {
  rows: Job[];
  mentioned: Job[];
  /** When the log has lines; by default the whole time. */
  lines?: number[];
  link?: Partial<Link>;
  options?: Record<string, number>;
}

const unlinked = ({ rows, mentioned, lines, link = {}, options = {} }: Case): Promise<AuditResult> =>
  auditTables(
    "unlinked-rows",
    { "db.jobs": table(rows) },
    {
      options,
      settings: { roles: { "db.jobs": { created_at: "time", job_id: "id" } } },
      prepare: (store, loaded) =>
        addLog(store, loaded, "app_log", {
          lines: (lines ?? poisson(random(5), START, END, 10)).map(text),
          mentions: mentioned.map(({ at, id }) => ({ time: text(at + 30), id })),
        }),
      adjust: (evidence) => ({
        ...evidence,
        links: [
          {
            leftTable: "app_log.lines",
            leftColumn: "id",
            rightTable: "db.jobs",
            rightColumn: "job_id",
            matchedRatio: 1,
            how: "mentions",
            ...link,
          },
        ],
      }),
    },
  );

const all = jobs(1, START, END, 20);
const middle = all.filter((job) => job.at > START + DAY && job.at < END - DAY);

describe("unlinked-rows fires", () => {
  test("on jobs in the table that leave no trace in the log, with their ids", async () => {
    const lost = new Set(middle.filter((_, i) => i % 10 === 0).map((job) => job.id));
    const { findings } = await unlinked({ rows: all, mentioned: all.filter((job) => !lost.has(job.id)) });
    expect(findings).toHaveLength(1);
    const [finding] = findings;
    expect(finding?.severity).toBe("warning");
    expect(finding?.location).toEqual({ input: "db", table: "db.jobs", column: "job_id" });
    expect(finding?.evidence).toMatchObject({
      unlinked_ids: lost.size,
      unlinked_rows: lost.size,
      missing_in: "app_log.lines",
    });
    expect(finding?.samples).toHaveLength(5);
    for (const sample of finding?.samples ?? []) expect(lost).toContain(sample.id);
  });

  test("on ids of the log that the table does not have", async () => {
    const lost = new Set(middle.filter((_, i) => i % 30 === 0).map((job) => job.id));
    const { findings } = await unlinked({ rows: all.filter((job) => !lost.has(job.id)), mentioned: all });
    expect(findings.map((f) => f.evidence)).toMatchObject([
      { source: "app_log.lines", unlinked_ids: lost.size },
    ]);
  });
});

describe("unlinked-rows between two tables", () => {
  const tables = (one: Job[], two: Job[], empty: Job[] = []) =>
    auditTables(
      "unlinked-rows",
      { "db.details": table(two), "db.jobs": table(one, empty) },
      {
        settings: {
          roles: {
            "db.jobs": { created_at: "time", job_id: "id" },
            "db.details": { created_at: "time", job_id: "id" },
          },
        },
        adjust: (evidence) => ({
          ...evidence,
          links: [
            {
              leftTable: "db.details",
              leftColumn: "job_id",
              rightTable: "db.jobs",
              rightColumn: "job_id",
              matchedRatio: 1,
              how: "values",
            },
          ],
        }),
      },
    );

  test("fires on rows without the counterpart that nearly all have", async () => {
    const lost = middle.filter((_, i) => i % 20 === 0);
    const { findings } = await tables(
      all,
      all.filter((job) => !lost.includes(job)),
    );
    expect(findings.map((f) => [f.location?.table, f.measure.value])).toEqual([["db.jobs", lost.length]]);
  });

  test("tells containers that lost their parts, by their own tokens, from those that are empty", async () => {
    const without = middle.filter((_, i) => i % 20 === 0);
    const parts = all
      .filter((job) => !without.includes(job))
      .flatMap(({ at, id }) => [0, 60, 120].map((s) => ({ at: at + s, id })));
    expect((await tables(all, parts, without)).findings).toEqual([]);
    const { findings } = await tables(all, parts);
    expect(findings.map((f) => [f.location?.table, f.measure.value])).toEqual([["db.jobs", without.length]]);
  });

  test.each([
    ["a counterpart that is optional", all, all.filter((_, i) => i % 4 > 0)],
    [
      "references to rows that are not there, which orphan rows are about",
      all.filter((_, i) => i % 20 > 0),
      all,
    ],
  ])("is silent about %s", async (_name, one, two) => {
    expect((await tables(one, two)).findings).toEqual([]);
  });
});

describe("unlinked-rows is silent", () => {
  const strangers = (count: number): Job[] =>
    [...Array(count).keys()].map((i) => ({ at: START + 2 * DAY + i * 600, id: `request-${i}` }));
  const silent: [string, Case][] = [
    ["rows that are all linked", { rows: all, mentioned: all }],
    [
      "rows before and after the time that both cover",
      {
        rows: [...jobs(2, START - 30 * DAY, START, 20), ...all, ...jobs(3, END, END + 30 * DAY, 20)],
        mentioned: all,
      },
    ],
    [
      "ids of the log before the table begins",
      { rows: all.filter((job) => job.at > START + 10 * DAY), mentioned: all },
    ],
    [
      "rows inside a silence of the log",
      {
        rows: all,
        mentioned: all.filter((job) => job.at < START + 8 * DAY || job.at > START + 11 * DAY),
        lines: poisson(random(6), START, END, 10).filter((t) => t < START + 8 * DAY || t > START + 11 * DAY),
      },
    ],
    [
      "a log that mentions only some rows on purpose",
      { rows: all, mentioned: all.filter((_, i) => i % 3 === 0) },
    ],
    [
      "a log that mentions other ids of the same shape",
      { rows: all, mentioned: [...all, ...strangers(100)] },
    ],
    [
      "fewer unlinked ids than min_rows",
      { rows: all, mentioned: all.filter((job) => !middle.slice(0, 4).includes(job)) },
    ],
    [
      "references to things that were made long before",
      {
        rows: jobs(1, START - 300 * DAY, END, 1),
        mentioned: jobs(1, START - 300 * DAY, START, 1)
          .slice(0, 200)
          .map((job, i) => ({ ...job, at: START + i * 3600 })),
        link: { matchedRatio: 1 },
      },
    ],
    [
      "a column whose ids repeat",
      {
        rows: all.flatMap((job) => [job, { ...job, at: job.at + 60 }]),
        mentioned: all.filter((job) => !middle.slice(0, 30).includes(job)),
      },
    ],
  ];
  test.each(silent)("about %s", async (_name, sources) => {
    const { findings } = await unlinked(sources);
    expect(findings.map((f) => f.message)).toEqual([]);
  });

  test("about declared foreign keys, which orphan rows are about", async () => {
    const { outcomes } = await unlinked({ rows: all, mentioned: [], link: { how: "declared" } });
    expect(outcomes).toMatchObject([{ status: "skipped" }]);
  });
});
