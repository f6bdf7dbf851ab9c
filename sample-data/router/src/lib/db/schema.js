// The tables of the router, by name; syncSchemaFromTables creates what is missing.
export const TABLES = {
  usageHistory: {
    columns: {
      id: "INTEGER PRIMARY KEY AUTOINCREMENT",
      timestamp: "TEXT NOT NULL",
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
  usageRecords: {
    columns: {
      id: "TEXT PRIMARY KEY",
      userId: "TEXT NOT NULL",
      apiKeyId: "TEXT",
      model: "TEXT",
      inputTokens: "INTEGER",
      outputTokens: "INTEGER",
      totalTokens: "INTEGER",
      cost: "REAL",
      status: "TEXT",
      endpoint: "TEXT",
      timestamp: "TEXT NOT NULL",
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
