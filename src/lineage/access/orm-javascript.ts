/** ORMs of JavaScript: Prisma, TypeORM, Sequelize and Objection. */

import type { AccessFact } from "../facts.ts";
import type { Expr } from "../ir.ts";
import type { Model } from "../models/models.ts";
import { definitionOf } from "../models/models.ts";
import type { Place } from "../program.ts";
import { type Call, calledName, chainOf, entryOf, receiverOf } from "../sites.ts";
import { type AccessContext, chainsAt, keysOf } from "./emit.ts";

type Operation = AccessFact["operation"];

/** All accesses by JavaScript's ORMs. */
export function javascriptOrmAccess(ctx: AccessContext): void {
  const { program, models } = ctx;
  const typeorm = program.uses("typeorm") || program.uses("@nestjs/typeorm");
  const sequelize = program.uses("sequelize") || program.uses("sequelize-typescript");
  const objection = program.uses("objection");
  for (const { place, expr } of ctx.sites) {
    if (expr.k !== "call") continue;
    if (models.prisma.size > 0) prisma(ctx, place, expr);
    const { language } = program.module(place.m);
    if (language === "python" || language === "go") continue;
    if (typeorm) typeormCall(ctx, place, expr);
    if (sequelize) sequelizeCall(ctx, place, expr);
    if (objection && calledName(expr) === "query") objectionCall(ctx, place, expr);
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
  const data = entryOf(call.args, "data") ?? entryOf(call.args, "create") ?? entryOf(call.args, "update");
  const selected = entryOf(call.args, "select");
  const columns =
    operation === "select"
      ? keysOf(ctx.program, place, selected, model)
      : keysOf(ctx.program, place, data, model);
  ctx.emit(
    place,
    call.at,
    model.table,
    operation,
    columns.filter((column) => [...model.columns.values()].includes(column)),
    "builder",
  );
}

const TYPEORM: Record<string, Operation> = {
  find: "select",
  findBy: "select",
  findOne: "select",
  findOneBy: "select",
  findOneOrFail: "select",
  findOneByOrFail: "select",
  findAndCount: "select",
  findAndCountBy: "select",
  count: "select",
  countBy: "select",
  exists: "select",
  exist: "select",
  existsBy: "select",
  sum: "select",
  average: "select",
  minimum: "select",
  maximum: "select",
  findByIds: "select",
  save: "upsert",
  insert: "insert",
  update: "update",
  upsert: "upsert",
  delete: "delete",
  remove: "delete",
  softDelete: "update",
  softRemove: "update",
  restore: "update",
  recover: "update",
  increment: "update",
  decrement: "update",
  clear: "delete",
};

function typeormCall(ctx: AccessContext, place: Place, call: Call): void {
  const name = calledName(call);
  const receiver = receiverOf(call);
  if (!receiver) return;
  const [first, second] = call.args;
  if (
    name === "createQueryBuilder" ||
    (/^(from|into|update|delete|insert|leftJoin\w*|innerJoin\w*)$/.test(name) && first)
  ) {
    const model =
      name === "createQueryBuilder"
        ? (repositoryOf(ctx, place, receiver, 0) ?? entityOf(ctx, place, first))
        : entityOf(ctx, place, first);
    if (!model && name === "createQueryBuilder") return;
    if (!model) return typeormMethod(ctx, place, call, receiver);
    if (name === "createQueryBuilder") {
      // What the chain goes on to do is known only from its outermost call.
      ctx.emit(place, call.at, model.table, continued(ctx, place, call), [], "builder");
    } else if (name === "into") ctx.emit(place, call.at, model.table, "insert", [], "builder");
    else if (name === "update")
      ctx.emit(place, call.at, model.table, "update", keysOf(ctx.program, place, second, model), "builder");
    else if (name === "delete") ctx.emit(place, call.at, model.table, "delete", [], "builder");
    else if (name !== "insert")
      ctx.emit(place, call.at, model.table, deletes(call) ? "delete" : "select", [], "builder");
    if (name !== "insert" && name !== "delete") return;
  }
  typeormMethod(ctx, place, call, receiver);
}

/** A method of a repository, of the entity manager or of the entity itself. */
function typeormMethod(ctx: AccessContext, place: Place, call: Call, receiver: Expr): void {
  const name = calledName(call);
  const [first, second] = call.args;
  const operation = Object.hasOwn(TYPEORM, name) ? TYPEORM[name] : undefined;
  if (!operation) return;
  const own = repositoryOf(ctx, place, receiver, 0);
  const model = own ?? entityOf(ctx, place, first) ?? activeRecord(ctx, place, receiver);
  if (!model) return;
  const data = own ? (operation === "update" && name === "update" ? second : first) : second;
  ctx.emit(
    place,
    call.at,
    model.table,
    operation,
    operation === "select" ? [] : keysOf(ctx.program, place, data, model),
    "builder",
  );
}

/** `.delete().from(User)`. */
function deletes(call: Call): boolean {
  return chainOf(call).steps.some((step) => step.name === "delete" && step.args?.length === 0);
}

/** The operation of the chain that a query builder starts. */
function continued(ctx: AccessContext, place: Place, call: Call): Operation {
  for (const { steps } of chainsAt(ctx, place)) {
    if (!steps.some((step) => step.call === call)) continue;
    const verb = steps.find((step) => step.args && /^(insert|update|delete|softDelete)$/.test(step.name));
    if (verb) return verb.name === "softDelete" ? "update" : (verb.name as Operation);
  }
  return "select";
}

function entityOf(ctx: AccessContext, place: Place, expr: Expr | undefined): Model | null {
  if (!expr || (expr.k !== "name" && expr.k !== "member")) return null;
  const ref = ctx.program.resolve(place, expr);
  const model = ref?.t === "class" ? ctx.models.ofClass(ref) : null;
  return model?.family === "typeorm" ? model : null;
}

function activeRecord(ctx: AccessContext, place: Place, receiver: Expr): Model | null {
  const ref = ctx.program.resolve(place, receiver);
  const model = ref?.t === "class" || ref?.t === "instance" ? ctx.models.ofClass(ref) : null;
  return model?.family === "typeorm" ? model : null;
}

/** The entity of a repository: `getRepository(User)`, `Repository<User>`, a field or parameter of that type. */
function repositoryOf(ctx: AccessContext, place: Place, expr: Expr, depth: number): Model | null {
  if (depth > 8) return null;
  if (expr.k === "call") {
    const name = calledName(expr);
    if (
      /^(getRepository|getTreeRepository|getMongoRepository|getCustomRepository|withRepository|InjectRepository)$/.test(
        name,
      ) ||
      /Repository$/.test(name)
    )
      return entityOf(ctx, place, expr.args[0]);
    return name === "extend" && receiverOf(expr)
      ? repositoryOf(ctx, place, receiverOf(expr) as Expr, depth + 1)
      : null;
  }
  if (expr.k === "name") {
    for (let f: number | null = place.f; f !== null; ) {
      const fn = ctx.program.function({ m: place.m, f });
      const value = fn.bindings.get(expr.name)?.at(-1);
      if (value) return value === expr ? null : repositoryOf(ctx, { m: place.m, f }, value, depth + 1);
      const param = fn.params.find((one) => one.name === expr.name);
      if (param) return param.type ? repositoryOf(ctx, { m: place.m, f: 0 }, param.type, depth + 1) : null;
      f = fn.outer;
    }
    const made = definitionOf(ctx.program, place, expr, 0);
    return made ? repositoryOf(ctx, place, made, depth + 1) : null;
  }
  if (expr.k !== "member") return null;
  const of = ctx.program.resolve(place, expr.of);
  if (of?.t !== "instance" && of?.t !== "class") return null;
  for (const field of ctx.program.class(of).fields) {
    if (field.name !== expr.name) continue;
    const at = { m: of.m, f: 0 };
    const model =
      (field.type ? repositoryOf(ctx, at, field.type, depth + 1) : null) ??
      (field.value ? repositoryOf(ctx, at, field.value, depth + 1) : null);
    if (model) return model;
  }
  return null;
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
  ctx.emit(place, call.at, model.table, operation, operation === "delete" ? [] : columns, certainty);
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
