/** ORMs of Python, each with a file or a folder of its own. */

import { djangoAccess } from "./django/access.ts";
import type { AccessContext } from "./emit.ts";
import { peeweeAccess } from "./peewee.ts";
import { sqlalchemyAccess } from "./sqlalchemy/access.ts";

/** All accesses by Python's ORMs. */
export function pythonOrmAccess(ctx: AccessContext): void {
  sqlalchemyAccess(ctx);
  peeweeAccess(ctx);
  djangoAccess(ctx);
}
