/** The roles a column can have: what a value means, whatever its system calls it. */

export const ROLES = [
  "time",
  "end_time",
  "id",
  "parent_id",
  "session_id",
  "input_tokens",
  "output_tokens",
  "total_tokens",
  "reasoning_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "cost",
  "model",
  "provider",
  "status",
  "user",
  "credential",
] as const;

export type Role = (typeof ROLES)[number];

/** Roles whose values are token counts. */
export const TOKEN_ROLES = [
  "input_tokens",
  "output_tokens",
  "total_tokens",
  "reasoning_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
] as const satisfies readonly Role[];

export type TokenRole = (typeof TOKEN_ROLES)[number];

/** The DuckDB type each role has in a usage relation. Times are UTC without a zone; costs are exact. */
export const ROLE_TYPES: Readonly<Record<Exclude<Role, "credential">, string>> = {
  time: "TIMESTAMP",
  end_time: "TIMESTAMP",
  id: "VARCHAR",
  parent_id: "VARCHAR",
  session_id: "VARCHAR",
  input_tokens: "BIGINT",
  output_tokens: "BIGINT",
  total_tokens: "BIGINT",
  reasoning_tokens: "BIGINT",
  cache_read_tokens: "BIGINT",
  cache_write_tokens: "BIGINT",
  cost: "DECIMAL(38,12)",
  model: "VARCHAR",
  provider: "VARCHAR",
  status: "VARCHAR",
  user: "VARCHAR",
};
