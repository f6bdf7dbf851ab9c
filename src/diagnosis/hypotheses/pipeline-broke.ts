/** The importer, parser or cron job stopped while the log goes on. */

import { instantOf, secondsOf, timestampSql } from "../../analysis/activity.ts";
import {
  defineHypothesis,
  type HypothesisContext,
  type Incident,
  NO_EVIDENCE,
  speaksAgainst,
  speaksFor,
} from "../../contract/hypothesis.ts";
import { instant, number, percent, plural } from "../../contract/wording.ts";
import { countsOf, GOES_ON, STOPPED } from "../measure/counts.ts";
import { type Failure, failuresOf } from "../measure/events.ts";
import { ALL_OR_NOTHING, coverageOf } from "../measure/loss.ts";
import { missingLog } from "../measure/missing.ts";
import { namedIn } from "../measure/named.ts";
import { elsewhereIn, siblingsOf } from "../measure/siblings.ts";
import { afterText, beforeText } from "../measure/window.ts";

/** A program that cannot load its own code does nothing at all. */
const CANNOT_LOAD =
  /\b(?:ModuleNotFoundError|ImportError|Cannot find module|ERR_MODULE_NOT_FOUND|NoClassDefFoundError|ClassNotFoundException|SyntaxError)\b/;
/** Names of jobs that carry records from one place to another. */
const IMPORTER =
  /import|pars(e|er|ing)|cron|etl|sync|ingest|collect|backfill|loader|scrap|pipeline|batch|(^|[_\W])jobs?([_\W]|$)|extract|harvest/i;

export default defineHypothesis({
  id: "pipeline-broke",
  meta: {
    title: "The pipeline between log and table broke",
    sentence: "The importer, parser or scheduled job that fills the table stopped, while the log goes on.",
    limits:
      "It needs the log of the time after the onset. Without the importer's own log it cannot tell an importer that died from one that reads another file, nor a table that is no longer filled from an old copy of the database.",
  },
  tests: [
    {
      id: "told-but-not-stored",
      // What the log tells and the table lacks was lost between the two: 30 times as likely when that part broke.
      weight: { for: 3.4, against: 3 },
      run: toldButNotStored,
    },
    {
      id: "importer-failed",
      // A traceback of an importer after the onset: 12 times as likely; of another program far less.
      weight: { for: 2.5, against: 0 },
      run: importerFailed,
    },
    {
      id: "importer-silent",
      // Another timed record of the importer ends at the onset while everything else goes on.
      weight: { for: 1.8, against: 0 },
      run: importerSilent,
    },
    {
      id: "rows-stop",
      // The table itself ends while token lines go on: what fills it stopped, or the database is an old copy.
      weight: { for: 3.4, against: 0 },
      async run(incident, ctx) {
        const counts = await countsOf(incident, ctx);
        const { rows, events, lines, log } = counts;
        // A log that tells tokens tells calls too: without token lines nothing was there to store.
        const ofTokens = events.before >= 5;
        const told = ofTokens ? events : lines;
        if (!incident.table || log === null || rows.before < 5 || told.after < 5 || told.before < 5)
          return NO_EVIDENCE;
        const kept = rows.after / told.after / (rows.before / told.before);
        if (kept > STOPPED) return NO_EVIDENCE;
        return speaksFor(
          `${incident.table.name} has ${plural(rows.before, "row")} ${beforeText(incident)} and ${number(rows.after)} ${afterText(incident)}, while ${log} goes on with ${plural(told.after, ofTokens ? "token line" : "line")}`,
          counts.sql("rows", ofTokens ? "events" : "lines"),
          0.8,
        );
      },
    },
    {
      id: "still-imports",
      // Rows of the same time that did get their tokens: the importer is alive.
      weight: { for: 0, against: 3 },
      async run(incident, ctx) {
        const coverage = await coverageOf(incident, ctx);
        if (coverage === null || coverage <= 2 * ALL_OR_NOTHING || !incident.table) return NO_EVIDENCE;
        const counts = await countsOf(incident, ctx);
        return speaksAgainst(
          `${percent(coverage)} of the calls ${afterText(incident)} have tokens: what fills the table is alive`,
          counts.sql("calls", "lost"),
        );
      },
    },
  ],
  async confirm(incident, ctx) {
    const [failure] = await importerFailures(incident, ctx);
    if (failure)
      return `run what writes ${failure.source} by hand: does it still fail with "${failure.text.slice(0, 80)}"?`;
    const { rows } = await countsOf(incident, ctx);
    return `${rows.after === 0 ? "make sure that the database is no old copy; then " : ""}read the importer's own log around the onset: its last run and its first error`;
  },
  missing: (incident, ctx) =>
    missingLog(incident) ??
    (ctx.evidence.logs.length === incident.logs.length ? "the importer's own log" : null),
});

async function toldButNotStored(incident: Incident, ctx: HypothesisContext) {
  const counts = await countsOf(incident, ctx);
  const { events, sound, unstored, linesKept, bad, log } = counts;
  const named = await namedIn(incident, ctx);
  if (bad < 5 || log === null) return NO_EVIDENCE;
  // What stands in another table was imported, only elsewhere.
  const elsewhere = elsewhereIn(await siblingsOf(incident, ctx));
  const share = elsewhere.rows || elsewhere.begins ? 0.4 : 1;
  // Token lines that name their row are proof for that row.
  if (named && named.soundTold >= 0.5 * Math.max(1, named.sound)) {
    if (named.badTold >= 0.5 * named.bad)
      return speaksFor(
        `the log has the token lines of ${number(named.badTold)} of the ${number(named.bad)} rows that lack tokens`,
        named.sql,
        share,
      );
  }
  const after = afterText(incident);
  const isUntold = named !== null && named.soundTold > 0 && named.badTold === 0;
  if (unstored !== null && unstored >= 0.5 && events.after >= 5 && !isUntold)
    return speaksFor(
      `${log} has ${plural(events.after, "token line")} ${after}, while ${number(sound.after)} calls of that time have tokens and ${number(bad)} lack them`,
      counts.sql("events", "sound", "lost"),
      share,
    );
  if (unstored !== null && unstored <= 0.1 && linesKept !== null && linesKept >= GOES_ON)
    return speaksAgainst(
      events.after === 0
        ? `the log itself has no token line ${after}: there was nothing to import`
        : `the log itself has only ${plural(events.after, "token line")} ${after}, for ${number(sound.after)} calls with tokens and ${number(bad)} without: there was nothing more to import`,
      counts.sql("events", "sound", "lost"),
    );
  return NO_EVIDENCE;
}

/** Failures that begin with the incident and look like those of an importer, the likeliest first. */
async function importerFailures(incident: Incident, ctx: HypothesisContext): Promise<Failure[]> {
  return (await failuresOf(incident, ctx))
    .filter((one) => CANNOT_LOAD.test(one.text) || IMPORTER.test(one.text) || IMPORTER.test(one.source))
    .filter((one) => one.count > one.before && one.before * 3 <= one.count)
    .sort((a, b) => Number(CANNOT_LOAD.test(b.text)) - Number(CANNOT_LOAD.test(a.text)) || b.count - a.count);
}

async function importerFailed(incident: Incident, ctx: HypothesisContext) {
  const [worst] = await importerFailures(incident, ctx);
  if (!worst) return NO_EVIDENCE;
  const since = worst.first === null ? "" : `, first at ${instant(worst.first)}`;
  return speaksFor(
    `${worst.source} fails ${plural(worst.count, "time")} with "${worst.text.slice(0, 120)}"${since}`,
    worst.sql,
    // Undated, it may be older.
    worst.first === null ? 0.8 : 1,
  );
}

async function importerSilent(incident: Incident, ctx: HypothesisContext) {
  const { onset, until } = incident;
  if (!onset || until === null || until <= onset.latest) return NO_EVIDENCE;
  const own = ctx.evidence.series.find((series) => {
    if (series.name === incident.table?.name || incident.logs.some((log) => log.input === series.input))
      return false;
    const name = series.name.split(".").slice(1).join(".");
    const [from, to] = [secondsOf(series.timeRange.from), secondsOf(series.timeRange.to)];
    const gone = until - to;
    return (
      (IMPORTER.test(name) || IMPORTER.test(series.input)) &&
      from < onset.earliest &&
      to <= onset.latest + 0.1 * (until - onset.latest) &&
      to >= onset.earliest - 0.1 * (until - from) &&
      gone > 0.5 * (until - onset.latest)
    );
  });
  if (!own) return NO_EVIDENCE;
  return speaksFor(
    `${own.name} ends at ${instant(own.timeRange.to)}, while the evidence goes on to ${instant(instantOf(until))}`,
    `SELECT max(time) AS last_run, ${timestampSql(until)} AS evidence_ends FROM ${own.relation}`,
  );
}
