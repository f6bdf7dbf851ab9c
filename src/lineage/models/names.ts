/** How frameworks name tables: snake case and the plurals of English. */

/** `usageRecord`, `HTTPLog`, `APIKey2` → `usage_record`, `http_log`, `api_key2`. */
export function snakeCase(name: string): string {
  return name
    .replace(/([\p{Ll}\d])(\p{Lu})/gu, "$1_$2")
    .replace(/(\p{Lu}+)(\p{Lu}\p{Ll})/gu, "$1_$2")
    .replace(/[\s-]+/g, "_")
    .toLowerCase();
}

const UNCOUNTABLE =
  /(?:^|_)(equipment|information|rice|money|species|series|fish|sheep|police|news|data|metadata|media|feedback|staff)$/i;
const IRREGULAR: [RegExp, string][] = [
  [/person$/i, "people"],
  [/man$/i, "men"],
  [/child$/i, "children"],
  [/(m|l)ouse$/i, "$1ice"],
  [/ox$/i, "oxen"],
  [/quiz$/i, "quizzes"],
  [/(matr|vert|ind)(?:ix|ex)$/i, "$1ices"],
  [/(x|ch|ss|sh)$/i, "$1es"],
  [/([^aeiouy]|qu)y$/i, "$1ies"],
  [/(hive)$/i, "$1s"],
  [/(?:([^f])fe|([lr])f)$/i, "$1$2ves"],
  [/sis$/i, "ses"],
  [/([ti])um$/i, "$1a"],
  [/(buffal|tomat|potat|her)o$/i, "$1oes"],
  [/(bu|statu|alia|viru)s$/i, "$1ses"],
  [/(octop)us$/i, "$1i"],
  [/(ax|test)is$/i, "$1es"],
  [/s$/i, "s"],
];

/** The plural as Rails, GORM and Sequelize form it. */
export function pluralOf(word: string): string {
  if (UNCOUNTABLE.test(word)) return word;
  for (const [pattern, replacement] of IRREGULAR)
    if (pattern.test(word)) return word.replace(pattern, replacement);
  return `${word}s`;
}
