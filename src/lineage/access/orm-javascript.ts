/** The ORMs of JavaScript that are read call by call: TypeORM, Sequelize and Objection. */

import { usesSequelize } from "../models/sequelize.ts";
import type { AccessContext } from "./emit.ts";
import { objectionReader } from "./objection.ts";
import { sequelizeReader } from "./sequelize/access.ts";
import { typeormCall } from "./typeorm.ts";

/** All accesses by these. */
export function javascriptOrmAccess(ctx: AccessContext): void {
  const { program } = ctx;
  const typeorm = program.uses("typeorm") || program.uses("@nestjs/typeorm");
  const sequelizeCall = usesSequelize(program) ? sequelizeReader(ctx) : null;
  const objectionCall = program.uses("objection") ? objectionReader(ctx) : null;
  for (const { place, expr, chained } of ctx.sites) {
    if (expr.k !== "call") continue;
    const { language } = program.module(place.m);
    if (language === "python" || language === "go") continue;
    if (typeorm) typeormCall(ctx, place, expr);
    sequelizeCall?.(place, expr);
    if (!chained) objectionCall?.(place, expr);
  }
}
