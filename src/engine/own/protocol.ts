/** The messages between trueup and the process that runs an own check. */

import type { OptionSpecs, OptionValue } from "../../contract/check.ts";
import type { Evidence, UsageRelation } from "../../contract/evidence.ts";
import type { Row } from "../../contract/finding.ts";
import type { Role } from "../../contract/roles.ts";

type Parameters = readonly (string | number | boolean | null)[];

/** A usage relation without its functions, which cannot be sent. */
export type SentUsage = Omit<UsageRelation, "has" | "columnOf" | "roles"> & {
  sources: [Role, number | null][];
};
export type SentEvidence = Omit<Evidence, "usage"> & { usage: SentUsage[] };

export type ToChild =
  | { kind: "start"; source: string; file: string; evidence: SentEvidence | null }
  | { kind: "run"; target: number; options: Record<string, OptionValue> }
  | { kind: "reply"; call: number; rows: Row[] | null; error: string | null };

export type FromChild =
  | { kind: "started"; id: unknown; meta: unknown; options: OptionSpecs; targets: string[] }
  | { kind: "call"; call: number; method: "query" | "samples"; sql: string; params: Parameters }
  | { kind: "done"; findings: unknown[] | null; skip: string | null }
  | { kind: "failed"; error: string };

/** The evidence as it is sent. */
export function sentEvidence(evidence: Evidence): SentEvidence {
  return {
    ...evidence,
    usage: evidence.usage.map(({ has: _has, columnOf, roles, ...rest }) => ({
      ...rest,
      sources: [...roles].map((role) => {
        const column = columnOf(role);
        return [
          role,
          column === null
            ? null
            : rest.table.columns.findIndex(
                (one) => one === column || (one.name === column.name && one.role === column.role),
              ),
        ];
      }),
    })),
  };
}

/** The evidence as a check sees it. */
export function receivedEvidence(sent: SentEvidence): Evidence {
  return {
    ...sent,
    usage: sent.usage.map(({ sources, ...rest }) => {
      const columns = new Map(sources);
      return {
        ...rest,
        roles: new Set(columns.keys()),
        has: (...roles) => roles.every((role) => columns.has(role)),
        columnOf: (role) => rest.table.columns[columns.get(role) ?? -1] ?? null,
      };
    }),
  };
}
