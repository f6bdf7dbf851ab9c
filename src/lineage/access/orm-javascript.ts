/** ORMs of JavaScript: Prisma; TypeORM, Sequelize and Objection have files of their own. */

import type { AccessFact } from "../facts.ts";
import { usesSequelize } from "../models/sequelize.ts";
import type { Place } from "../program.ts";
import { type Call, calledName, entryOf, receiverOf } from "../sites.ts";
import { type AccessContext, keysOf } from "./emit.ts";
import { objectionReader } from "./objection.ts";
import { sequelizeReader } from "./sequelize.ts";
import { typeormCall } from "./typeorm.ts";

type Operation = AccessFact["operation"];

/** All accesses by JavaScript's ORMs. */
export function javascriptOrmAccess(ctx: AccessContext): void {
  const { program, models } = ctx;
  const typeorm = program.uses("typeorm") || program.uses("@nestjs/typeorm");
  const sequelizeCall = usesSequelize(program) ? sequelizeReader(ctx) : null;
  const objectionCall = program.uses("objection") ? objectionReader(ctx) : null;
  for (const { place, expr, chained } of ctx.sites) {
    if (expr.k !== "call") continue;
    if (models.prisma.size > 0) prisma(ctx, place, expr);
    const { language } = program.module(place.m);
    if (language === "python" || language === "go") continue;
    if (typeorm) typeormCall(ctx, place, expr);
    sequelizeCall?.(place, expr);
    if (!chained) objectionCall?.(place, expr);
  }
}

const PRISMA: Record<string, Operation> = {
  findMany: "select",
  findFirst: "select",
  findUnique: "select",
  findFirstOrThrow: "select",
  findUniqueOrThrow: "select",
  count: "select",
  aggregate: "select",
  groupBy: "select",
  create: "insert",
  createMany: "insert",
  createManyAndReturn: "insert",
  update: "update",
  updateMany: "update",
  updateManyAndReturn: "update",
  upsert: "upsert",
  delete: "delete",
  deleteMany: "delete",
  // Python's client.
  find_many: "select",
  find_first: "select",
  find_unique: "select",
  find_first_or_raise: "select",
  find_unique_or_raise: "select",
  group_by: "select",
  create_many: "insert",
  update_many: "update",
  delete_many: "delete",
};

/** `prisma.usageRecord.create({ data })`: the client may have any name, the model is known from the schema. */
function prisma(ctx: AccessContext, place: Place, call: Call): void {
  const operation = Object.hasOwn(PRISMA, calledName(call)) ? PRISMA[calledName(call)] : undefined;
  const receiver = receiverOf(call);
  if (!operation || receiver?.k !== "member") return;
  const model = ctx.models.prisma.get(receiver.name.toLowerCase());
  if (!model || !/^[a-z]/.test(receiver.name)) return;
  const written = ["data", "create", "update"].flatMap((key) => entryOf(call.args, key) ?? []);
  const selected = entryOf(call.args, "select");
  const columns =
    operation === "select"
      ? keysOf(ctx.program, place, selected, model)
      : written.flatMap((data) => keysOf(ctx.program, place, data, model));
  ctx.emit(
    place,
    call.at,
    model.table,
    operation,
    columns.filter((column) => [...model.columns.values()].includes(column)),
    "builder",
    { data: written, model },
  );
}
