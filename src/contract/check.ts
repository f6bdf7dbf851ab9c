/** A check: which targets it looks at, and the query that finds one defect in them. */

import type { Evidence, Instant } from "./evidence.ts";
import type { FindingDraft, Row, Severity } from "./finding.ts";
import type { RepairPlan } from "./repair.ts";
import type { SqlDialect } from "./sql.ts";

export type OptionValue = number | string | boolean | string[];

export interface OptionSpec {
  describe: string;
  default: OptionValue;
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

type Widen<T> = T extends number
  ? number
  : T extends boolean
    ? boolean
    : T extends string
      ? string
      : string[];
export type OptionsOf<S extends OptionSpecs> = { readonly [K in keyof S]: Widen<S[K]["default"]> };

export interface CheckMeta {
  /** The defect in a few words. */
  title: string;
  severity: Severity;
  /** What it looks for. Markdown, one paragraph. */
  what: string;
  /** Why that is a defect, and where it was seen. */
  why: string;
  /** What to do about it. */
  fix: string;
  /** When it fires and when it stays silent: the near misses, one sentence each. */
  silent: readonly string[];
  /** What evidence it needs, completing "needs …": shown when nothing qualifies. */
  needs: string;
}

/** A check without its code. */
export interface CheckInfo {
  id: string;
  meta: CheckMeta;
  options: OptionSpecs;
}

/** What a check is run on. `name` stands in outcomes and findings. */
export interface Target {
  name: string;
}

/** A target that a check looked at and could not judge; the outcome is `skipped` with this reason. */
export class Skip {
  readonly reason: string;
  constructor(reason: string) {
    this.reason = reason;
  }
}

export interface CheckContext<S extends OptionSpecs = OptionSpecs> {
  options: OptionsOf<S>;
  now: Instant;
  evidence: Evidence;
  sql: SqlDialect;
  /** Rows of one SELECT. Timestamps come as ISO text, bigints past 2^53 as bigint. */
  query(sql: string, params?: readonly (string | number | boolean | null)[]): Promise<Row[]>;
  /** As `query`, for sample rows: at most five, the SQL must have ORDER BY; empty with --no-samples. */
  samples(sql: string): Promise<Row[]>;
}

export interface Check<S extends OptionSpecs = OptionSpecs, T extends Target = Target> {
  /** The file's name: names the defect, not the remedy. */
  id: string;
  meta: CheckMeta;
  options: S;
  targets(evidence: Evidence): readonly T[];
  run(target: T, ctx: CheckContext<S>): Promise<readonly FindingDraft[] | Skip>;
  /** Its SQL is a user's: each text must be one SELECT and nothing else. */
  own?: boolean;
  /** What of the defect can be put right from the evidence; null when the target cannot have it. */
  repair?(target: T, ctx: CheckContext<S>): Promise<RepairPlan | null>;
}

/** Declares a check; only gives it its types. */
export function defineCheck<const S extends OptionSpecs, T extends Target>(check: Check<S, T>): Check<S, T> {
  return check;
}

/** A check whose option and target types do not matter to the holder. */
// biome-ignore lint/suspicious/noExplicitAny: a heterogeneous list of checks has no other common type
export type AnyCheck = Check<any, any>;
