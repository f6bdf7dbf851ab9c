/** Takes out of a report the findings that trueup.yaml accepts for a reason, while that reason holds. */

import type { Suppression } from "../contract/accepted.ts";
import type { Input } from "../contract/evidence.ts";
import type { Finding } from "../contract/finding.ts";
import { globMatches } from "../contract/glob.ts";
import type { SuppressedFinding } from "../contract/report.ts";
import { pathOf } from "../contract/tree.ts";
import { plural } from "../contract/wording.ts";

export interface Suppressed {
  findings: Finding[];
  suppressed: SuppressedFinding[];
  /** Suppressions that no longer hold, and what comes back with them. */
  notes: string[];
}

/** The first suppression that fits and still holds on `now` (its UTC day) takes a finding out. */
export function suppress(
  findings: readonly Finding[],
  suppressions: readonly Suppression[],
  inputs: readonly Input[],
  now: string,
): Suppressed {
  const today = now.slice(0, 10);
  const ended = (one: Suppression) => one.until !== null && one.until < today;
  const result: Suppressed = { findings: [], suppressed: [], notes: [] };
  for (const finding of findings) {
    const by = suppressions.find((one) => !ended(one) && fits(one, finding, inputs));
    if (by === undefined) result.findings.push(finding);
    else result.suppressed.push({ ...finding, suppression: { reason: by.reason, until: by.until } });
  }
  for (const one of suppressions.filter(ended)) {
    const back = result.findings.filter((finding) => fits(one, finding, inputs)).length;
    const what = [one.check, one.table, one.path].filter((part) => part !== null).join(", ");
    result.notes.push(
      `The suppression of ${what} ended on ${one.until} (${one.reason}); ${back === 0 ? "nothing needs it, remove it" : `${plural(back, "finding counts", "findings count")} again`}.`,
    );
  }
  return result;
}

function fits(one: Suppression, finding: Finding, inputs: readonly Input[]): boolean {
  const { check, table, path } = one;
  const { location, target } = finding;
  if (check !== null && !globMatches(check, finding.check, "name")) return false;
  if (table !== null) {
    const name = location.table ?? target;
    const names = [name, name.slice(name.indexOf(".") + 1), target];
    if (!names.some((candidate) => globMatches(table, candidate, "name"))) return false;
  }
  if (path === null) return true;
  const input = inputs.find((candidate) => candidate.name === location.input);
  const whole = input?.path ?? null;
  const { file } = location;
  const paths = file === null ? [whole] : [file, input ? pathOf(input, file) : null, whole];
  return paths.some(
    (candidate) =>
      candidate !== null &&
      (globMatches(path, candidate, "path") || globMatches(`${path}/**`, candidate, "path")),
  );
}
