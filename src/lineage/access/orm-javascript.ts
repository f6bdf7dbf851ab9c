/** ORMs of JavaScript: Sequelize and Objection; Prisma and TypeORM have files of their own. */

import type { AccessFact } from "../facts.ts";
import type { Place } from "../program.ts";
import { type Call, calledName, receiverOf } from "../sites.ts";
import { type AccessContext, chainsAt, keysOf } from "./emit.ts";
import { typeormCall } from "./typeorm.ts";

type Operation = AccessFact["operation"];

/** All accesses by JavaScript's ORMs. */
export function javascriptOrmAccess(ctx: AccessContext): void {
  const { program } = ctx;
  const typeorm = program.uses("typeorm") || program.uses("@nestjs/typeorm");
  const sequelize = program.uses("sequelize") || program.uses("sequelize-typescript");
  const objection = program.uses("objection");
  for (const { place, expr } of ctx.sites) {
    if (expr.k !== "call") continue;
    const { language } = program.module(place.m);
    if (language === "python" || language === "go") continue;
    if (typeorm) typeormCall(ctx, place, expr);
    if (sequelize) sequelizeCall(ctx, place, expr);
    if (objection && calledName(expr) === "query") objectionCall(ctx, place, expr);
  }
}

const SEQUELIZE: Record<string, Operation> = {
  findAll: "select",
  findOne: "select",
  findByPk: "select",
  findAndCountAll: "select",
  count: "select",
  sum: "select",
  max: "select",
  min: "select",
  aggregate: "select",
  create: "insert",
  bulkCreate: "insert",
  findOrCreate: "insert",
  findCreateFind: "insert",
  upsert: "upsert",
  update: "update",
  increment: "update",
  decrement: "update",
  restore: "update",
  destroy: "delete",
  truncate: "delete",
};

function sequelizeCall(ctx: AccessContext, place: Place, call: Call): void {
  const name = calledName(call);
  const operation = Object.hasOwn(SEQUELIZE, name) ? SEQUELIZE[name] : undefined;
  const receiver = receiverOf(call);
  if (!operation || !receiver) return;
  let model = ctx.models.of(ctx.program, place, receiver);
  let certainty: AccessFact["certainty"] = "builder";
  if (model?.family !== "sequelize") {
    // `db.User`, `models.User`: collected at run time, known by the one model of that name.
    model = receiver.k === "member" ? ctx.models.named(receiver.name, "sequelize") : null;
    certainty = "name";
  }
  if (!model) return;
  const columns = operation === "select" ? [] : keysOf(ctx.program, place, call.args[0], model);
  // `findOrCreate` and its like are given what they look for.
  const data = /^(create|bulkCreate|update|upsert)$/.test(name) ? call.args.slice(0, 1) : [];
  ctx.emit(place, call.at, model.table, operation, operation === "delete" ? [] : columns, certainty, {
    data,
    model,
  });
}

function objectionCall(ctx: AccessContext, place: Place, call: Call): void {
  const receiver = receiverOf(call);
  const ref = receiver ? ctx.program.resolve(place, receiver) : null;
  const model = ref?.t === "class" || ref?.t === "instance" ? ctx.models.ofClass(ref) : null;
  if (model?.family !== "objection") return;
  let operation: Operation = "select";
  for (const { steps } of chainsAt(ctx, place)) {
    if (!steps.some((step) => step.call === call)) continue;
    const verb =
      steps.find((step) => /^(insert\w*|upsert\w*|update\w*|patch\w*|delete\w*|del)$/.test(step.name))
        ?.name ?? "";
    operation = verb.startsWith("insert")
      ? "insert"
      : verb.startsWith("upsert")
        ? "upsert"
        : /^(update|patch)/.test(verb)
          ? "update"
          : verb.startsWith("del")
            ? "delete"
            : "select";
  }
  ctx.emit(place, call.at, model.table, operation, [], "builder");
}
