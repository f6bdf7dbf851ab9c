/** Tables that migrations make, change and drop by calls: Alembic, Django, knex, Kysely, Sequelize and TypeORM. */

import { constantOf } from "./access/emit.ts";
import type { DerivedFact, TableFact } from "./facts.ts";
import type { Expr } from "./ir.ts";
import type { Place, Program } from "./program.ts";
import { type Call, calledName, chainOf, entryOf, receiverOf, type Site, type Step } from "./sites.ts";

/** What undoes a migration says nothing about the schema that it leads to. */
const UNDOES = /^(down|downgrade|revert|rollback|backwards?|undo)$/i;

/** True for code that takes a migration back. */
export function undoes(program: Program, place: Place): boolean {
  return UNDOES.test(program.function({ m: place.m, f: program.owner(place) }).name);
}

/** What all migrations of the tree declare by calls. */
export function migrationFacts(
  program: Program,
  sites: readonly Site[],
): { tables: TableFact[]; derived: DerivedFact[] } {
  const reader = new MigrationReader(program);
  const readers = [
    program.uses("alembic") ? "alembic" : null,
    program.uses("django") ? "django" : null,
    program.uses("knex") || program.uses("kysely") ? "builder" : null,
    program.uses("sequelize") || program.uses("sequelize-cli") ? "sequelize" : null,
    program.uses("typeorm") ? "typeorm" : null,
  ];
  for (const { place, expr } of sites) {
    if (expr.k !== "call" || expr.callee.k !== "member") continue;
    if (readers.includes("alembic")) reader.alembic(place, expr);
    if (readers.includes("django")) reader.django(place, expr);
    if (readers.includes("builder")) reader.builder(place, expr);
    if (readers.includes("sequelize")) reader.sequelize(place, expr);
    if (readers.includes("typeorm")) reader.typeorm(place, expr);
  }
  return reader;
}

class MigrationReader {
  readonly tables: TableFact[] = [];
  readonly derived: DerivedFact[] = [];
  readonly #program: Program;

  constructor(program: Program) {
    this.#program = program;
  }

  /** `op.create_table("t", sa.Column("a"))`, `with op.batch_alter_table("t") as batch: batch.add_column(…)`. */
  alembic(place: Place, call: Call): void {
    const name = calledName(call);
    if (!/^(create_table|drop_table|rename_table|add_column|drop_column|alter_column)$/.test(name)) return;
    const receiver = receiverOf(call);
    const batch = receiver ? this.#batchOf(place, receiver) : null;
    const isOperation = receiver?.k === "name" && receiver.name === "op";
    if (!batch && !isOperation) return;
    const args = batch ? [batch, ...call.args] : call.args;
    const table = this.#text(place, args[0]);
    if (table === null) return;
    if (name === "create_table") this.#declare(place, call, table, this.#columnsOf(place, args));
    else if (name === "add_column") this.#declare(place, call, table, this.#columnsOf(place, args));
    else if (name === "drop_table") this.#derive(place, call, table, "", "drop");
    else if (name === "rename_table") this.#rename(place, call, table, this.#text(place, args[1]));
    else {
      const column = this.#text(place, args[1]);
      const renamed = this.#text(place, entryOf(args, "new_column_name"));
      if (column === null || (name === "alter_column" && renamed === null)) return;
      this.#derive(place, call, table, column, "drop-column");
      if (renamed !== null) this.#declare(place, call, table, [renamed]);
    }
  }

  /** The table of a batch: the argument of the `batch_alter_table` that a name holds. */
  #batchOf(place: Place, receiver: Expr): Expr | null {
    if (receiver.k !== "name") return null;
    const made = this.#program.function(place).bindings.get(receiver.name)?.at(-1);
    return made?.k === "call" && calledName(made) === "batch_alter_table" ? (made.args[0] ?? null) : null;
  }

  #columnsOf(place: Place, args: readonly Expr[]): string[] {
    return args.flatMap((arg) => {
      const column = arg.k === "call" && calledName(arg) === "Column" ? this.#text(place, arg.args[0]) : null;
      return column === null ? [] : [column];
    });
  }

  /** `migrations.CreateModel(name="Usage", fields=[("id", …)], options={"db_table": "usage"})`. */
  django(place: Place, call: Call): void {
    const name = calledName(call);
    if (!/^(CreateModel|DeleteModel)$/.test(name)) return;
    const model = this.#text(place, entryOf(call.args, "name") ?? call.args[0]);
    const app = /(?:^|\/)([^/]+)\/migrations\//.exec(this.#program.module(place.m).file)?.[1];
    if (model === null || app === undefined) return;
    const options = entryOf(call.args, "options");
    const given = options?.k === "object" ? this.#text(place, entryOf([options], "db_table")) : null;
    const table = given ?? `${app}_${model.toLowerCase()}`;
    if (name === "DeleteModel") return this.#derive(place, call, table, "", "drop");
    const fields = entryOf(call.args, "fields");
    const columns = (fields?.k === "list" ? fields.items : []).flatMap((item) => {
      const field = item.k === "list" ? this.#text(place, item.items[0]) : null;
      const type = item.k === "list" ? item.items[1] : undefined;
      const isKey = type?.k === "call" && /^(ForeignKey|OneToOneField)$/.test(calledName(type));
      return field === null ? [] : [isKey ? `${field}_id` : field];
    });
    this.#declare(place, call, table, columns);
  }

  /** knex: `schema.createTable("t", (t) => { t.string("a"); })`; Kysely: `schema.createTable("t").addColumn("a", "text")`. */
  builder(place: Place, call: Call): void {
    const name = calledName(call);
    if (
      !/^(createTable|createTableIfNotExists|alterTable|table|dropTable|dropTableIfExists|renameTable)$/.test(
        name,
      )
    )
      return;
    const receiver = receiverOf(call);
    if (!receiver || !(receiver.k === "member" || receiver.k === "call" || receiver.k === "name")) return;
    if (!chainOf(receiver).steps.some((step) => step.name === "schema") && !isNamed(receiver, "schema"))
      return;
    const table = this.#text(place, call.args[0]);
    if (table === null) return;
    if (name.startsWith("drop")) return this.#derive(place, call, table, "", "drop");
    if (name === "renameTable") return this.#rename(place, call, table, this.#text(place, call.args[1]));
    const [, make] = call.args;
    const made = make?.k === "function" ? { m: place.m, f: make.fn } : null;
    const steps = made ? this.#tableSteps(made) : this.#stepsAfter(place, call);
    const columns: string[] = [];
    for (const { name: step, args } of steps) {
      if (/^(timestamps)$/.test(step)) columns.push("created_at", "updated_at");
      const column = this.#text(place, args?.[0]);
      if (column === null || NO_COLUMN.test(step)) continue;
      if (/^(dropColumn|dropColumns)$/.test(step)) this.#derive(place, call, table, column, "drop-column");
      else if (step === "renameColumn") {
        this.#derive(place, call, table, column, "drop-column");
        columns.push(...[this.#text(place, args?.[1])].filter((one) => one !== null));
      } else columns.push(column);
    }
    if (/^create/.test(name) || columns.length > 0) this.#declare(place, call, table, columns);
  }

  /** The first steps on the table object of knex' callback. */
  #tableSteps(place: Place): Step[] {
    const fn = this.#program.function(place);
    const table = fn.params[0]?.name;
    return fn.roots.flatMap((root) => {
      const { root: of, steps } = chainOf(root);
      return of.k === "name" && of.name === table && steps[0] ? [steps[0]] : [];
    });
  }

  /** Kysely: the steps that follow `createTable` in its chain. */
  #stepsAfter(place: Place, call: Call): Step[] {
    for (const root of this.#program.function(place).roots) {
      const { steps } = chainOf(root);
      const at = steps.findIndex((step) => step.call === call);
      if (at >= 0)
        return steps.slice(at + 1).filter((step) => /^(add|drop|rename|alter)Column$/.test(step.name));
    }
    return [];
  }

  /** `queryInterface.createTable("t", { id: { … } })`. */
  sequelize(place: Place, call: Call): void {
    const name = calledName(call);
    if (!/^(createTable|dropTable|addColumn|removeColumn|renameTable|renameColumn)$/.test(name)) return;
    const receiver = receiverOf(call);
    if (
      !receiver ||
      !/queryInterface$/i.test(receiver.k === "name" || receiver.k === "member" ? receiver.name : "")
    )
      return;
    const [first, second, third] = call.args;
    const table = this.#text(place, first?.k === "object" ? entryOf([first], "tableName") : first);
    if (table === null) return;
    const column = this.#text(place, second);
    if (name === "createTable")
      this.#declare(
        place,
        call,
        table,
        second?.k === "object" ? second.entries.flatMap((entry) => entry.key ?? []) : [],
      );
    else if (name === "dropTable") this.#derive(place, call, table, "", "drop");
    else if (name === "renameTable") this.#rename(place, call, table, column);
    else if (column === null) return;
    else if (name === "addColumn") this.#declare(place, call, table, [column]);
    else {
      this.#derive(place, call, table, column, "drop-column");
      const renamed = name === "renameColumn" ? this.#text(place, third) : null;
      if (renamed !== null) this.#declare(place, call, table, [renamed]);
    }
  }

  /** `queryRunner.createTable(new Table({ name: "t", columns: [{ name: "a" }] }))`. */
  typeorm(place: Place, call: Call): void {
    const name = calledName(call);
    if (!/^(createTable|dropTable|renameTable|addColumns?|dropColumn)$/.test(name)) return;
    const receiver = receiverOf(call);
    if (!receiver || !isNamed(receiver, "queryRunner")) return;
    const [first, second] = call.args;
    if (name === "createTable") {
      const table = first?.k === "call" ? this.#text(place, entryOf(first.args, "name")) : null;
      const columns = first?.k === "call" ? entryOf(first.args, "columns") : null;
      if (table !== null) this.#declare(place, call, table, this.#named(place, columns));
      return;
    }
    const table = this.#text(place, first);
    if (table === null) return;
    if (name === "dropTable") this.#derive(place, call, table, "", "drop");
    else if (name === "renameTable") this.#rename(place, call, table, this.#text(place, second));
    else if (name === "dropColumn") {
      const column = this.#text(place, second);
      if (column !== null) this.#derive(place, call, table, column, "drop-column");
    } else this.#declare(place, call, table, this.#named(place, second ?? null));
  }

  /** The names of `{ name: "a" }`, `new TableColumn({ name: "a" })` and lists of them. */
  #named(place: Place, expr: Expr | null): string[] {
    if (expr?.k === "list") return expr.items.flatMap((item) => this.#named(place, item));
    const name = expr ? this.#text(place, entryOf(expr.k === "call" ? expr.args : [expr], "name")) : null;
    return name === null ? [] : [name];
  }

  #text(place: Place, expr: Expr | null | undefined): string | null {
    return constantOf(this.#program, place, expr);
  }

  #declare(place: Place, { at: line }: Call, name: string, columns: string[]): void {
    const { file } = this.#program.module(place.m);
    this.tables.push({ name, declared_as: name, how: "migration", file, line, columns });
  }

  #rename(place: Place, call: Call, from: string, to: string | null): void {
    if (to === null) return;
    this.#declare(place, call, to, []);
    this.#derive(place, call, to, from, "rename");
  }

  #derive(place: Place, { at: line }: Call, target: string, source: string, how: DerivedFact["how"]): void {
    if (undoes(this.#program, place)) return;
    this.derived.push({ target, source, how, file: this.#program.module(place.m).file, line });
  }
}

/** Steps of knex' table object that make no column. */
const NO_COLUMN =
  /^(index|unique|primary|foreign|dropIndex|dropUnique|dropPrimary|dropForeign|comment|engine|charset|collate|inherits|timestamps|dropTimestamps|check|setNullable|dropNullable|queryContext)$/;

function isNamed(expr: Expr, name: string): boolean {
  return (expr.k === "name" || expr.k === "member") && expr.name === name;
}
