/** What was read: inputs, tables and what their columns were taken for; and what was not evaluated. */

import type { Report } from "../../contract/report.ts";
import { instant, number, percent } from "../../contract/wording.ts";
import { html, type Markup } from "./markup.ts";

/** Tables listed with their columns. */
const TABLES_MAX = 200;

export function inputTable(report: Report): Markup {
  return html`<div class="scroll" tabindex="0" role="group" aria-label="Inputs"><table><thead><tr><th scope="col">Input</th><th scope="col">Kind</th><th scope="col" class="number">Rows</th><th scope="col" class="number">Rejected</th><th scope="col">Notes</th></tr></thead>
<tbody>${report.inputs.map(
    (input) =>
      html`<tr><td class="mono">${input.path}</td><td>${input.kind}</td><td class="number">${number(input.rows)}</td><td class="number">${number(input.rejected)}</td><td>${input.error ? html`<span class="error">${input.error}</span> ` : null}${input.notes.join("; ")}</td></tr>`,
  )}</tbody></table></div>`;
}

export function tableList(report: Report): Markup {
  const shown = report.tables.slice(0, TABLES_MAX);
  return html`${shown.map((table) => {
    const roles = table.columns.filter((column) => column.role !== null);
    const range = table.timeRange
      ? ` · ${instant(table.timeRange.from)} to ${instant(table.timeRange.to)}`
      : "";
    return html`<details><summary><span class="mono">${table.name}</span> <span class="soft">${number(table.rows)} rows${range} · ${roles.length} of ${table.columns.length} columns have a role</span></summary>
${
  roles.length === 0
    ? null
    : html`<div class="scroll" tabindex="0" role="group" aria-label="Roles of ${table.name}"><table><thead><tr><th scope="col">Role</th><th scope="col">Column</th><th scope="col" class="number">Confidence</th><th scope="col">Why</th></tr></thead>
<tbody>${roles.map((c) => html`<tr><td>${c.role}</td><td class="mono">${c.name}</td><td class="number">${c.confidence === null ? "" : percent(c.confidence)}</td><td>${c.reason}</td></tr>`)}</tbody></table></div>`
}</details>`;
  })}${report.tables.length > shown.length ? html`<p class="soft">and ${report.tables.length - shown.length} more tables in the JSON report</p>` : null}`;
}

/** Checks that could not be evaluated, with their reasons; and how many were clean. */
export function outcomeList(report: Report): Markup {
  const of = (status: string) => report.outcomes.filter((outcome) => outcome.status === status);
  const told = [...of("failed"), ...of("skipped")];
  return html`<p>${of("clean").length} evaluations clean, ${of("found").length} with findings, ${of("skipped").length} skipped, ${of("failed").length} failed.</p>
${
  told.length === 0
    ? null
    : html`<details><summary>What was not evaluated, and why</summary><div class="scroll" tabindex="0" role="group" aria-label="Not evaluated"><table><thead><tr><th scope="col">Check</th><th scope="col">Target</th><th scope="col">Status</th><th scope="col">Reason</th></tr></thead>
<tbody>${told.slice(0, 500).map((o) => html`<tr><td>${o.check}</td><td class="mono">${o.target}</td><td>${o.status}</td><td>${o.reason}</td></tr>`)}</tbody></table></div></details>`
}`;
}
