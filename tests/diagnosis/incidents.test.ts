/** Incidents of shapes that the seeded ones do not have: partial, over again, in several logs, with a rhythm. */

import { describe, expect, test } from "vitest";
import type { TableData } from "../../src/testing/tables.ts";
import { diagnoseTables } from "../kit/diagnose.ts";
import { addLog } from "../kit/logs.ts";
import { random } from "../kit/times.ts";

const HOUR = 3600;
const START = Date.parse("2025-03-03T00:00:00Z") / 1000;
const HOURS = 600;
const stamp = (at: number) => new Date(Math.round(at) * 1000).toISOString().slice(0, 19).replace("T", " ");

interface Call {
  hour: number;
  at: number;
  id: string;
  /** What the table and the log keep of it. */
  stored: boolean;
  told: boolean;
  logged: boolean;
  worker: string;
}

/** A call an hour that is logged and stored whole, and what an incident changes of it. */
function callsOf(change: (call: Call, chance: (p: number) => boolean) => Partial<Call>): Call[] {
  const next = random(5);
  return Array.from({ length: HOURS }, (_, hour) => {
    const id = Array.from({ length: 32 }, () => "0123456789abcdef"[Math.floor(next() * 16)]).join("");
    const call = {
      hour,
      at: START + hour * HOUR + next() * 600,
      id,
      stored: true,
      told: true,
      logged: true,
      worker: "app.llm",
    };
    return { ...call, ...change(call, (p) => next() < p) };
  });
}

function tableOf(calls: readonly Call[]): TableData {
  return {
    rows: calls.map((call, i) => ({
      request_id: call.id,
      created_at: stamp(call.at),
      status: "ok",
      prompt_tokens: call.stored ? 500 + ((i * 37) % 900) : null,
      completion_tokens: call.stored ? 40 + ((i * 53) % 97) : null,
    })),
    types: { created_at: "TIMESTAMP", prompt_tokens: "BIGINT", completion_tokens: "BIGINT" },
  };
}

/** A log in which a request, its worker and its token line stand; `web` logs the request alone. */
function logOf(calls: readonly Call[], web = false) {
  const logged = calls.filter((call) => call.logged);
  const per = web ? 1 : 3;
  return {
    lines: logged.flatMap((call) => Array.from({ length: per }, (_, i) => stamp(call.at + i))),
    mentions: logged.flatMap((call, i) => [
      { time: stamp(call.at), id: call.id, origin: "app.api", line: per * i + 1 },
      ...(web ? [] : [{ time: stamp(call.at + 1), id: call.id, origin: call.worker, line: per * i + 2 }]),
    ]),
    ...(web
      ? {}
      : {
          events: logged.flatMap((call, i) =>
            call.told
              ? [{ time: stamp(call.at + 2), input_tokens: 500, output_tokens: 40, line: per * i + 3 }]
              : [],
          ),
        }),
  };
}

async function diagnosed(calls: readonly Call[], logs: Record<string, ReturnType<typeof logOf>>) {
  const { incidents } = await diagnoseTables({ "db.calls": tableOf(calls) }, async (store, loaded) => {
    for (const [name, log] of Object.entries(logs)) await addLog(store, loaded, name, log);
  });
  return incidents.find((one) => one.drafts.some((draft) => draft.check === "missing-tokens"));
}

describe("a cause is found", () => {
  test("when a new worker that logs no tokens takes only some of the calls", async () => {
    const calls = callsOf(({ hour }, chance) =>
      hour >= 300 && chance(0.6) ? { stored: false, told: false, worker: "batch.consumer" } : {},
    );
    const incident = await diagnosed(calls, { app: logOf(calls) });
    expect(incident?.causes[0]).toMatchObject({ hypothesis: "code-path" });
    expect(incident?.causes[0]?.score).toBeGreaterThan(0.8);
  });

  test("when the importer was down for a time and runs again", async () => {
    const calls = callsOf(({ hour }) => ({ stored: hour < 250 || hour >= 400 }));
    const incident = await diagnosed(calls, { app: logOf(calls) });
    expect(incident?.causes[0]).toMatchObject({ hypothesis: "pipeline-broke" });
    expect(incident?.to).toBe(`${stamp(calls[250]?.at ?? 0).replace(" ", "T")}Z`);
  });

  test("when the log of a web server goes on and that of the program is an old copy", async () => {
    const calls = callsOf(({ hour }) => ({ stored: hour < 300 }));
    const incident = await diagnosed(calls, {
      access: logOf(calls, true),
      app: logOf(calls.filter(({ hour }) => hour < 300)),
    });
    expect(incident?.causes[0]).toMatchObject({ hypothesis: "log-ends" });
  });

  test("when a part of the log is missing in the middle", async () => {
    const lost = ({ hour }: Call) => hour >= 250 && hour < 400;
    const calls = callsOf((call) => ({ stored: !lost(call) }));
    const incident = await diagnosed(calls, { app: logOf(calls.filter((call) => !lost(call))) });
    expect(incident?.causes[0]).toMatchObject({ hypothesis: "log-ends" });
  });

  test.each([
    ["at week-ends", (hour: number) => [5, 6].includes(Math.floor(hour / 24) % 7), "day of the week"],
    ["from two to six at night", (hour: number) => hour % 24 >= 2 && hour % 24 < 6, "hours of the day"],
  ])("when calls lose their tokens %s", async (_, lost, told) => {
    const calls = callsOf(({ hour }) => ({ stored: !lost(hour) }));
    const incident = await diagnosed(calls, {});
    expect(incident?.causes[0]).toMatchObject({ hypothesis: "conditional" });
    expect(incident?.causes[0]?.for.join()).toContain(told);
  });

  test("when the importer died an hour ago", async () => {
    const calls = callsOf(({ hour }) => ({ stored: hour < HOURS - 8 }));
    const incident = await diagnosed(calls, { app: logOf(calls) });
    expect(incident?.causes[0]).toMatchObject({ hypothesis: "pipeline-broke" });
    expect(incident?.drafts[0]?.severity).toBe("info");
  });
});

describe("no cause is guessed", () => {
  test("when one of two systems with a log and a table each ends before the other", async () => {
    const [short, long] = [
      callsOf(() => ({})).slice(0, 500),
      callsOf(({ id }) => ({ id: id.replace(/^../, "ff") })),
    ];
    const { incidents } = await diagnoseTables(
      { "db.calls": tableOf(short), "chat.turns": tableOf(long) },
      async (store, loaded) => {
        await addLog(store, loaded, "app", logOf(short));
        await addLog(store, loaded, "chat_log", logOf(long));
      },
    );
    expect(incidents.length).toBeGreaterThan(0);
    expect(incidents.flatMap((incident) => incident.causes.filter(({ score }) => score > 0))).toEqual([]);
  });

  test("when the token lines alone stop, under the same loggers", async () => {
    const calls = callsOf(({ hour }) => (hour >= 300 ? { stored: false, told: false } : {}));
    const incident = await diagnosed(calls, { app: logOf(calls) });
    expect(incident?.causes).toEqual([]);
  });

  test("when nobody calls any more, and the program goes on logging that it is alive", async () => {
    const calls = callsOf(() => ({}));
    const used = calls.filter(({ hour }) => hour < 400);
    const { incidents } = await diagnoseTables({ "db.calls": tableOf(used) }, async (store, loaded) => {
      const log = logOf(used);
      await addLog(store, loaded, "app", {
        ...log,
        lines: [
          ...log.lines,
          ...calls.filter(({ hour }) => hour >= 400).flatMap(({ at }) => [stamp(at), stamp(at + 900)]),
        ],
      });
    });
    expect(incidents.length).toBeGreaterThan(0);
    expect(incidents.flatMap((incident) => incident.causes.filter(({ score }) => score > 0))).toEqual([]);
  });

  test("when a share that was there before rises, and no column tells the calls apart", async () => {
    const calls = callsOf(({ hour }, chance) => ({ stored: !chance(hour < 300 ? 0.3 : 0.7) }));
    const incident = await diagnosed(calls, {});
    expect(incident?.causes).toEqual([]);
  });
});
