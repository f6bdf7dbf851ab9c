/** All accesses by SQLAlchemy: statements named and run, queries of models, what sessions store. */

import { AlchemyModels } from "../../models/sqlalchemy.ts";
import { calledName } from "../../sites.ts";
import type { AccessContext } from "../emit.ts";
import { SessionAccess } from "./session.ts";
import { StatementAccess } from "./statements.ts";
import { Values } from "./values.ts";

/** Emits every access by SQLAlchemy, SQLModel and Flask-SQLAlchemy. */
export function sqlalchemyAccess(ctx: AccessContext): void {
  if (!ctx.models.all.some((model) => model.family === "sqlalchemy")) return;
  const { program } = ctx;
  const values = new Values(ctx, new AlchemyModels(program, ctx.models));
  const statements = new StatementAccess(ctx, values);
  const session = new SessionAccess(ctx, values);
  const calls = ctx.sites.flatMap((site) =>
    site.expr.k === "call" && program.module(site.place.m).language === "python"
      ? [{ site, call: site.expr }]
      : [],
  );
  for (const { site, call } of calls) statements.named(site, call);
  program.modules.forEach((module, m) => {
    if (module.language !== "python") return;
    module.functions.forEach((fn, f) => {
      const place = { m, f };
      for (const [path, given] of fn.bindings)
        for (const value of given) {
          if (value.k === "item") statements.iterated(place, value.of);
          if (path.includes(".")) session.assigned(place, path, value.at);
        }
    });
  });
  for (const { site, call } of calls) {
    statements.run(site.place, call);
    session.call(site.place, call, calledName(call));
  }
  session.rest();
}
