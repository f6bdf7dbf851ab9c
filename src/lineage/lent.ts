/** Finds tables that code gives as values to code which may use them unseen: nobody can then say that nothing reads or writes them. */

import { MIGRATION_FILE } from "../contract/code.ts";
import type { AccessFact, DerivedFact } from "./facts.ts";
import type { Expr } from "./ir.ts";
import type { Model, Models } from "./models/models.ts";
import type { Place, Program } from "./program.ts";
import { type Call, calledName, type Site } from "./sites.ts";

/** Calls that are given a table and neither read nor write it: they describe, compare or tell. */
const DESCRIBES =
  /^(relations|create(Insert|Select|Update)Schema|isinstance|issubclass|ForeignKey\w*|references|log|info|warn|warning|error|debug|print|expect|describe|t|_|gettext|getLogger|Index|UniqueConstraint|index|create_table|createTable|drop_table|dropTable|hasTable|alias|aliased|eq|inArray|and|or|desc|asc|getattr|hasattr)$/;
/** Calls that only read what they are given; an access that they make is found as one. */
const READS =
  /^(select|select_from|query|from|from_|join|outerjoin|\w+Join|filter|filter_by|where|get|exists|count|find\w*|load_only|selectinload|joinedload|subqueryload|contains_eager|options)$/;

/** One row for each table that is given away (`lent`), and each whose objects are made (`made`: they may be stored). */
export function lentTables(
  program: Program,
  models: Models,
  sites: readonly Site[],
  accesses: readonly AccessFact[],
  declared: ReadonlySet<string>,
): DerivedFact[] {
  const found = new Map<string, DerivedFact>();
  const classes = new Set(models.all.map((model) => model.declaredAs));
  const known = new Set(accesses.map((one) => `${one.file} ${one.line} ${one.table_name}`));
  const add = (how: "lent" | "made", target: string, file: string, line: number) => {
    if (!known.has(`${file} ${line} ${target}`) && !found.has(`${how} ${target}`))
      found.set(`${how} ${target}`, { target, source: "", how, file, line });
  };
  const byClass = new Map<string, Model>(models.all.map((model) => [model.declaredAs, model]));
  for (const { place, expr } of sites) {
    if (expr.k !== "call") continue;
    const { file, isTest } = program.module(place.m);
    if (isTest || MIGRATION_FILE.test(file)) continue;
    const made = classes.has(calledName(expr)) ? models.of(program, place, expr.callee) : null;
    if (made) add("made", made.table, file, expr.at);
    const name = calledName(expr);
    if (DESCRIBES.test(name) || READS.test(name)) continue;
    for (const { value, isListed } of valuesOf(expr)) {
      const text = textOf(value);
      if (text === null) {
        const model = modelOf(program, models, classes, place, value);
        if (model) add("lent", model.table, file, expr.at);
      } else if (name === "relationship") {
        const table = byClass.get(text)?.table ?? (declared.has(text) ? text : null);
        if (table) add("lent", table, file, expr.at);
        // A name among others in a list says which tables there are, not that this call uses it.
      } else if (!isListed && /_|[a-z][A-Z]/.test(text) && declared.has(text))
        add("lent", text, file, expr.at);
    }
  }
  return [...found.values()];
}

interface Given {
  value: Expr;
  isListed: boolean;
}

/** What a call is given, inside of lists, objects and named arguments too. */
function valuesOf(call: Call): Given[] {
  const inside = (value: Expr, depth: number, isListed: boolean): Given[] => {
    if (value.k === "named") return inside(value.of, depth, isListed);
    if (depth > 0 && value.k === "list") return value.items.flatMap((one) => inside(one, depth - 1, true));
    if (depth > 0 && value.k === "object")
      return value.entries.flatMap((one) => inside(one.value, depth - 1, isListed));
    return [{ value, isListed }];
  };
  return call.args.flatMap((arg) => inside(arg, 2, false));
}

function textOf(expr: Expr): string | null {
  return expr.k === "text" && expr.parts.length === 1 && typeof expr.parts[0] === "string"
    ? expr.parts[0]
    : null;
}

/** The model that a name or a member stands for; its object, made by a call, is another thing. */
function modelOf(
  program: Program,
  models: Models,
  classes: ReadonlySet<string>,
  place: Place,
  expr: Expr,
): Model | null {
  if ((expr.k !== "name" && expr.k !== "member") || !classes.has(expr.name)) return null;
  return models.of(program, place, expr);
}
