/** The few SQL expressions that engines spell differently; a store's dialect writes them. */

export interface SqlDialect {
  /** Seconds from `a` to `b` (two TIMESTAMP expressions), as DOUBLE. */
  seconds_between(a: string, b: string): string;
  /** The start of the bucket of `seconds` that the TIMESTAMP `time` falls into. */
  bucket(time: string, seconds: number): string;
  /** The `q` quantile (0 to 1) of a numeric expression, exact. */
  quantile(expression: string, q: number): string;
  /** True where the text matches the regular expression (RE2 syntax), anywhere in it. */
  matches(text: string, pattern: string): string;
  /** The text with every match of the regular expression (RE2 syntax) replaced; `\1` is its first group. */
  substitute(text: string, pattern: string, replacement: string): string;
  /** A 64-bit hash of several values, NULL included: equal for equal values, and by rare chance for others. */
  hash(expressions: readonly string[]): string;
  /** The value of `value` in the row where `by` is greatest. */
  arg_max(value: string, by: string): string;
  /** An identifier, quoted. */
  ident(name: string): string;
  /** A string, number, boolean or null as a literal. */
  literal(value: string | number | boolean | null): string;
}
