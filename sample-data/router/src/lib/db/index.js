import Database from "better-sqlite3";
import { migrate } from "./migrate.js";

let db = null;

export function getDb() {
  if (!db) {
    db = new Database("router.sqlite");
    migrate(db);
  }
  return db;
}
