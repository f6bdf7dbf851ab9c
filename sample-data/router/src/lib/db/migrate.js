import { TABLES } from "./schema.js";
import { up as usageRecords } from "./migrations/004-usage-records.js";

export function syncSchemaFromTables(db) {
  for (const [name, table] of Object.entries(TABLES)) {
    const columns = Object.entries(table.columns).map(([column, type]) => `${column} ${type}`);
    db.exec(`CREATE TABLE IF NOT EXISTS ${name} (${columns.join(", ")})`);
  }
}

export function migrate(db) {
  syncSchemaFromTables(db);
  usageRecords(db);
}
