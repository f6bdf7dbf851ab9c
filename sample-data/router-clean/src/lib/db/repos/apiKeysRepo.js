import { getDb } from "../index.js";

export async function findApiKey(key) {
  return getDb().prepare("SELECT key, userId FROM apiKeys WHERE key = ?").get(key);
}

export async function createApiKey(key, userId) {
  getDb().prepare("INSERT INTO apiKeys (key, userId) VALUES (?, ?)").run(key, userId);
}
