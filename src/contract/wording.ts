/** How findings spell numbers and instants: one way for all checks. */

import type { Instant } from "./evidence.ts";
import type { Value } from "./finding.ts";

/** `1234567` → `1,234,567`; fractions keep up to three digits. */
export function number(value: Value | undefined): string {
  if (typeof value !== "number" && typeof value !== "bigint") return String(value ?? "–");
  const [whole = "0", fraction] = (
    typeof value === "bigint" ? value.toString() : String(Number(value.toFixed(3)))
  ).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ",");
  return fraction ? `${grouped}.${fraction}` : grouped;
}

/** `plural(1, "row")` → `1 row`; `plural(94, "row")` → `94 rows`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${number(count)} ${count === 1 ? one : many}`;
}

/** `0.98947` → `98.9 %`; never rounds something to 0 % or something missing to 100 %. */
export function percent(ratio: number): string {
  const rounded = Math.round(ratio * 1000) / 10;
  if (rounded === 0 && ratio > 0) return "< 0.1 %";
  if (rounded === 100 && ratio < 1) return "> 99.9 %";
  return `${rounded} %`;
}

/** `2025-11-23T16:30:35.5Z` → `2025-11-23 16:30:35`. */
export function instant(time: Instant | Value | undefined): string {
  const match = /^(-?\d{4,}-\d\d-\d\d)T(\d\d:\d\d:\d\d)/.exec(String(time ?? ""));
  return match ? `${match[1]} ${match[2]}` : String(time ?? "–");
}

/** Seconds as the two largest units: `6 d 23 h`, `42 min`. */
export function duration(seconds: number): string {
  const units: [string, number][] = [
    ["d", 86400],
    ["h", 3600],
    ["min", 60],
    ["s", 1],
  ];
  let rest = Math.round(seconds);
  const parts: string[] = [];
  for (const [unit, size] of units) {
    const count = Math.floor(rest / size);
    if (count > 0 || (unit === "s" && parts.length === 0)) parts.push(`${count} ${unit}`);
    else if (parts.length > 0) break;
    rest -= count * size;
    if (parts.length === 2) break;
  }
  return parts.join(" ");
}

/** `1288490188` → `1.3 GB`. */
export function size(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  return `${Number((bytes / 1000 ** power).toFixed(1))} ${units[power]}`;
}
