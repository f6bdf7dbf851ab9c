/** Reads counts as people write them. */

/** `1,775` → 1775, `3.1k` → 3100, `''` → NULL. */
export function countSql(text: string): string {
  return `CASE WHEN ${text} = '' THEN NULL WHEN regexp_matches(${text}, '[kKmM]$')
    THEN CAST(round(TRY_CAST(regexp_replace(${text}, '[,_ kKmM]', '', 'g') AS DOUBLE)
      * CASE WHEN lower(right(${text}, 1)) = 'k' THEN 1000 ELSE 1000000 END) AS BIGINT)
    ELSE TRY_CAST(translate(${text}, ',_ ', '') AS BIGINT) END`;
}
