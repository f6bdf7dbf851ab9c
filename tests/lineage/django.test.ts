import { describe, expect, test } from "vitest";
import { accessLines, factsFrom, type SourceTree } from "../kit/code.ts";

const MODELS = `from django.conf import settings
from django.db import models

class Items(models.QuerySet):
    def dear(self):
        return self.filter(price__gt=9)
    def wipe(self):
        self.delete()

class Shop(models.Model):
    name = models.CharField()
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)

class Tag(models.Model):
    name = models.CharField()

class Item(models.Model):
    shop = models.ForeignKey(Shop, models.CASCADE)
    tags = models.ManyToManyField(Tag, related_name="items")
    price = models.IntegerField()
    objects = Items.as_manager()

class Detail(models.Model):
    item = models.OneToOneField("Item", models.CASCADE)
    text = models.TextField()
`;

/** A tree with the models of a shop and one module that uses them. */
function shop(code: string, more: SourceTree = {}): SourceTree {
  const head =
    "from shop.models import Shop, Item, Tag, Detail\nfrom django.db.models import Q, F, Count, Exists, OuterRef, QuerySet\n";
  return { "shop/__init__.py": "", "shop/models.py": MODELS, "shop/code.py": head + code, ...more };
}

const MANAGER = ["dear reads shop_item", "wipe deletes shop_item"];

const CASES: [name: string, code: string, expected: string[], more?: SourceTree][] = [
  [
    "related managers: the default name, related_name and both sides of many to many",
    "def a(s: Shop):\n    s.item_set.get(price=1)\ndef b(t: Tag):\n    t.items.filter(price=1).first()\ndef c(i: Item):\n    i.tags.first()\n",
    [
      "a reads shop_item",
      "b reads shop_item",
      "b reads shop_item_tags",
      "c reads shop_tag",
      "c reads shop_item_tags",
    ],
  ],
  [
    "an attribute that is no relation is no access",
    "def a(s: Shop):\n    s.other_set.get(price=1)\n    s.name.count('x')\ndef b(thing):\n    thing.item_set.get(price=1)\n",
    [],
  ],
  [
    "links: many to many writes the table between, the other side of a foreign key its column",
    "def a(i: Item, t: Tag):\n    i.tags.add(t)\ndef b(i: Item):\n    i.tags.clear()\ndef c(s: Shop, i: Item):\n    s.item_set.add(i)\ndef d(seen: set):\n    seen.add(1)\n    seen.clear()\n",
    ["a inserts shop_item_tags", "b deletes shop_item_tags", "c updates shop_item (shop_id)"],
  ],
  [
    "counting what is linked needs only the table between",
    "def a(i: Item):\n    return i.tags.count()\n",
    ["a reads shop_item_tags"],
  ],
  [
    "a lookup joins what it passes, and not what its last column points to",
    "def joined():\n    return Item.objects.filter(shop__name='x').first()\ndef to_column():\n    return Item.objects.filter(shop__owner_id=1).first()\ndef on_key():\n    return Item.objects.filter(shop__id=1, shop__in=[1], shop_id=1).first()\ndef between():\n    return Item.objects.filter(tags__in=[1]).first()\ndef back():\n    return Shop.objects.exclude(item__detail__text='x').first()\n",
    [
      "joined reads shop_item",
      "joined reads shop_shop",
      "to_column reads shop_item",
      "to_column reads shop_shop",
      "on_key reads shop_item",
      "between reads shop_item",
      "between reads shop_item_tags",
      "back reads shop_shop",
      "back reads shop_item",
      "back reads shop_detail",
    ],
  ],
  [
    "Q under a name, F, aggregates and order_by",
    "def a():\n    dear = Q(shop__name='x')\n    return Item.objects.filter(dear | Q(price=1)).first()\ndef b():\n    return Item.objects.annotate(n=F('shop__name')).count()\ndef c():\n    return Item.objects.annotate(n=Count('tags')).count()\ndef d():\n    return Item.objects.order_by('-shop__name').first()\n",
    [
      "a reads shop_item",
      "a reads shop_shop",
      "b reads shop_item",
      "b reads shop_shop",
      "c reads shop_item",
      "c reads shop_item_tags",
      "d reads shop_item",
      "d reads shop_shop",
    ],
  ],
  [
    "select_related and prefetch_related read the whole path",
    "def a():\n    return Item.objects.select_related('shop').get(id=1)\ndef b():\n    return Item.objects.prefetch_related('tags').get(id=1)\n",
    [
      "a reads shop_item",
      "a reads shop_shop",
      "b reads shop_item",
      "b reads shop_tag",
      "b reads shop_item_tags",
    ],
  ],
  [
    "a subquery is read by the statement around it",
    "def a():\n    return Shop.objects.filter(Exists(Item.objects.filter(shop=OuterRef('pk')))).first()\ndef b():\n    dear = Item.objects.filter(price=1).values('shop_id')\n    return Shop.objects.filter(id__in=dear).count()\n",
    ["a reads shop_shop", "a reads shop_item", "b reads shop_shop", "b reads shop_item"],
  ],
  [
    "a query under a name is read where it is run, and not where it is only written",
    "def run():\n    q = Item.objects.filter(price=1)\n    q = q.exclude(shop__name='x')\n    for i in q:\n        print(i, len(q))\ndef up():\n    q = Item.objects.filter(price=1)\n    q.update(price=2)\ndef gone():\n    q = Item.objects.all()\n    q.delete()\n",
    ["run reads shop_item", "run reads shop_shop", "up updates shop_item (price)", "gone deletes shop_item"],
  ],
  [
    "two queries in one dictionary are two",
    "def a(request, s: Shop):\n    ctx = {}\n    ctx['tags'] = Tag.objects.order_by('name')\n    ctx['items'] = s.item_set.order_by('price')\n    return render(request, 'x.html', ctx)\n",
    ["a reads shop_tag", "a reads shop_item"],
  ],
  [
    "instances: made, looked up, given by functions in pairs, gone through",
    "def find(n):\n    return Item.objects.get(id=n), True\ndef made():\n    i = Item(price=1)\n    i.save()\ndef given():\n    i, ok = find(1)\n    i.save(update_fields=['price'])\n    ok.save()\ndef each():\n    for i in Item.objects.all():\n        i.delete()\ndef noted(make):\n    i: Item = make()\n    i.save()\n",
    [
      "find reads shop_item",
      "made inserts shop_item",
      "given updates shop_item (price)",
      "each reads shop_item",
      "each deletes shop_item",
      "noted updates shop_item",
    ],
  ],
  [
    "a query that another function built is read where it is gone through, with its joins",
    "def build():\n    return Item.objects.filter(shop__name='x')\ndef run():\n    for i in build():\n        print(i)\ndef pass_on():\n    return build()\n",
    ["build reads shop_item", "build reads shop_shop", "run reads shop_item", "run reads shop_shop"],
  ],
  [
    "a parameter that is a QuerySet is read where it is gone through, and not where it is passed on",
    "def a(qs: QuerySet[Item]):\n    for i in qs:\n        i.save()\ndef b(qs: QuerySet[Item]):\n    return a(qs)\n",
    ["a reads shop_item", "a updates shop_item"],
  ],
  [
    "a method of a manager has its own access; what it builds is run by the caller",
    "def a():\n    Item.objects.wipe()\ndef b():\n    return Item.objects.dear().count()\ndef c():\n    return Item.objects.dear()\n",
    ["b reads shop_item"],
  ],
  [
    "get_object_or_404 of a model, a query and a related manager",
    "def a():\n    return get_object_or_404(Item, shop__name='x')\ndef b():\n    return get_object_or_404(Item.objects.select_related('shop'), id=1)\ndef c(s: Shop):\n    i = get_object_or_404(s.item_set, id=1)\n    i.delete()\n",
    [
      "a reads shop_item",
      "a reads shop_shop",
      "b reads shop_item",
      "b reads shop_shop",
      "c reads shop_item",
      "c deletes shop_item",
    ],
  ],
  [
    "the async forms and the writes that look first",
    "async def a():\n    await Tag.objects.acreate(name='x')\nasync def b():\n    return await Tag.objects.aget(id=1)\ndef c():\n    t, made = Tag.objects.get_or_create(name='x')\n    t.save()\ndef d(rows):\n    Tag.objects.bulk_create(rows)\n",
    [
      "a inserts shop_tag (name)",
      "b reads shop_tag",
      "c reads shop_tag",
      "c inserts shop_tag (name)",
      "c updates shop_tag",
      "d inserts shop_tag",
    ],
  ],
  ["none() runs nothing", "def a():\n    return Item.objects.none()\n", []],
  [
    "the model between, and a through table of its own",
    "def a():\n    Item.tags.through.objects.filter(tag_id=1).delete()\n",
    ["a deletes shop_item_tags"],
  ],
  [
    "models of Django's own apps, by import, by get_user_model and by the request",
    "from django.contrib.auth.models import Group\nfrom django.contrib.auth import get_user_model\nUser = get_user_model()\ndef a():\n    return Group.objects.get(id=1)\ndef b():\n    return User.objects.filter(email='x').exists()\ndef c(request):\n    return request.user.shop_set.count()\n",
    ["a reads auth_group", "b reads auth_user", "c reads shop_shop"],
  ],
  [
    "a user model of the tree",
    "from django.contrib.auth import get_user_model\ndef a():\n    return get_user_model().objects.count()\n",
    ["a reads people_person"],
    {
      "settings.py": 'AUTH_USER_MODEL = "people.Person"\n',
      "people/models.py":
        "from django.contrib.auth.models import AbstractUser\nclass Person(AbstractUser):\n    pass\n",
    },
  ],
  [
    "forms and serializers of a model",
    "from django import forms\nfrom rest_framework import serializers\nclass F1(forms.ModelForm):\n    class Meta:\n        model = Tag\nclass F2(forms.Form):\n    pass\nclass S1(serializers.ModelSerializer):\n    class Meta:\n        model = Item\n    def create(self, data):\n        return super().create(data)\ndef new(request):\n    F1(request.POST).save()\ndef old(request, t):\n    F1(request.POST, instance=t).save()\ndef later(request):\n    t = F1(request.POST).save(commit=False)\n    print(t)\ndef plain(request):\n    F2(request.POST).save()\ndef own(request):\n    S1(data=request.data).save()\n",
    ["create inserts shop_item", "new inserts shop_tag", "old updates shop_tag"],
  ],
  [
    "migrations: models of the tree, models that are gone, and none of an unknown app",
    "",
    ["forwards reads shop_item", "forwards updates shop_item", "forwards deletes shop_basket"],
    {
      "shop/migrations/0002_x.py":
        'def forwards(apps, schema_editor):\n    Item = apps.get_model("shop", "Item")\n    for i in Item.objects.all():\n        i.save()\n    apps.get_model("shop.Basket").objects.all().delete()\n    apps.get_model("elsewhere", "Thing").objects.all().delete()\n',
    },
  ],
];

describe("Django: which function reads and writes which table", () => {
  test.each(CASES)("%s", async (_, code, expected, more) => {
    const lines = accessLines(await factsFrom(shop(code, more)));
    expect(lines.filter((line) => !MANAGER.includes(line)).sort()).toEqual([...new Set(expected)].sort());
  });

  test("a subquery on lines of its own is told with the statement that reads it, and nowhere else", async () => {
    const facts = await factsFrom(
      shop(
        "def a():\n    dear = Item.objects.filter(price=1).values('shop_id')\n    print('x')\n    return Shop.objects.filter(id__in=dear).count()\n",
      ),
    );
    const rows = facts.access.filter((row) => row.function === "a");
    expect(rows.map((row) => `${row.line} ${row.table_name}`).sort()).toEqual(["6 shop_item", "6 shop_shop"]);
    const inline = await factsFrom(
      shop(
        "def a():\n    return Shop.objects.filter(\n        id__in=Item.objects.filter(price=1)\n    ).count()\n",
      ),
    );
    expect(inline.access.filter((row) => row.function === "a").map((row) => row.line)).toEqual([4, 4]);
  });

  test("a manager's own create and delete are calls of them, not accesses of the caller", async () => {
    const facts = await factsFrom({
      "box/models.py":
        "from django.db import models\nclass Rows(models.QuerySet):\n    def delete(self):\n        return self.update(gone=True)\nclass Box(models.Model):\n    gone = models.BooleanField()\n    objects = Rows.as_manager()\n",
      "box/code.py": "from box.models import Box\ndef a():\n    Box.objects.filter(gone=False).delete()\n",
    });
    expect(accessLines(facts)).toEqual(["delete updates box_box (gone)"]);
  });

  test("what a manager's method builds or deletes is the method's access", async () => {
    expect(accessLines(await factsFrom(shop(""))).sort()).toEqual(MANAGER);
  });

  test("a read is told on the line that runs the query", async () => {
    const facts = await factsFrom(
      shop("def a():\n    q = Item.objects.filter(price=1)\n    print('x')\n    return q.count()\n"),
    );
    expect(facts.access.filter((row) => row.function === "a").map((row) => row.line)).toEqual([6]);
  });
});

describe("Django: the tables that models declare", () => {
  test("managers and choices are none; the table between and the label of an AppConfig count", async () => {
    const facts = await factsFrom({
      "shop/apps.py":
        'from django.apps import AppConfig\nclass C(AppConfig):\n    name = "shop"\n    label = "store"\n',
      "shop/models.py":
        'from django.db import models\nclass Boss(models.Manager):\n    pass\nclass Size(models.TextChoices):\n    S = "s"\nclass Tag(models.Model):\n    name = models.CharField()\nclass Item(models.Model):\n    tags = models.ManyToManyField(Tag)\nclass Dear(Item):\n    class Meta:\n        proxy = True\n',
    });
    expect(facts.tables.map((table) => `${table.name} (${table.columns.join(", ")})`).sort()).toEqual([
      "store_item ()",
      "store_item_tags (id, item_id, tag_id)",
      "store_tag (name)",
    ]);
  });
});
