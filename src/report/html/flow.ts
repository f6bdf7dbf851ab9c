/** The data flow of the report: which page, route and function reaches which table, and where an arrow is broken. */

import type { Finding } from "../../contract/finding.ts";
import type { FlowAccess, ReportFlow, ReportFlowTable } from "../../contract/flow.ts";
import { number, plural } from "../../contract/wording.ts";
import { prose } from "./finding.ts";
import { flowGraph } from "./flow-graph.ts";
import { flowSvg } from "./flow-svg.ts";
import { html, type Markup } from "./markup.ts";

/** Pictures in the page; what is broken is drawn first. */
const PICTURES_MAX = 60;
/** Tables in one picture. */
const TABLES_MAX = 12;
/** Pictures that are open when the page opens. */
const OPEN_MAX = 4;
/** Accesses and entries told in words. */
const TOLD_MAX = 40;
const ENTRIES_TOLD = 6;

/** `shown` are the findings that have a card in the page. */
export function flowSection(flow: ReportFlow, shown: readonly Finding[]): Markup {
  const cards = new Map(shown.map((finding) => [finding.fingerprint, finding]));
  const found = (fingerprints: readonly string[]) =>
    fingerprints.flatMap((one) => cards.get(one) ?? []).filter((finding) => finding.severity !== "info");
  const groups = groupsOf(flow.tables, found);
  const used = groups.filter(({ tables, findings }) => findings.length > 0 || tables.some(isUsed));
  const unused = groups.filter((group) => !used.includes(group)).flatMap(({ tables }) => tables);
  const drawn = used.slice(0, PICTURES_MAX);
  const cut = [
    used.length > drawn.length ? plural(used.length - drawn.length, "picture") : "",
    flow.cut.tables > 0 ? plural(flow.cut.tables, "table") : "",
    flow.cut.accesses > 0 ? plural(flow.cut.accesses, "access", "accesses") : "",
    flow.cut.ways > 0 ? plural(flow.cut.ways, "way from an entry", "ways from an entry") : "",
  ].filter(Boolean);
  return html`<h2 id="flow">Data flow</h2>
<p class="legend soft"><span>${sample("write")} writes</span> <span>${sample("read")} reads</span> <span>${sample("read broken")} ✖ broken: a finding tells why</span></p>
${drawn.map((group, i) => picture(group, found, i < OPEN_MAX && (group.broken || drawn.length <= OPEN_MAX)))}
${unused.length > 0 ? html`<p class="soft">Declared, and not used by this code: ${unused.slice(0, TOLD_MAX).map((table, i) => html`${i > 0 ? ", " : ""}<span class="mono">${table.table}</span>`)}${unused.length > TOLD_MAX ? ` and ${number(unused.length - TOLD_MAX)} more` : ""}.</p>` : null}
${cut.length > 0 ? html`<p class="soft">Not drawn: ${cut.join(", ")}. <code>trueup flow</code> shows everything.</p>` : null}`;
}

type Found = (fingerprints: readonly string[]) => Finding[];

/** Tables that one picture shows together. */
interface Group {
  tables: ReportFlowTable[];
  findings: Finding[];
  /** One of its arrows is broken. */
  broken: boolean;
}

const isUsed = (table: ReportFlowTable) => table.accesses.length > 0;

/** Tables that a finding names together are one picture; broken ones come first, then by name. */
function groupsOf(tables: readonly ReportFlowTable[], found: Found): Group[] {
  const groupOf = new Map(tables.map((table) => [table.table, new Set([table])]));
  for (const table of tables)
    for (const finding of found([...table.findings, ...table.accesses.flatMap((access) => access.findings)]))
      for (const named of Object.values(finding.evidence)) {
        const [mine, other] = [groupOf.get(table.table)!, groupOf.get(String(named))];
        if (other === undefined || other === mine || mine.size + other.size > TABLES_MAX) continue;
        for (const one of other) {
          mine.add(one);
          groupOf.set(one.table, mine);
        }
      }
  const groups = [...new Set(groupOf.values())].map((set): Group => {
    const members = [...set].sort((a, b) => (a.table < b.table ? -1 : 1));
    const atArrows = found(members.flatMap((table) => table.accesses.flatMap((access) => access.findings)));
    const atTables = found(members.flatMap((table) => table.findings));
    return {
      tables: members,
      findings: [...new Set([...atArrows, ...atTables])],
      broken: atArrows.length > 0,
    };
  });
  const rank = ({ broken, findings }: Group) => (broken ? 0 : findings.length > 0 ? 1 : 2);
  return groups.sort((a, b) => rank(a) - rank(b));
}

function picture({ tables, findings }: Group, found: Found, open: boolean): Markup {
  const isBroken = (fingerprints: readonly string[]) => found(fingerprints).length > 0;
  const graph = flowGraph(tables, isBroken);
  const accesses = tables.flatMap((table) => table.accesses);
  const of = (mode: string) => accesses.filter((access) => access.mode === mode).length;
  const { functions, entries } = graph.left;
  const left = [
    functions > 0 ? plural(functions, "more function") : "",
    entries > 0 ? plural(entries, "more entry point") : "",
  ].filter(Boolean);
  return html`<details class="flow-group" data-flow${open ? html` open` : null}><summary><span class="title">${tables.map((table, i) => html`${i > 0 ? ", " : ""}<span class="mono">${table.table}</span>`)}</span> <span class="soft">${plural(of("write"), "writer")}, ${plural(of("read"), "reader")}</span>${findings.length > 0 ? html` <span class="error">✖ ${plural(findings.length, "finding")}</span>` : null}</summary>
<div class="body">${flowSvg(graph)}
<div class="flow-text">${tables.map((table) => tableText(table, isBroken))}</div>
${left.length > 0 ? html`<p class="soft">${left.join(" and ")} ${functions + entries === 1 ? "is" : "are"} not drawn; <code>trueup flow --table ${tables[0]!.table}</code> shows all.</p>` : null}
${findings.length > 0 ? html`<ul class="broken">${findings.slice(0, TOLD_MAX).map(findingItem)}</ul>` : null}</div></details>`;
}

function findingItem({ fingerprint, title, message }: Finding): Markup {
  return html`<li><span class="error" aria-hidden="true">✖</span> <a href="#f-${fingerprint}">${title}</a>: ${prose(message)}</li>`;
}

/** The picture in words: for small screens, and for who does not see it. */
function tableText(table: ReportFlowTable, isBroken: (fingerprints: readonly string[]) => boolean): Markup {
  const shown = table.accesses.slice(0, TOLD_MAX);
  const rest = table.accesses.length - shown.length;
  return html`<p><b class="mono">${table.table}</b>${table.rows === null ? "" : ` ${plural(table.rows, "row")}`}${isBroken(table.findings) ? html` <span class="error">✖</span>` : null}</p>
<ul>${shown.map((access) => accessText(access, isBroken(access.findings)))}${rest > 0 ? html`<li>and ${number(rest)} more</li>` : null}${table.accesses.length === 0 ? html`<li>no code reads or writes it</li>` : null}</ul>`;
}

function accessText({ mode, function: name, file, line, ways }: FlowAccess, broken: boolean): Markup {
  const entries = [
    ...new Set(ways.map((way) => (way.kind === "route" ? way.name : `${way.kind} ${way.name}`))),
  ];
  const told = entries.slice(0, ENTRIES_TOLD).join(", ");
  const rest = entries.length > ENTRIES_TOLD ? ` and ${number(entries.length - ENTRIES_TOLD)} more` : "";
  return html`<li>${broken ? html`<span class="error">✖ broken: </span>` : null}${mode === "write" ? "written" : "read"} by <span class="mono">${name}</span> <span class="soft mono">${file}:${line}</span>${entries.length > 0 ? html`<br><span class="soft">from</span> ${told}${rest}` : null}</li>`;
}

/** A piece of an arrow for the legend. */
function sample(style: string): Markup {
  const write = style.startsWith("write");
  return html`<svg class="flow sample" viewBox="0 0 34 10" width="34" height="10" aria-hidden="true"><path class="edge ${style}" d="M1 5H33"/><path class="arrow ${style}" d="${write ? "M34 5l-9 -4.5v9z" : "M0 5l9 -4.5v9z"}"/></svg>`;
}
