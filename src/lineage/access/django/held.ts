/** What can be held of Django's: the words in which all reading of its programs tells what an expression is. */

import type { Expr } from "../../ir.ts";
import type { Relation } from "../../models/django-relations.ts";
import type { Model } from "../../models/models.ts";
import type { Place } from "../../program.ts";

/** A query, from the manager that starts it to the method that runs it. */
export interface Query {
  t: "query";
  model: Model;
  /** Tables that it reads beside that of the model. */
  tables: ReadonlySet<string>;
  /** The relation, while it is the manager of one. */
  relation: Relation | null;
  /** The classes of this tree that give it methods of their own. */
  classes: readonly { m: number; c: number }[];
  /** Its manager is of a package: it may have further methods. */
  isOpen: boolean;
  /** Built, at least in part, in the function that holds it. */
  isLocal: boolean;
}

/** What an expression holds. */
export type Held =
  | { t: "model"; model: Model }
  | Query
  /** An instance; `isMade`: not yet stored. */
  | { t: "one"; model: Model; isMade: boolean }
  /** Instances that a query gave. */
  | { t: "rows"; model: Model }
  | { t: "tuple"; place: Place; items: readonly Expr[] }
  | { t: "form"; model: Model; isNew: boolean; cls: { m: number; c: number } }
  | { t: "object"; m: number; c: number };

/** An instance that is stored. */
export function one(model: Model): Held {
  return { t: "one", model, isMade: false };
}
