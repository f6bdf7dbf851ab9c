/** Which of the values that a local name is given can be the one at a line. */

import type { Expr, FunctionIR } from "./ir.ts";

/**
 * The values that reach a line of the same function, in order: none that is given later, and none that a later value
 * replaces in every case. All of them where none stands before, as in a loop. `isOpen` leaves out a value that is being
 * read: in `q = format(q)` the inner `q` is an earlier one.
 */
export function valuesAt(
  fn: FunctionIR,
  name: string,
  line: number,
  isOpen: (value: Expr) => boolean = () => false,
): readonly Expr[] {
  const values = fn.bindings.get(name) ?? [];
  const ends = fn.blockEnds?.get(name) ?? [];
  if (values.length < 2) return values;
  let last = -1;
  let sure = 0;
  values.forEach((value, i) => {
    if (value.at > line || isOpen(value)) return;
    last = i;
    if (value.at < line && (ends[i] ?? 0) >= line) sure = i;
  });
  return last < 0 ? values : values.slice(sure, last + 1);
}
