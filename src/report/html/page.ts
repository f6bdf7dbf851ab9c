/** The HTML report: one file without network, that people open, filter, search and print. */

import { createHash } from "node:crypto";
import { type Finding, SEVERITIES } from "../../contract/finding.ts";
import type { Report, SuppressedFinding } from "../../contract/report.ts";
import { instant, number, plural } from "../../contract/wording.ts";
import { inputTable, outcomeList, tableList } from "./catalogue.ts";
import { findingCard, prose } from "./finding.ts";
import { flowSection } from "./flow.ts";
import { html, type Markup } from "./markup.ts";
import { SCRIPT } from "./script.ts";
import { STYLE } from "./style.ts";

/** Findings shown as cards; more than that nobody reads, and the file stays bounded. */
const CARDS_MAX = 2000;
/** Cards that are open when the page opens. */
const OPEN_MAX = 5;

/** One page. Nothing in it loads or sends anything: its own policy allows just its style and its script. */
export function renderHtml(report: Report): string {
  const { summary } = report;
  const cards = report.findings.slice(0, CARDS_MAX);
  const rest = report.findings.length - cards.length;
  const worst = summary.errors > 0 ? "error" : summary.warnings > 0 ? "warning" : "good";
  const headline =
    report.findings.length === 0
      ? "No findings"
      : SEVERITIES.map((severity) => {
          const count = report.findings.filter((f) => f.severity === severity).length;
          return count === 0 ? "" : plural(count, severity === "info" ? "note" : severity);
        })
          .filter((part) => part !== "")
          .join(", ");
  const flow = report.flow && report.flow.tables.length > 0 ? flowSection(report.flow, cards) : null;
  const body = html`<a class="skip" href="#findings">To the findings</a>
<header><p class="soft">trueup ${report.tool.version} · ${instant(report.now)} · times in ${report.timezone}</p>
<h1 class="${worst}">${headline}</h1>
<ul class="counts">${counts(report)}</ul>
<nav aria-label="Sections"><a href="#findings">Findings</a>${flow === null ? null : html` <a href="#flow">Data flow</a>`} <a href="#checks">Checks</a> <a href="#catalogue">Catalogue</a></nav></header>
<main class="${cards.length > 200 ? "many" : ""}">
<h2>Inputs</h2>${inputTable(report)}
${report.notes.length > 0 ? html`<ul class="soft">${report.notes.map((note) => html`<li>${prose(note)}</li>`)}</ul>` : null}
<h2 id="findings">Findings</h2>
${report.findings.length === 0 ? html`<p class="good">Nothing was found by the checks that ran.</p>` : filters(report)}
${cards.map((finding, i) => findingCard(finding, i < OPEN_MAX && finding.severity !== "info"))}
${rest > 0 ? html`<p class="soft">${number(rest)} more findings stand in the JSON report.</p>` : null}
${section("Fixed since the baseline", report.fixed, () => null)}
${section("Suppressed", report.suppressed, suppressionOf)}
${flow}
<h2 id="checks">Checks</h2>${outcomeList(report)}
<h2 id="catalogue">Catalogue</h2>${tableList(report)}
</main>
<footer class="soft"><p>Made by trueup. This page loads nothing and sends nothing.</p></footer>`;
  const policy = `default-src 'none'; style-src '${hashOf(STYLE)}'; script-src '${hashOf(SCRIPT)}'; base-uri 'none'; form-action 'none'`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>trueup: ${html`${headline}`.text}</title>
<style>${STYLE}</style></head>
<body>
${body.text}
<script>${SCRIPT}</script>
</body></html>
`;
}

function counts(report: Report): Markup[] {
  const { summary } = report;
  const rows = report.inputs.reduce((sum, input) => sum + input.rows, 0);
  const list: [string, number, string][] = [
    ["errors", summary.errors, "error"],
    ["warnings", summary.warnings, "warning"],
    ["notes", summary.infos, "info"],
    ["new", summary.new, ""],
    ["worse", summary.worse, ""],
    ["known", summary.known, ""],
    ["fixed", summary.fixed, "good"],
    ["rows read", rows, ""],
  ];
  return list
    .filter(([name, count]) => count > 0 || name === "errors" || name === "warnings")
    .map(
      ([name, count, style]) =>
        html`<li><b class="${count > 0 ? style : ""}">${number(count)}</b> ${name}</li>`,
    );
}

function filters(report: Report): Markup {
  const checks = [...new Set(report.findings.map((f) => f.check))].sort();
  return html`<form class="filters" id="filters" hidden>
<div><label for="search">Search (press /)</label><input type="search" id="search" autocomplete="off"></div>
<div><label for="check">Check</label><select id="check"><option value="">all</option>${checks.map((c) => html`<option value="${c}">${c}</option>`)}</select></div>
<fieldset><legend>Severity</legend>${SEVERITIES.map((s) => html`<label><input type="checkbox" name="severity" value="${s}" checked> ${s}</label>`)}</fieldset>
<p id="told" role="status" class="soft"></p></form>`;
}

/** Findings that are told in a line each. */
function section<T extends Finding>(
  title: string,
  findings: readonly T[],
  more: (finding: T) => string | null,
): Markup | null {
  if (findings.length === 0) return null;
  const shown = findings.slice(0, CARDS_MAX);
  const rest = findings.length - shown.length;
  return html`<h2>${title}</h2><ul>${shown.map((f) => html`<li>${f.title} <span class="soft mono">${f.check} · ${f.target}</span> ${more(f)}</li>`)}</ul>${rest > 0 ? html`<p class="soft">and ${number(rest)} more in the JSON report</p>` : null}`;
}

function suppressionOf({ suppression }: SuppressedFinding): string | null {
  if (suppression === undefined) return null;
  return `${suppression.reason}${suppression.until === null ? "" : `, until ${suppression.until}`}`;
}

/** As a policy names an inline style or script. */
function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
