/** The relations between the models that Django and its packages bring along: no class in the tree declares them. */

import { labelledModel, ownModel } from "./django.ts";
import type { Model } from "./models.ts";

/** How relations are added, and what they depend on in a tree. */
interface Relating {
  user: Model | null;
  /** Whether the tree uses the tokens of Django REST framework. */
  hasTokens: boolean;
  /** A column of `of` that points to `target`, with the names that lead back. */
  column: (
    of: Model,
    field: string,
    target: Model,
    attribute: string | null,
    lookup: string | null,
    back?: "reverse" | "reverse-one",
  ) => void;
  /** Rows of both are linked by the table `through`. */
  many: (
    of: Model,
    field: string,
    target: Model,
    through: string | null,
    attribute: string | null,
    lookup: string | null,
  ) => void;
}

/** Relations of Django's own models, and those that a user's model inherits. */
export function relateOwnModels({ user, hasTokens, column, many }: Relating): void {
  const group = labelledModel("auth", "Group") as Model;
  const permission = labelledModel("auth", "Permission") as Model;
  const content = labelledModel("contenttypes", "ContentType") as Model;
  many(group, "permissions", permission, "auth_group_permissions", "group_set", "group");
  column(permission, "content_type", content, "permission_set", "permission");
  const log = labelledModel("admin", "LogEntry") as Model;
  column(log, "content_type", content, "logentry_set", "logentry");
  if (!user) return;
  column(log, "user", user, "logentry_set", "logentry");
  many(user, "groups", group, `${user.table}_groups`, "user_set", "user");
  many(user, "user_permissions", permission, `${user.table}_user_permissions`, "user_set", "user");
  const token = ownModel("rest_framework.authtoken.models.Token") as Model;
  if (hasTokens) column(token, "user", user, "auth_token", "auth_token", "reverse-one");
}
