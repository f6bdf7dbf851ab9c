/** What a name can refer to, and where it stands. */

import type { Expr } from "./ir.ts";

/** Where an expression stands: a module and a function of it. */
export interface Place {
  m: number;
  f: number;
}

export type Ref =
  | { t: "function"; m: number; f: number }
  | { t: "class"; m: number; c: number }
  | { t: "instance"; m: number; c: number }
  | { t: "module"; m: number }
  | { t: "folder"; folder: string }
  /** Something of a package that is not in the tree: `knex`, `sqlalchemy.orm.Session()`. */
  | { t: "package"; path: string }
  /** An expression that stands for itself: an object, a text, a list. */
  | { t: "expr"; place: Place; expr: Expr };

/** Steps that one question may take; longer chains are unresolved, never wrong. */
export const DEPTH_MAX = 24;
