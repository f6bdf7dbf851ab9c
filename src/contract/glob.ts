/** Matches names and paths with the wildcards that people write: `*`, `**` and `?`. */

/**
 * Whether `text` matches the pattern. In a name `*` is anything; in a path `*` stays within one folder, `**` does not,
 * and a pattern that ends in `/` means all below it.
 */
export function globMatches(pattern: string, text: string, form: "name" | "path"): boolean {
  const whole = form === "path" && pattern.endsWith("/") ? `${pattern}**` : pattern.replace(/^\.\//, "");
  const one = form === "path" ? "[^/]" : ".";
  const source = whole.replace(/\*\*\/|\*\*|\*|\?|[\\^$.+()[\]{}|]/g, (token) => {
    if (token === "**/") return form === "path" ? "(?:.*/)?" : ".*/";
    if (token === "**") return ".*";
    if (token === "*") return `${one}*`;
    return token === "?" ? one : `\\${token}`;
  });
  return new RegExp(`^${source}$`, "su").test(text);
}
