import { getDb } from "../index.js";

export async function saveRequestDetails(detail) {
  getDb().prepare("INSERT INTO requestDetails (timestamp, model, body) VALUES (?, ?, ?)").run(detail.timestamp, detail.model, detail.body);
}

export async function getRequestDetails(limit) {
  return getDb().prepare("SELECT timestamp, model, body FROM requestDetails ORDER BY id DESC LIMIT ?").all(limit);
}
