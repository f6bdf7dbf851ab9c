/** The budget of source trees: a made tree of three languages, against tree-sitter parsing its files. */

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Random } from "../scripts/random.ts";
import { type Command, compare } from "./measure.ts";
import type { Tell } from "./tell.ts";

const FILES = 3_000;

export function benchCode(
  folder: string,
  trueup: (...args: string[]) => Command,
  anchor: (root: string) => Command,
  tell: Tell,
): void {
  const root = join(folder, "tree");
  tell.say(`making a tree of ${FILES} source files …`);
  const bytes = makeTree(root, FILES);
  const measured = compare(trueup("flow", root), anchor(root), 3);
  tell.ratio(
    `flow of ${FILES} source files, ${Math.round(bytes / 1e6)} MB, against parsing them`,
    measured,
    3,
  );
  tell.say(
    `${(bytes / 1e6 / measured.work).toFixed(1)} MB of source a second; tree-sitter alone ${(bytes / 1e6 / measured.anchor).toFixed(1)}`,
  );
  rmSync(root, { recursive: true, force: true });
}

/** Writes services of six files each: routes, code and tables in TypeScript, Python and Go. Returns the bytes. */
function makeTree(root: string, files: number): number {
  const random = new Random(11);
  let [written, bytes] = [0, 0];
  for (let service = 0; written < files; service++) {
    const folder = join(root, `area${service % 20}`, `service${service}`);
    mkdirSync(folder, { recursive: true });
    for (const [name, text] of Object.entries(serviceFiles(service, random))) {
      if (written >= files) break;
      writeFileSync(join(folder, name), text);
      written++;
      bytes += text.length;
    }
  }
  return bytes;
}

function serviceFiles(n: number, random: Random): Record<string, string> {
  const table = `usage_${n}`;
  const other = `usage_${random.below(n + 1)}`;
  return {
    "repo.ts": `import type { Database } from "better-sqlite3";\n\nexport const SAVE = \`INSERT INTO ${table} (id, user_id, tokens_in, tokens_out, cost)\n  VALUES (?, ?, ?, ?, ?)\`;\n${typescript(random, "repo")}
export function save${n}(db: Database, row: { id: string; user: string; input: number; output: number; cost: number }) {
  return db.prepare(SAVE).run(row.id, row.user, row.input, row.output, row.cost);
}

export function total${n}(db: Database, user: string) {
  return db.prepare("SELECT sum(tokens_in) AS input, sum(cost) AS cost FROM ${table} u JOIN ${other} o ON o.id = u.id WHERE u.user_id = ?").get(user);
}
`,
    "service.ts": `import { save${n}, total${n} } from "./repo";\n${typescript(random, "service")}
export async function record${n}(db: any, request: any) {
  const usage = normalize_service(request.body.usage ?? {});
  save${n}(db, { ...usage, user: request.user.id });
  return total${n}(db, request.user.id);
}
`,
    "routes.ts": `import express from "express";\nimport { record${n} } from "./service";\n${typescript(random, "routes")}
const app = express();
app.post("/api/usage/${n}", async (req, res) => {
  res.json(await record${n}(req.app.locals.db, req));
});
export default app;
`,
    "models.py": `from sqlalchemy import Column, Float, Integer, String, select\nfrom sqlalchemy.orm import declarative_base\n\nBase = declarative_base()\n\n
class Record${n}(Base):
    __tablename__ = "records_${n}"
    id = Column(String, primary_key=True)
    tokens_in = Column(Integer)
    cost = Column(Float)

${python(random)}
def latest(session, user):
    return session.execute(select(Record${n}).where(Record${n}.id == user)).scalars().all()
`,
    "jobs.py": `import sqlite3\nimport logging\n\nfrom .models import Record${n}, latest\n\nlog = logging.getLogger(__name__)\n\n${python(random)}
def rollup(path):
    conn = sqlite3.connect(path)
    conn.execute("INSERT INTO daily_${n} (day, tokens) SELECT date(created_at), sum(tokens_in) FROM ${table} GROUP BY 1")
    conn.commit()
    log.info(f"rolled up {path}")


if __name__ == "__main__":
    rollup("usage.db")
`,
    "store.go": `package service${n}\n\nimport (\n\t"database/sql"\n\t"net/http"\n)\n\ntype Store struct {\n\tdb *sql.DB\n}\n${go(random)}
func (s *Store) Save(id string, tokens int) error {
	_, err := s.db.Exec("UPDATE ${table} SET tokens_in = ? WHERE id = ?", tokens, id)
	return err
}

func (s *Store) Routes(mux *http.ServeMux) {
	mux.HandleFunc("/usage/${n}", func(w http.ResponseWriter, r *http.Request) {
		if err := s.Save(r.URL.Query().Get("id"), Clamp0(1, 2)); err != nil {
			http.Error(w, err.Error(), 500)
		}
	})
}
`,
  };
}

const blocks = (random: Random, make: (i: number) => string): string =>
  Array.from({ length: 4 + random.below(6) }, (_, i) => make(i)).join("\n");

const typescript = (random: Random, name: string): string =>
  `\nexport function normalize_${name}(usage: any) {\n  return { id: usage.id, input: usage.prompt ?? 0, output: usage.completion ?? 0, cost: 0.1 };\n}\n\n${blocks(
    random,
    (i) => `/** Groups rows by ${random.hex(6)} and keeps the largest of each. */
export function group_${name}_${i}(rows: { key: string; value: number }[], limit = ${random.below(90)}) {
  const groups = new Map<string, number>();
  for (const { key, value } of rows) {
    const known = groups.get(key) ?? 0;
    if (value > known && groups.size < limit) groups.set(key, Math.max(known, value * ${1 + random.below(9)}));
    else if (value < 0) console.warn(\`negative value for \${key}: \${value} in ${random.hex(4)}\`);
  }
  return [...groups].filter(([key]) => key.length > ${random.below(9)}).map(([key, value]) => ({ key, value })).sort((a, b) => b.value - a.value);
}
`,
  )}`;

const python = (random: Random): string =>
  blocks(
    random,
    (i) => `def group_${i}(rows, limit=${random.below(90)}):
    """Groups rows by ${random.hex(6)} and keeps the largest of each."""
    groups = {}
    for key, value in rows:
        known = groups.get(key, 0)
        if value > known and len(groups) < limit:
            groups[key] = max(known, value * ${1 + random.below(9)})
        elif value < 0:
            print(f"negative value for {key}: {value} in ${random.hex(4)}")
    return sorted(((k, v) for k, v in groups.items() if len(k) > ${random.below(9)}), key=lambda pair: -pair[1])

`,
  );

const go = (random: Random): string =>
  blocks(
    random,
    (i) => `
// Clamp${i} keeps a value between two bounds of ${random.hex(6)}.
func Clamp${i}(value int, limit int) int {
	total := 0
	for i := 0; i < limit; i++ {
		if value > i*${1 + random.below(9)} {
			total += value - i
		} else if value < 0 {
			return ${random.below(9)}
		}
	}
	return total
}
`,
  );
