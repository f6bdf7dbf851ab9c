export function up(db) {
  db.exec(`
    CREATE TABLE IF NOT EXISTS usage_records (
      id TEXT PRIMARY KEY,
      userId TEXT NOT NULL,
      apiKeyId TEXT,
      model TEXT,
      inputTokens INTEGER,
      outputTokens INTEGER,
      totalTokens INTEGER,
      cost REAL,
      status TEXT,
      endpoint TEXT,
      timestamp TEXT NOT NULL
    )
  `);
}
