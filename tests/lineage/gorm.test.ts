/** GORM: which tables a chain reads and writes, wherever its parts stand. */

import { describe, expect, test } from "vitest";
import { accessLines, factsFrom } from "../kit/code.ts";

const MODELS = `package a
import "gorm.io/gorm"
var db *gorm.DB
type User struct { gorm.Model; Name string; CompanyID uint; Company Company; Orders Orders; Card *Card; Roles []Role \`gorm:"many2many:user_roles"\`; BossID *uint; Boss *User }
type Company struct { ID uint; Name string }
type Order struct { ID uint; UserID uint; Items []Item }
type Orders []Order
type Item struct { ID uint; OrderID uint }
type Card struct { ID uint; UserID uint }
type Role struct { ID uint }
`;

const CASES: [name: string, source: string, expected: string[]][] = [
  [
    "preloads along fields: belongs to, has many, many to many; an unknown field is none",
    'func F() { var us []User; db.Preload("Company").Preload("Orders.Items").Preload("Roles").Preload("Gone").Find(&us) }',
    [
      "F reads users",
      "F reads companies",
      "F reads orders",
      "F reads items",
      "F reads user_roles",
      "F reads roles",
    ],
  ],
  [
    "all associations, and none that is nested",
    "func F(u User) { db.Preload(clause.Associations).First(&u) }",
    [
      "F reads users",
      "F reads companies",
      "F reads orders",
      "F reads cards",
      "F reads user_roles",
      "F reads roles",
    ],
  ],
  [
    "a count runs no preload, but joins",
    'func F(n int64) { db.Model(&User{}).Preload("Orders").Joins("Company").Joins("JOIN cards c ON c.user_id = users.id").Count(&n) }',
    ["F reads users", "F reads cards", "F reads companies"],
  ],
  [
    "subqueries in texts and in arguments",
    'func F(us []User) { db.Where("exists (select 1 from bans where bans.id = users.id)").Where("id IN (?)", db.Model(&Order{}).Select("user_id")).Find(&us) }',
    ["F reads users", "F reads bans", "F reads orders"],
  ],
  [
    "a plain condition, and what a verb returned, name no table",
    'func F(u User) { n := db.Model(&Order{}).Find(&o).RowsAffected; db.Where("name = ? AND select_me", n).First(&u) }',
    ["F reads orders", "F reads users"],
  ],
  [
    "a query that is kept, extended in a branch and run twice",
    'func F(c bool, us []User, n int64) {\n q := db.Model(&User{}).Preload("Card")\n if c {\n q = q.Joins("JOIN bans ON bans.id = users.id")\n }\n q.Count(&n)\n q.Limit(1).Find(&us)\n q = q.Joins("JOIN later ON 1 = 1")\n }',
    ["F reads users", "F reads bans", "F reads users", "F reads bans", "F reads cards"],
  ],
  [
    "functions that give a query on, with the caller's model; a method whose receiver has a name",
    'func of(tx *gorm.DB, model any) *gorm.DB { return tx.Model(model).Joins("JOIN bans ON 1 = 1") }\ntype R struct { db *gorm.DB }\nfunc (r *R) base(name string) *gorm.DB { return r.db.Preload(name) }\nfunc F(n int64) { of(db, &User{}).Count(&n) }\nfunc (r *R) G(us []User) { r.base("Card").Find(&us) }',
    ["F reads users", "F reads bans", "G reads users", "G reads cards"],
  ],
  [
    "scopes: named, made by a function, written in place",
    'func a(tx *gorm.DB) *gorm.DB { return tx.Joins("JOIN x ON 1 = 1") }\nfunc b(n int) func(tx *gorm.DB) *gorm.DB { return func(tx *gorm.DB) *gorm.DB { return tx.Joins("JOIN y ON 1 = 1") } }\nfunc F(us []User) { db.Scopes(a, b(1), func(tx *gorm.DB) *gorm.DB { return tx.Table("z") }).Find(&us) }',
    ["F reads z", "F reads x", "F reads y"],
  ],
  [
    "associations: the join table, the row with the foreign key, the target",
    'func F(u User) { db.Model(&u).Association("Roles").Append(&r); db.Model(&u).Association("Orders").Clear(); a := db.Model(&u).Association("Company"); a.Replace(&c); db.Model(&u).Association("Roles").Count(); strings.Replace("a", "b", "c", 1) }',
    ["F inserts user_roles", "F updates orders", "F updates users", "F reads roles", "F reads user_roles"],
  ],
  [
    "what is read before it is made, and what a delete takes along",
    'func F(u User) { db.FirstOrCreate(&u)\n db.FirstOrInit(&u); db.Select("Orders", "Roles", "Company").Delete(&u) }',
    [
      "F inserts users",
      "F reads users",
      "F reads users",
      "F deletes users",
      "F deletes orders",
      "F deletes user_roles",
    ],
  ],
  [
    "a model that only the caller knows; a field that a row is scanned into is no model",
    "func F(model interface{}, n int64) { db.Model(model).Count(&n) }\nfunc G[T any](t T) { db.Create(&t) }\nfunc H(rows *sql.Rows, u User) { rows.Scan(&u.Company) }",
    ["F reads ?", "G inserts ?"],
  ],
  [
    "generic chains",
    'func F(ctx context.Context, u User) { gorm.G[User](db).Preload("Card", nil).Where("id = ?", 1).First(ctx)\n gorm.G[User](db).Create(ctx, &u); gorm.G[User](db).Joins(clause.Has("Company"), nil).Find(ctx); gorm.G[Order](db).Where("id = 1").Delete(ctx) }',
    [
      "F reads users",
      "F reads cards",
      "F inserts users",
      "F reads users",
      "F reads companies",
      "F deletes orders",
    ],
  ],
  [
    "tables by name: with an alias, a word of SQL, a method's, unknown",
    'func (Company) TableName() string { return "firms" }\nfunc F(n int64, t string) { db.Table("users AS u").Count(&n); db.Table("order").Count(&n); db.Table(t).Count(&n); db.Model(&Company{}).Count(&n) }',
    ["F reads users", "F reads order", "F reads ?", "F reads firms"],
  ],
  [
    "methods of the tree, and of another package with a struct that is no model, are not GORM's",
    "type Cache struct{}\nfunc (c *Cache) Delete(i *Item) {}\nfunc F(c *Cache, o redis.Client, u User) { c.Delete(&Item{}); o.Save(&Item{}); db.Transaction(func(tx *gorm.DB) error { return tx.Save(&u).Error }) }",
    ["F upserts users"],
  ],
];

describe("GORM", () => {
  test.each(CASES)("%s", async (_, source, expected) => {
    expect(
      accessLines(
        await factsFrom({
          "m.go": MODELS,
          "f.go": `package a\nimport (\n"gorm.io/gorm"\n"github.com/redis/redis"\n)\n${source}\n`,
        }),
      ),
    ).toEqual(expected);
  });

  test("a naming strategy holds for tables and join tables, not for a table's own name", async () => {
    const facts = await factsFrom({
      "m.go": MODELS,
      "f.go":
        'package a\nimport "gorm.io/gorm/schema"\nfunc (Card) TableName() string { return "cards" }\nfunc Open() { db, err = gorm.Open(d, &gorm.Config{NamingStrategy: schema.NamingStrategy{TablePrefix: "t_", SingularTable: true}}) }\nfunc F(us []User) { db.Preload("Roles").Preload("Card").Find(&us) }\n',
    });
    expect(accessLines(facts)).toEqual([
      "F reads t_user",
      "F reads t_user_roles",
      "F reads t_role",
      "F reads cards",
    ]);
  });
});
