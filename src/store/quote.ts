/** Names and values from inputs are hostile: this is the only way they enter SQL. */

/** An identifier in double quotes, inner quotes doubled. NULs, which no engine takes, become U+FFFD. */
export function ident(name: string): string {
  return `"${name.replaceAll("\0", "\uFFFD").replaceAll('"', '""')}"`;
}

/** `"schema"."table"`. */
export function qualified(schema: string, table: string): string {
  return `${ident(schema)}.${ident(table)}`;
}

/** A value as an SQL literal. */
export function literal(value: string | number | boolean | null): string {
  if (value === null) return "NULL";
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : "NULL";
  if (typeof value === "boolean") return value ? "TRUE" : "FALSE";
  return `'${value.replaceAll("\0", "\uFFFD").replaceAll("'", "''")}'`;
}

/** An ISO time in UTC as a TIMESTAMP. */
export function timestamp(instant: string): string {
  return `TIMESTAMP ${literal(instant.replace("T", " ").replace(/Z$/, ""))}`;
}
