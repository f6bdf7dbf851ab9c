/** How DuckDB spells the few expressions that engines spell differently. */

import type { SqlDialect } from "../contract/sql.ts";
import { ident, literal } from "./quote.ts";

export const duckdbDialect: SqlDialect = {
  seconds_between: (a, b) => `((epoch_us(${b}) - epoch_us(${a})) / 1000000.0)`,
  bucket: (time, seconds) => `time_bucket(INTERVAL ${Math.max(1, Math.round(seconds))} SECOND, ${time})`,
  quantile: (expression, q) => `quantile_cont(${expression}, ${q})`,
  matches: (text, pattern) => `regexp_matches(${text}, ${literal(pattern)})`,
  substitute: (text, pattern, replacement) =>
    `regexp_replace(${text}, ${literal(pattern)}, ${literal(replacement)}, 'g')`,
  hash: (expressions) => `hash(${expressions.join(", ")})`,
  arg_max: (value, by) => `arg_max(${value}, ${by})`,
  ident,
  literal,
};
