/** TypeORM: repositories, the entity manager, query builders and the relations that they load. */

import type { AccessFact } from "../facts.ts";
import type { Expr } from "../ir.ts";
import { definitionOf, type Model } from "../models/models.ts";
import type { Place } from "../program.ts";
import { type Call, calledName, chainOf, entryOf, receiverOf } from "../sites.ts";
import { type AccessContext, chainsAt, constantOf, keysOf } from "./emit.ts";

type Operation = AccessFact["operation"];

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

/** The accesses of one call. */
export function typeormCall(ctx: AccessContext, place: Place, call: Call): void {
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
    if (!model && /Join/.test(name)) return joinedRelation(ctx, place, call);
    if (!model) return typeormMethod(ctx, place, call, receiver);
    if (name === "createQueryBuilder") {
      // What the chain goes on to do is known only from its outermost call.
      ctx.emit(place, call.at, model.table, continued(ctx, place, call), [], "builder");
    } else if (name === "into") ctx.emit(place, call.at, model.table, "insert", [], "builder");
    else if (name === "update")
      ctx.emit(place, call.at, model.table, "update", keysOf(ctx.program, place, second, model), "builder", {
        data: second ? [second] : [],
        model,
      });
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
  if (operation === "select") loadedRelations(ctx, place, call, model);
  const data = own ? (operation === "update" && name === "update" ? second : first) : second;
  ctx.emit(
    place,
    call.at,
    model.table,
    operation,
    operation === "select" ? [] : keysOf(ctx.program, place, data, model),
    "builder",
    { data: data && /^(insert|update|upsert|save)$/.test(name) ? [data] : [], model },
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
  if (expr.k === "either") {
    for (const one of expr.of) {
      const model = repositoryOf(ctx, place, one, depth + 1);
      if (model) return model;
    }
    return null;
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

/** The entity at the other end of a relation: `@ManyToOne(() => Role) role`. */
function relatedTo(ctx: AccessContext, model: Model, attribute: string): Model | null {
  const of = ctx.models.classOf(model);
  const field = of ? ctx.program.class(of).fields.find((one) => one.name === attribute) : undefined;
  if (!of || !field) return null;
  for (const decorator of field.decorators) {
    if (decorator.k !== "call" || !/^(ManyToOne|OneToMany|OneToOne|ManyToMany)$/.test(calledName(decorator)))
      continue;
    const [target] = decorator.args;
    if (target?.k !== "function")
      return target?.k === "text" ? ctx.models.named(String(target.parts[0] ?? ""), "typeorm") : null;
    const at = { m: of.m, f: target.fn };
    return entityOf(ctx, at, ctx.program.function(at).returns[0]);
  }
  return null;
}

/** `.leftJoinAndSelect("user.role", "role")`: the alias is of the chain's entity or of an earlier join. */
function joinedRelation(ctx: AccessContext, place: Place, call: Call): void {
  const aliases = new Map<string, Model>();
  for (const step of chainOf(call).steps) {
    if (!step.args || !step.call) continue;
    const texts = step.args.map((arg) => (arg.k === "text" ? constantOf(ctx.program, place, arg) : null));
    if (step.name === "createQueryBuilder") {
      const entity = entityOf(ctx, place, step.args[0]);
      const receiver = receiverOf(step.call);
      const model = entity ?? (receiver ? repositoryOf(ctx, place, receiver, 0) : null);
      const alias = texts[entity ? 1 : 0] ?? null;
      if (model && alias !== null) aliases.set(alias, model);
    } else if (/Join/.test(step.name)) {
      const [alias, attribute] = (texts[0] ?? "").split(".");
      const from = alias === undefined ? undefined : aliases.get(alias);
      const model = from && attribute ? relatedTo(ctx, from, attribute) : entityOf(ctx, place, step.args[0]);
      if (model && texts[1]) aliases.set(texts[1], model);
      if (model && step.call === call) ctx.emit(place, call.at, model.table, "select", [], "builder");
    }
  }
}

/** `find({ relations: { role: true }, where: { workspace: { … } } })`: the tables read beside the entity's own. */
function loadedRelations(ctx: AccessContext, place: Place, call: Call, model: Model): void {
  const emit = (of: Model) => ctx.emit(place, call.at, of.table, "select", [], "builder");
  const named = entryOf(call.args, "relations");
  const paths =
    named?.k === "list"
      ? named.items.map((item) => (constantOf(ctx.program, place, item) ?? "").split("."))
      : [];
  for (const path of paths) {
    let here: Model | null = model;
    for (const attribute of path) {
      here = here ? relatedTo(ctx, here, attribute) : null;
      if (here) emit(here);
    }
  }
  const walk = (object: Expr | null | undefined, of: Model, depth: number) => {
    if (object?.k === "list") for (const item of object.items) walk(item, of, depth + 1);
    if (object?.k !== "object" || depth > 6) return;
    for (const { key, value } of object.entries) {
      const related = key === null ? null : relatedTo(ctx, of, key);
      if (!related) continue;
      emit(related);
      walk(value, related, depth + 1);
    }
  };
  walk(named, model, 0);
  const where = entryOf(call.args, "where");
  walk(where ?? (/By/.test(calledName(call)) ? call.args.at(-1) : null), model, 0);
}
