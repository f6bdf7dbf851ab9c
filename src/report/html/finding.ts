/** One finding as a card that opens: numbers, picture, causes, rows, SQL, what to do. */

import type { Cause, Finding, Row, Value } from "../../contract/finding.ts";
import { instant, number, plural } from "../../contract/wording.ts";
import { valueText } from "../printable.ts";
import { html, type Markup } from "./markup.ts";
import { timelineSvg } from "./timeline.ts";

/** Entries of `evidence` shown; the JSON report has them all. */
const EVIDENCE_MAX = 40;

export function findingCard(finding: Finding, open: boolean): Markup {
  const { severity, check, title, target, location } = finding;
  const place =
    location.file === null ? "" : ` · ${location.file}${location.line === null ? "" : `:${location.line}`}`;
  return html`<details class="finding ${severity}" data-finding data-severity="${severity}" data-check="${check}" id="f-${finding.fingerprint}"${open ? OPEN : null}>
<summary><span class="tag ${severity}">${severity}</span>${finding.baseline ? html`<span class="tag">${finding.baseline}</span>` : null}<span class="title">${title}</span>
<span class="where mono">${check} · ${target}${place}</span></summary>
<div class="body"><p>${prose(finding.message)}</p>
${finding.timeline ? html`<div class="scroll" tabindex="0" role="group" aria-label="Timeline">${timelineSvg(finding.timeline)}</div>` : null}
${finding.causes.length > 0 ? html`<h3>Causes</h3>${causeList(finding.causes)}` : null}
<h3>What to do</h3><p>${prose(finding.fix)}</p>
${finding.samples.length > 0 ? html`<h3>Rows</h3>${rowTable(finding.samples)}` : null}
<h3>Numbers</h3>${evidenceTable(finding)}
<h3>SQL</h3>${queryBlock(finding.sql)}
</div></details>`;
}

const OPEN = html` open`;

/** Lists of plain values read as a list, numbers and instants as in the message. */
function cell(value: Value): string {
  if (typeof value === "number" || typeof value === "bigint") return number(value);
  if (typeof value === "string") return instant(value);
  if (Array.isArray(value) && value.length > 0 && value.every((one) => typeof one !== "object"))
    return value.map(cell).join(", ");
  return valueText(value);
}

/** What stands between backticks is code. */
export function prose(text: string): Markup[] {
  return text.split("`").map((part, i) => (i % 2 === 1 ? html`<code>${part}</code>` : html`${part}`));
}

/** Causes by their share; those that nothing speaks for are folded. */
function causeList(causes: readonly Cause[]): Markup {
  const supported = causes.filter((cause) => cause.score > 0);
  const refuted = causes.filter((cause) => cause.score === 0);
  return html`${supported.length === 0 ? html`<p>Nothing that is loaded speaks for one.</p>` : html`<ol class="causes">${supported.map(causeItem)}</ol>`}
${refuted.length === 0 ? null : html`<details><summary>${plural(refuted.length, "cause")} that nothing speaks for</summary><ul class="causes">${refuted.map(causeItem)}</ul></details>`}`;
}

function causeItem(cause: Cause): Markup {
  const share = cause.score > 0 ? html`<span class="score">${Math.round(cause.score * 100)} %</span> ` : null;
  return html`<li>${share}<b>${cause.title}</b> <span class="soft mono">${cause.hypothesis}</span>${cause.tied ? html` <span class="soft">tied: what is loaded does not tell it from the next</span>` : null}
${cause.for.map((line) => html`<p class="good">for: ${line}</p>`)}${cause.against.map((line) => html`<p class="soft">against: ${line}</p>`)}
${cause.confirm === "" ? null : html`<p>To confirm: ${cause.confirm}</p>`}${cause.sql === "" ? null : html`<details><summary>Its query</summary>${queryBlock(cause.sql)}</details>`}</li>`;
}

/** SQL with a button that copies it. */
function queryBlock(sql: string): Markup {
  return html`<div><p><button type="button" data-copy>Copy</button></p><pre>${sql}</pre></div>`;
}

/** Sample rows; columns in the order they first appear. */
export function rowTable(rows: readonly Row[]): Markup {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return html`<div class="scroll" tabindex="0" role="group" aria-label="Sample rows"><table class="rows"><thead><tr>${columns.map((c) => html`<th scope="col">${c}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${columns.map((c) => html`<td class="mono">${valueText(row[c] ?? null)}</td>`)}</tr>`)}</tbody></table></div>`;
}

function evidenceTable(finding: Finding): Markup {
  const entries = Object.entries(finding.evidence).filter(([name]) => name !== finding.measure.name);
  const shown = entries.slice(0, EVIDENCE_MAX);
  return html`<table><tbody><tr><th scope="row">${finding.measure.name}</th><td>${number(finding.measure.value)}</td></tr>
${shown.map(([name, value]) => html`<tr><th scope="row">${name}</th><td class="mono">${cell(value)}</td></tr>`)}</tbody></table>
${entries.length > shown.length ? html`<p class="soft">and ${entries.length - shown.length} more in the JSON report</p>` : null}`;
}
