import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { singular, wordsOf } from "../../src/catalog/names.ts";
import { inferRoles } from "../../src/catalog/roles.ts";
import type { ColumnProfile } from "../../src/contract/loaded.ts";
import { SYSTEMS } from "./systems.ts";

const column = (name: string, sample: ColumnProfile["sample"]): ColumnProfile => ({
  name,
  declared: "",
  primaryKey: false,
  references: null,
  sample,
});

describe("words of a name", () => {
  test.each([
    ["promptTokens", "prompt tokens"],
    ["PROMPT_TOKENS", "prompt tokens"],
    ["LLMTokenCount", "llm token count"],
    ["modelID", "model id"],
    ["gen_ai.usage.input_tokens", "gen ai usage input tokens"],
    ["usage_details['input']", "usage details input"],
    ["inputtokens", "input tokens"],
    ["createdat", "created at"],
    ["timestamp", "timestamp"],
    ["important", "important"],
    ["größeTokens", "größe tokens"],
    ["@timestamp", "timestamp"],
  ])("%s → %s", (name, words) => {
    expect(wordsOf(name).join(" ")).toBe(words);
  });

  test.each([
    ["messages", "message"],
    ["queries", "query"],
    ["status", "status"],
    ["access", "access"],
    ["batches", "batch"],
    ["logs", "log"],
  ])("one of %s is a %s", (many, one) => {
    expect(singular(many)).toBe(one);
  });
});

const WORDS = [
  "prompt",
  "input",
  "output",
  "completion",
  "total",
  "cached",
  "reasoning",
  "tokens",
  "token",
  "count",
  "created",
  "started",
  "at",
  "time",
  "session",
  "parent",
  "id",
  "model",
  "name",
  "cost",
  "status",
  "user",
  "limit",
  "max",
  "api",
  "key",
];
const spellings: readonly ((words: string[]) => string)[] = [
  (words) => words.join("_"),
  (words) => words.join("-"),
  (words) => words.join("_").toUpperCase(),
  (words) => words.map((w, i) => (i === 0 ? w : w[0]!.toUpperCase() + w.slice(1))).join(""),
  (words) => words.map((w) => w[0]!.toUpperCase() + w.slice(1)).join(""),
];
const samples = fc.constantFrom<ColumnProfile["sample"]>(
  [1, 2, 300],
  ["a", "b", null],
  ["2026-01-15T09:01:12Z", "2026-01-15T09:02:12Z"],
  [true, false],
  [],
);

test("a name has the same role however its words are joined", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.constantFrom(...WORDS), { minLength: 1, maxLength: 4 }),
      samples,
      (words, sample) => {
        const roles = spellings.map(
          (spell) => inferRoles("calls", [column(spell(words), sample)]).guesses[0]?.role,
        );
        expect(new Set(roles).size).toBe(1);
      },
    ),
  );
});

test("the order of columns does not matter where confidences differ", () => {
  const tables = SYSTEMS.map((system) => ({
    table: system.table,
    columns: Object.entries(system.columns).map(([name, one]): ColumnProfile => {
      const given = Array.isArray(one) ? { values: one } : one;
      return {
        ...column(name, given.values),
        primaryKey: given.primaryKey ?? false,
        references: given.references ?? null,
      };
    }),
  }));
  const rolesOf = (table: string, columns: ColumnProfile[]) =>
    new Map(
      inferRoles(table, columns).guesses.flatMap((g) =>
        g.role && g.role !== "credential" ? [[g.role, g] as const] : [],
      ),
    );
  fc.assert(
    fc.property(
      fc.constantFrom(...tables),
      fc.array(fc.nat(), { minLength: 30, maxLength: 30 }),
      ({ table, columns }, keys) => {
        const shuffled = columns
          .map((c, i) => [c, keys[i] ?? 0] as const)
          .sort((a, b) => a[1] - b[1])
          .map(([c]) => c);
        const [one, two] = [rolesOf(table, columns), rolesOf(table, shuffled)];
        expect([...two.keys()].sort()).toEqual([...one.keys()].sort());
        for (const [role, guess] of one) {
          const other = two.get(role)!;
          expect(other.confidence).toBe(guess.confidence);
        }
      },
    ),
  );
});

test("roles of any columns at all: at most one column each, no exception", () => {
  const value = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.json(),
    fc.bigInt(),
  );
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.string(), fc.array(value as fc.Arbitrary<string | number | null>))),
      fc.string(),
      (columns, table) => {
        const { guesses } = inferRoles(
          table,
          columns.map(([name, sample]) => column(name, sample)),
        );
        const roles = guesses.flatMap((g) => (g.role && g.role !== "credential" ? [g.role] : []));
        expect(new Set(roles).size).toBe(roles.length);
      },
    ),
  );
});
