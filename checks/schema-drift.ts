/** Columns or types that differ from an earlier or another state of the same schema. */

import { defineCheck } from "../src/contract/check.ts";
import type { Evidence, SchemaReference, Table } from "../src/contract/evidence.ts";
import type { FindingDraft } from "../src/contract/finding.ts";
import { plural } from "../src/contract/wording.ts";

interface Compared {
  /** The table's name in this audit. */
  name: string;
  input: string | null;
  reference: string;
  before: ReadonlyMap<string, string>;
  /** Null when the table is gone. */
  after: ReadonlyMap<string, string> | null;
}

/** Spellings of one type that databases and drivers use for each other. */
const SAME_TYPES: readonly (readonly string[])[] = [
  ["int", "int4", "integer", "serial", "mediumint"],
  ["int8", "bigint", "bigserial", "long"],
  ["int2", "smallint", "smallserial", "short"],
  ["float8", "double precision", "double", "real8"],
  ["float4", "real", "float"],
  ["bool", "boolean"],
  ["text", "varchar", "character varying", "string", "clob"],
  ["timestamptz", "timestamp with time zone"],
  ["timestamp", "timestamp without time zone", "datetime"],
  ["numeric", "decimal"],
  ["json", "jsonb"],
];

/** A type without its length, in one spelling. */
function plainType(type: string): string {
  const bare = type
    .toLowerCase()
    .replace(/\(.*?\)/g, "")
    .replace(/\s+/g, " ")
    .trim();
  return SAME_TYPES.find((group) => group.includes(bare))?.[0] ?? bare;
}

/** The name behind the input's: `prod.billing.usage` → `billing.usage`. */
function bareName(table: Table): string {
  return table.name.slice(table.name.indexOf(".") + 1);
}

/** Column → type; a column without a type was declared without one. */
function columnsOf(table: Table): Map<string, string> {
  return new Map(
    table.columns
      .filter((c) => !c.name.includes(".") || c.declared !== "")
      .map((c) => [c.name, c.declared || c.type]),
  );
}

function comparisons(evidence: Evidence, reference: SchemaReference): Compared[] {
  const names = new Set(reference.tables.map((t) => t.name));
  const tables = evidence.tables.filter((t) => t.form === "table");
  const inputs = reference.input
    ? [reference.input]
    : [...new Set(tables.filter((t) => names.has(bareName(t))).map((t) => t.input))];
  return inputs.flatMap((input) =>
    reference.tables.map((before): Compared => {
      const now = tables.find((t) => t.input === input && bareName(t) === before.name);
      return {
        name: now?.name ?? `${input}.${before.name}`,
        input,
        reference: reference.label,
        before: new Map(before.columns.map((c) => [c.name, c.type])),
        after: now ? columnsOf(now) : null,
      };
    }),
  );
}

export default defineCheck({
  id: "schema-drift",
  meta: {
    title: "The schema differs",
    severity: "warning",
    what: "Compares the tables and columns with those of another input (`--against`) or of the baseline, and reports columns that are gone, new or of another type, and tables that are gone.",
    why: "Two copies of a database that drifted apart answer the same query differently: in one system `status` was `validation_status` in half of the databases.",
    fix: "Run the migration that is missing, or change the code that still expects the old columns.",
    silent: [
      "The order of the columns differs.",
      "A type is spelled in another way (`int4` and `integer`) or has another length.",
      "Nothing is there to compare with.",
    ],
    needs: "a schema to compare with: --against INPUT, or a baseline",
  },
  options: {},
  targets: (evidence) => evidence.references.flatMap((reference) => comparisons(evidence, reference)),
  run: async (target, ctx) => {
    const location = { input: target.input, table: target.after ? target.name : null };
    const sql = `SELECT name, type, role FROM trueup.columns WHERE table_name = ${ctx.sql.literal(target.name)} ORDER BY name`;
    if (target.after === null)
      return [
        {
          title: "A table is gone",
          message: `${target.name} is not there; ${target.reference} has it with ${plural(target.before.size, "column")}.`,
          measure: { name: "missing_columns", value: target.before.size },
          evidence: { reference: target.reference, removed: [...target.before.keys()] },
          sql,
          location,
          key: "table",
        } satisfies FindingDraft,
      ];
    const { before, after } = target;
    const removed = [...before.keys()].filter((name) => !after.has(name));
    const added = [...after.keys()].filter((name) => !before.has(name));
    const changed = [...before].flatMap(([name, type]) => {
      const now = after.get(name);
      return now !== undefined && now !== "" && type !== "" && plainType(now) !== plainType(type)
        ? [{ column: name, before: type, after: now }]
        : [];
    });
    if (removed.length + added.length + changed.length === 0) return [];
    const parts = [
      removed.length > 0 ? `${removed.join(", ")} ${removed.length === 1 ? "is" : "are"} gone` : "",
      added.length > 0 ? `${added.join(", ")} ${added.length === 1 ? "is" : "are"} new` : "",
      ...changed.map((c) => `${c.column} is ${c.after} instead of ${c.before}`),
    ].filter((part) => part !== "");
    return [
      {
        title: "Columns differ",
        message: `Against ${target.reference}: ${parts.join("; ")}.`,
        measure: { name: "differing_columns", value: removed.length + added.length + changed.length },
        evidence: { reference: target.reference, removed, added, changed },
        sql,
        location,
        key: [...removed, ...added, ...changed.map((c) => c.column)].sort().join(","),
      },
    ];
  },
});
