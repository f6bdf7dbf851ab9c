// The tables of the router, by name; syncSchemaFromTables creates what is missing.
export const TABLES = {
  usage_records: {
    columns: {
      id: "INTEGER PRIMARY KEY AUTOINCREMENT",
      timestamp: "TEXT NOT NULL",
      userId: "TEXT",
      provider: "TEXT",
      model: "TEXT",
      connectionId: "TEXT",
      apiKey: "TEXT",
      endpoint: "TEXT",
      promptTokens: "INTEGER",
      completionTokens: "INTEGER",
      cost: "REAL",
      status: "TEXT",
    },
  },
  usageDaily: {
    columns: { day: "TEXT PRIMARY KEY", requests: "INTEGER", promptTokens: "INTEGER", completionTokens: "INTEGER", cost: "REAL" },
  },
  requestDetails: {
    columns: { id: "INTEGER PRIMARY KEY", timestamp: "TEXT", model: "TEXT", body: "TEXT" },
  },
  apiKeys: {
    columns: { key: "TEXT PRIMARY KEY", userId: "TEXT NOT NULL", lastUsed: "TEXT" },
  },
};
