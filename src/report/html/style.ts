/** The page's look: light and dark, readable on a phone, quiet on paper. */

export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #fbfbfa; --card: #ffffff; --ink: #1d2327; --soft: #59646d; --line: #dfe3e6; --code: #f2f4f5;
  --error: #b3261e; --warning: #8a5a00; --info: #1f5fa8; --good: #1f7a4d; --bar: #2f7f86; --gap: #b3261e; --edge: #98a3ab;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14181b; --card: #1c2226; --ink: #e6eaec; --soft: #a3aeb6; --line: #323b41; --code: #12171a;
    --error: #ff8a80; --warning: #f0b95b; --info: #8ab8f0; --good: #6fcf9f; --bar: #62b6bd; --gap: #ff8a80; --edge: #5d6a73;
  }
}
* { box-sizing: border-box; }
body { margin: 0; overflow-wrap: anywhere; background: var(--ground); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
header, main, footer { max-width: 72rem; margin: 0 auto; padding: .6rem clamp(1rem, 3vw, 2rem); }
h1 { font-size: 1.6rem; line-height: 1.25; margin: .4rem 0; }
h2 { font-size: 1.2rem; margin: 1.8rem 0 .6rem; }
main > h2:first-child { margin-top: 0; }
h3 { font-size: 1rem; margin: 1.2rem 0 .4rem; }
p { margin: .4rem 0; }
a { color: var(--info); }
code, pre, .mono { font: .875rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
pre { background: var(--code); border: 1px solid var(--line); border-radius: 6px; padding: .7rem .9rem; margin: .3rem 0;
  white-space: pre-wrap; overflow-wrap: anywhere; }
.soft { color: var(--soft); }
.skip { position: absolute; left: -100rem; }
.skip:focus { left: 1rem; top: .5rem; background: var(--card); padding: .4rem .8rem; z-index: 2; }
.counts { display: flex; flex-wrap: wrap; gap: .6rem; padding: 0; margin: 1rem 0; list-style: none; }
.counts li { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .5rem 1rem; min-width: 7rem; }
.counts b { display: block; font-size: 1.5rem; line-height: 1.2; }
.error { color: var(--error); } .warning { color: var(--warning); } .info { color: var(--info); } .good { color: var(--good); }
.filters { display: flex; flex-wrap: wrap; gap: .6rem 1.2rem; align-items: end; padding: .8rem 1rem; margin: .6rem 0 1rem;
  background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
.filters label, .filters legend { font-size: .875rem; color: var(--soft); display: block; }
.filters fieldset { border: 0; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: .2rem .9rem; }
.filters fieldset label { display: inline-flex; gap: .35rem; align-items: center; color: var(--ink); min-height: 2rem; }
.filters input[type=search], .filters select { font: inherit; padding: .35rem .5rem; min-width: 12rem; max-width: 100%;
  color: var(--ink); background: var(--ground); border: 1px solid var(--soft); border-radius: 6px; }
button { font: inherit; font-size: .875rem; color: var(--ink); background: var(--card); border: 1px solid var(--soft);
  border-radius: 6px; padding: .25rem .7rem; cursor: pointer; }
:focus-visible { outline: 3px solid var(--info); outline-offset: 2px; }
.finding { background: var(--card); border: 1px solid var(--line); border-left: 4px solid currentColor; border-radius: 8px;
  margin: .8rem 0; }
/* Thousands of closed cards are laid out only when they come into view. */
.many .finding:not([open]) { content-visibility: auto; contain-intrinsic-size: auto 4.2rem; }
.finding > * { color: var(--ink); }
summary { cursor: pointer; }
.finding > summary { padding: .7rem 1rem; }
.finding .title { font-weight: 600; }
.finding .where { display: block; color: var(--soft); overflow-wrap: anywhere; }
.finding .body { padding: 0 1rem 1rem; }
.tag { display: inline-block; font-size: .8125rem; border: 1px solid currentColor; border-radius: 999px; padding: 0 .5rem; margin-right: .4rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .875rem; min-width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .7rem .3rem 0; border-bottom: 1px solid var(--line); }
td { overflow-wrap: anywhere; min-width: 4rem; }
.rows td { white-space: nowrap; }
th[scope=row] { white-space: normal; overflow-wrap: anywhere; min-width: 7rem; }
th { color: var(--soft); font-weight: 600; white-space: nowrap; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
svg { display: block; width: 100%; min-width: 34rem; max-width: 47.5rem; height: auto; }
svg text { fill: var(--soft); font: 12px system-ui, sans-serif; }
svg .count { fill: var(--bar); } svg .silence { fill: var(--gap); opacity: .16; } svg .mark { stroke: var(--gap); stroke-width: 1.5; }
nav { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; }
nav a { padding: .2rem 0; }
.flow-group { background: var(--card); border: 1px solid var(--line); border-radius: 8px; margin: .8rem 0; }
.flow-group summary { padding: .7rem 1rem; }
.flow-group summary .mono { font-weight: 600; }
.flow-group .body { padding: .2rem 1rem 1rem; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.4rem; }
.legend span { display: inline-flex; gap: .45rem; align-items: center; }
svg.flow { min-width: 0; max-width: none; }
svg.sample { display: inline-block; width: 34px; flex: none; }
svg.flow .head { font-weight: 600; font-size: 12px; }
svg.flow .name { fill: var(--ink); font-size: 12.5px; } svg.flow .note { font-size: 10.5px; }
svg.flow .node rect { fill: var(--ground); stroke: var(--line); stroke-width: 1.2; }
svg.flow .table rect { fill: var(--code); stroke: var(--soft); } svg.flow .table .name { font-weight: 600; }
svg.flow .node.broken rect { stroke: var(--gap); }
svg.flow .edge { fill: none; stroke: var(--edge); stroke-width: 1.3; }
svg.flow .write { stroke: var(--bar); stroke-width: 1.8; } svg.flow .read { stroke: var(--info); }
svg.flow .arrow { stroke: none; } svg.flow .arrow.write { fill: var(--bar); } svg.flow .arrow.read { fill: var(--info); }
svg.flow .edge.broken { stroke: var(--gap); stroke-width: 1.5; } svg.flow .edge.broken:not(.call) { stroke-dasharray: 6 4; stroke-width: 2; }
svg.flow .arrow.broken { fill: var(--gap); }
svg.flow .cross circle { fill: var(--card); stroke: var(--gap); stroke-width: 1.5; } svg.flow .cross path { stroke: var(--gap); stroke-width: 2; }
.flow-group ul { margin: .4rem 0; padding-left: 1.2rem; }
.flow-group ul.broken { list-style: none; padding: 0; }
.flow-group ul.broken li { border-top: 1px solid var(--line); padding: .45rem 0; }
.flow-text { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media screen and (max-width: 46rem) {
  .flow-group svg { display: none; }
  .flow-text { position: static; width: auto; height: auto; clip-path: none; white-space: normal; }
  .flow-text li { padding: .15rem 0; }
}
.causes { list-style: none; padding: 0; }
.causes li { border-top: 1px solid var(--line); padding: .5rem 0; }
.score { display: inline-block; min-width: 3.2rem; font-weight: 600; }
[hidden] { display: none !important; }
@media print {
  body { background: #fff; font-size: 11pt; } .filters, button, .skip { display: none; }
  .finding { break-inside: avoid; content-visibility: visible !important; }
}
`;
