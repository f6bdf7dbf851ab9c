/** Splits column names into words, so that `promptTokens`, `prompt_tokens` and `PromptTokens` are one name. */

/** `usageDetails.cacheRead` → `["usage", "details", "cache", "read"]`. */
export function wordsOf(name: string): string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replace(/([A-Z]+)([A-Z][a-z])/g, "$1 $2")
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== "")
    .map((word) => word.toLowerCase());
}
