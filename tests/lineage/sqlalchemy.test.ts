import { describe, expect, test } from "vitest";
import { accessLines, factsFrom } from "../kit/code.ts";

const MODELS = `from sqlalchemy import select, Table, Column, ForeignKey, insert, update, delete, exists, func, text
from sqlalchemy.orm import *
class Base(DeclarativeBase):
    pass
post_tags = Table("post_tags", Base.metadata, Column("post_id", ForeignKey("posts.id")), Column("tag_id", ForeignKey("tags.id")))
class Author(Base):
    __tablename__ = "authors"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    posts: Mapped[list["Post"]] = relationship(back_populates="author")
class Post(Base):
    __tablename__ = "posts"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    author_id: Mapped[int] = mapped_column(ForeignKey("authors.id"))
    author: Mapped["Author"] = relationship(back_populates="posts")
    tags = relationship("Tag", secondary=post_tags, backref="posts")
class Tag(Base):
    __tablename__ = "tags"
    id: Mapped[int] = mapped_column(primary_key=True)
class Work(Base):
    __tablename__ = "works"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
class Book(Work):
    __tablename__ = "books"
    id: Mapped[int] = mapped_column(ForeignKey("works.id"), primary_key=True)
    pages: Mapped[int]
class Poem(Work):
    pass
`;

/** What functions beside the models access. */
const CASES: [name: string, code: string, expected: string[]][] = [
  [
    "relationships: loads, joins and conditions; a comparison with an object reads no further table",
    `def loads(s): return s.scalars(select(Author).options(selectinload(Author.posts).joinedload(Post.tags))).all()
def joins(s): return s.execute(select(Author.id).join(Author.posts).join(Post.tags)).all()
def anyone(s): return s.scalars(select(Author).where(Author.posts.any(Post.title == "x"))).all()
def same(s, author): return s.scalars(select(Post).where(Post.author == author)).all()
def tagged(s, tag): return s.scalars(select(Post).where(Post.tags.contains(tag))).all()
def lazy(s): return s.scalars(select(Author).options(lazyload(Author.posts))).all()
`,
    [
      "loads reads posts",
      "loads reads post_tags",
      "loads reads tags",
      "loads reads authors",
      "joins reads post_tags",
      "joins reads tags",
      "joins reads posts",
      "joins reads authors (id)",
      "anyone reads posts",
      "anyone reads authors",
      "same reads posts",
      "tagged reads post_tags",
      "tagged reads posts",
      "lazy reads authors",
    ],
  ],
  [
    "a class that inherits a table reads and writes both, one without a table that of its base",
    `def books(s): return s.scalars(select(Book)).all()
def book(s): s.add(Book(pages=1, kind="b"))
def poem(s): s.add(Poem(kind="b"))
def kinds(s): return s.scalars(select(with_polymorphic(Work, "*"))).all()
def page(s, b):
    book = s.scalars(select(Book)).first()
    book.kind = "x"
    s.commit()
`,
    [
      "books reads books",
      "books reads works",
      "book inserts books (pages)",
      "book inserts works",
      "poem inserts works (kind)",
      "kinds reads works",
      "kinds reads books",
      "page reads books",
      "page reads works",
      "page updates works (kind)",
    ],
  ],
  [
    "objects hung on others, tables between, objects given by type, by relationship and by rows",
    `def write(s):
    author = s.get(Author, 1)
    author.posts.append(Post(title="x"))
    s.commit()
def tag(s, post: Post, t: Tag):
    post.tags.append(t)
def graph(s): s.add(Author(name="x", posts=[Post(title="a")]))
def rename(s, author: Author):
    author.name = "x"
    s.commit()
def through(s):
    post = s.scalar(select(Post))
    post.author.name = "x"
    s.flush()
def rows(s):
    for post, author in s.execute(select(Post, Author).join(Author)):
        author.name = "y"
    s.commit()
def untouched(s):
    post = Post(title="x")
    post.title = "y"
    s.commit()
def gone(s):
    p = s.scalar(select(Post).where(Post.id == 1))
    if p is None: raise Exception()
    s.delete(p)
def refresh(s, a: Author): s.refresh(a, ["posts"])
`,
    [
      "write reads authors",
      "write inserts posts",
      "tag inserts post_tags",
      "graph inserts authors (name)",
      "graph inserts posts",
      "rename updates authors (name)",
      "through reads posts",
      "through updates authors (name)",
      "rows reads posts",
      "rows reads authors",
      "rows updates authors (name)",
      "gone reads posts",
      "gone deletes posts",
      "refresh reads authors",
      "refresh reads posts",
    ],
  ],
  [
    "statements that another function names: run, handed on, grown and embedded",
    `def subq():
    sub = select(Post.author_id).group_by(Post.author_id).subquery()
    return select(Author).join(sub, Author.id == sub.c.author_id)
def run(s): return s.scalars(subq()).all()
def helper(s, stmt): return s.execute(stmt).all()
def handed(s): return helper(s, subq())
def grown(s, x):
    stmt = subq()
    if x: stmt = stmt.where(Tag.id == 1)
    return s.execute(stmt).all()
def extended(s, x):
    stmt = select(Author)
    if x:
        stmt = (
            stmt.join(Post, Post.author_id == Author.id)
            .where(Post.title == "x")
        )
    return s.scalars(stmt).all()
def composed(s): return s.execute(select(func.count()).select_from(subq().subquery())).all()
`,
    [
      "subq reads posts (author_id)",
      "subq reads authors",
      "run reads authors",
      "run reads posts",
      "handed reads authors",
      "handed reads posts",
      "grown reads tags",
      "grown reads authors",
      "grown reads posts",
      "extended reads authors",
      "extended reads posts",
      "composed reads authors",
      "composed reads posts",
    ],
  ],
  [
    "queries that another function names: deleted, asked, iterated",
    `def base(s): return s.query(Author).filter(Author.id == 1)
def purge(s): base(s).delete()
def first(s): return base(s).first()
def loop(s):
    for a in base(s): print(a)
`,
    ["base reads authors", "purge deletes authors", "first reads authors", "loop reads authors"],
  ],
  [
    "insert from select, exists, the methods of a table; a value that was read is no part of a statement",
    `def copy(s): s.execute(insert(Post).from_select(["title"], select(Author.name)))
def ex(s): return s.scalar(select(exists().where(Tag.id == 1)))
def value(s):
    x = s.scalar(select(Tag.id))
    return s.scalars(select(Post).where(Post.id == x)).all()
def core(c): c.execute(post_tags.insert().values(post_id=1)); c.execute(post_tags.delete()); c.execute(select(post_tags.c.tag_id))
`,
    [
      "copy inserts posts",
      "copy reads authors (name)",
      "ex reads tags",
      "value reads tags (id)",
      "value reads posts",
      "core inserts post_tags (post_id)",
      "core deletes post_tags",
      "core reads post_tags (tag_id)",
    ],
  ],
  [
    "statements kept as properties, in fields and in objects; the class attribute of the class that asks",
    `class Store:
    @property
    def found(self):
        return select(self._table, Tag.id).join_from(self._table, Author)
class Posts(Store):
    _table = Post
    def get(self, s, id):
        return s.scalar(self.found.where(self._table.id == id))
class Count:
    def __init__(self, source, joins=()):
        self.source = source
        self.joins = joins
    def statement(self):
        stmt = select(func.count()).select_from(self.source)
        for one in self.joins:
            stmt = stmt.join(one)
        return stmt
def count(s): return s.scalar(Count(Post, joins=(Tag,)).statement())
def insert_into(table, rows): return insert(table).values(rows)
def put(s, rows): s.execute(insert_into(Tag, rows))
def unknown(s, table): return s.execute(insert_into(table, []))
`,
    [
      "found reads authors",
      "found reads tags (id)",
      "get reads posts",
      "get reads tags",
      "get reads authors",
      "count reads posts",
      "count reads tags",
      "put inserts tags",
    ],
  ],
];

describe("SQLAlchemy", () => {
  test.each(CASES)("%s", async (_, code, expected) => {
    expect(accessLines(await factsFrom({ "a.py": MODELS + code }))).toEqual(expected);
  });
});
