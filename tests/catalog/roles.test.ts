import { describe, expect, test } from "vitest";
import { grainOf } from "../../src/catalog/grain.ts";
import { inferRoles } from "../../src/catalog/roles.ts";
import type { Value } from "../../src/contract/finding.ts";
import type { ColumnProfile } from "../../src/contract/loaded.ts";
import { type ColumnCase, SPELLINGS, SYSTEMS, TIME_NAMES } from "./systems.ts";

function profile(name: string, given: Value[] | ColumnCase): ColumnProfile {
  const one: ColumnCase = Array.isArray(given) ? { values: given } : given;
  return {
    name,
    declared: one.declared ?? "",
    primaryKey: one.primaryKey ?? false,
    references: one.references ?? null,
    sample: one.values,
  };
}

function rolesOf(table: string, columns: Record<string, Value[] | ColumnCase>) {
  const { context, guesses } = inferRoles(
    table,
    Object.entries(columns).map(([name, one]) => profile(name, one)),
  );
  const held = new Map(
    guesses.flatMap((one) =>
      one.role && one.role !== "credential" ? [[one.role, one.candidate] as const] : [],
    ),
  );
  return { roles: new Map(guesses.map((g) => [g.candidate.name, g.role])), grain: grainOf(context, held) };
}

describe.each(SYSTEMS)("$system", ({ table, columns, roles, none, absent, grain }) => {
  const inferred = rolesOf(table, columns);
  const { credential = [], ...expected } = roles;

  test("has its roles", () => {
    const found: Record<string, string> = {};
    for (const [column, role] of inferred.roles)
      if (role && role !== "credential" && role in expected) found[role] = column;
    expect(found).toEqual(expected);
  });

  test("has its credentials and no others", () => {
    expect([...inferred.roles].filter(([, role]) => role === "credential").map(([column]) => column)).toEqual(
      credential,
    );
  });

  test.runIf(none || absent)("gives no role to what is no usage", () => {
    const wrong = (none ?? []).flatMap((column) => {
      const role = inferred.roles.get(column);
      return role ? [`${column}: ${role}`] : [];
    });
    const unwanted = [...inferred.roles].filter(([, role]) => role && absent?.includes(role));
    expect([...wrong, ...unwanted]).toEqual([]);
  });

  test.runIf(grain !== undefined)("has its grain", () => {
    expect(inferred.grain).toBe(grain);
  });
});

describe("one column beside a model, an id and a time", () => {
  const ids = ["a", "b", "c", "d", "e"].map((c) => c.repeat(12));
  const times = [1, 2, 3, 4, 5].map((n) => `2026-01-15T09:0${n}:12Z`);

  test.each(SPELLINGS.map(([name, values, role]) => ({ name, values, role })))(
    "$name, values like $values.0: $role",
    ({ name, values, role }) => {
      expect(rolesOf("calls", { id: ids, timestamp: times, [name]: values }).roles.get(name)).toBe(role);
    },
  );

  test.each(TIME_NAMES.map(([name, values]) => ({ name, values })))(
    "$name, values like $values.0: time",
    ({ name, values }) => {
      expect(rolesOf("calls", { id: ids, [name]: values }).roles.get(name)).toBe("time");
    },
  );
});
