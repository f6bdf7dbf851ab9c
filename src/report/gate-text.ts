/** What the text report tells of the baseline and of suppressions: states, what is fixed, notes on the run. */

import type { RenderOptions, Report } from "../contract/report.ts";
import { number, plural } from "../contract/wording.ts";
import { hanging, placeOf } from "./finding-text.ts";
import type { Paint } from "./layout.ts";
import { printable } from "./printable.ts";

/** Fixed findings told one by one; --verbose tells all. */
const LISTED_MAX = 10;

/** `2 new, 1 worse, 3 known, 1 fixed`, or nothing without a baseline. */
export function stateParts({ summary }: Report): string[] {
  const states = (["new", "worse", "known", "fixed"] as const)
    .filter((state) => summary[state] > 0)
    .map((state) => `${number(summary[state])} ${state}`);
  return states.length > 0 ? [states.join(", ")] : [];
}

/** Known findings were accepted: they are counted, and shown with --verbose. */
export function isHushed(finding: Report["findings"][number], options: RenderOptions): boolean {
  return finding.baseline === "known" && !options.verbose;
}

/** What is no longer there, a line each. */
export function fixedLines({ fixed }: Report, options: RenderOptions, paint: Paint): string[] {
  const shown = options.verbose ? fixed : fixed.slice(0, LISTED_MAX);
  const lines = shown.flatMap((finding) =>
    hanging(
      `${paint.green("✔")} fixed  `,
      "  ",
      printable(`${finding.title} · ${placeOf(finding)} · ${finding.check}`),
      options.width,
    ),
  );
  if (shown.length < fixed.length)
    lines.push(
      paint.dim(`  and ${plural(fixed.length - shown.length, "more", "more")}; --verbose shows them`),
    );
  return lines;
}

/** What trueup.yaml takes out of the report, with the reasons. */
export function suppressedLines({ suppressed }: Report, options: RenderOptions, paint: Paint): string[] {
  return suppressed.flatMap((finding) => {
    const { reason, until } = finding.suppression ?? { reason: "", until: null };
    const why = `${reason}${until === null ? "" : `, until ${until}`}`;
    const text = `${finding.title} · ${placeOf(finding)} · ${finding.check} (${why})`;
    return hanging(paint.dim("suppressed  "), "  ", printable(text), options.width);
  });
}

/** The notes on the run, a line each. */
export function noteLines({ notes }: Report, options: RenderOptions, paint: Paint): string[] {
  return notes.flatMap((note) => hanging(`${paint.dim("note:")} `, "  ", printable(note), options.width));
}
