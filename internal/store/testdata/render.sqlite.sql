-- aggregates
SELECT (SELECT COALESCE(sum("i"."price"), 0) FROM "item" AS "i" WHERE ("i"."bill" = "b"."id")) AS "sum", (SELECT min("i"."price") FROM "item" AS "i" WHERE ("i"."bill" = "b"."id")) AS "min", (SELECT max("i"."ok") FROM "item" AS "i" WHERE ("i"."bill" = "b"."id")) AS "max", (SELECT (2 * sum("i"."price") + CASE WHEN sum("i"."price") < 0 THEN -1 ELSE 1 END * count("i"."price")) / (2 * count("i"."price")) FROM "item" AS "i" WHERE ("i"."bill" = "b"."id")) AS "avg", (SELECT count(DISTINCT "i"."price") FROM "item" AS "i" WHERE ("i"."bill" = "b"."id")) AS "distinct", (SELECT count(*) FROM "item" AS "i" WHERE ("i"."bill" = "b"."id")) AS "count" FROM "bill" AS "b"
-- []interface {}(nil) [{sum int} {min int} {max bool} {avg int} {distinct int} {count int}]

-- all
SELECT "t"."id", "t"."name", "t"."amount", "t"."paid", "t"."at", "t"."unit" FROM "bill" AS "t"
-- []interface {}(nil) [{id text} {name text} {amount int} {paid bool} {at text} {unit text}]

-- and or not
SELECT "b"."id" AS "id" FROM "bill" AS "b" WHERE (("b"."paid" OR (NOT "b"."paid")) AND ("b"."paid" = ?))
-- []interface {}{true} [{id text}]

-- arithmetic
SELECT "b"."id" AS "id" FROM "bill" AS "b" WHERE (("b"."amount" + ? + ("b"."amount" - ?)) = (? * (- "b"."amount")))
-- []interface {}{1, 2, 3} [{id text}]

-- case
SELECT "b"."id" AS "id" FROM "bill" AS "b" WHERE (CASE WHEN "b"."paid" THEN ? WHEN ("b"."paid" IS NULL) THEN NULL ELSE (SELECT "#1"."name" FROM "unit" AS "#1" WHERE "#1"."id" = "b"."unit") END = ?)
-- []interface {}{"y", "y"} [{id text}]

-- coalesce
SELECT "b"."id" AS "id" FROM "bill" AS "b" WHERE COALESCE("b"."paid", ?)
-- []interface {}{false} [{id text}]

-- compare
SELECT "b"."id" AS "id" FROM "bill" AS "b" WHERE (("b"."name" <> ?) AND ("b"."amount" < ?) AND ("b"."amount" <= ?) AND ("b"."at" > ?) AND ("b"."at" >= ?))
-- []interface {}{"x", 5, 5, "2026", "2026"} [{id text}]

-- contains
SELECT "b"."id" AS "id" FROM "bill" AS "b" WHERE ((instr("b"."name", ?) > 0) AND (instr("b"."name", "b"."unit") > 0))
-- []interface {}{"50%_\\"} [{id text}]

-- empty and
SELECT "b"."id" AS "id" FROM "bill" AS "b" WHERE (TRUE AND FALSE)
-- []interface {}(nil) [{id text}]

-- exists
SELECT "b"."id" AS "id" FROM "bill" AS "b" WHERE EXISTS (SELECT 1 FROM "item" AS "i" WHERE ("i"."bill" = "b"."id"))
-- []interface {}(nil) [{id text}]

-- few members
SELECT "b"."id" AS "id" FROM "bill" AS "b" WHERE ("b"."name" IN (?, "b"."unit", NULL))
-- []interface {}{"a"} [{id text}]

-- group
SELECT CASE WHEN ("b"."amount" > ?) THEN ? ELSE ? END AS "size", count(*) AS "n", COALESCE(sum("b"."amount"), 0) AS "total", min("b"."paid") AS "all_paid", (2 * sum("b"."amount") + CASE WHEN sum("b"."amount") < 0 THEN -1 ELSE 1 END * count("b"."amount")) / (2 * count("b"."amount")) AS "mean" FROM "bill" AS "b" GROUP BY CASE WHEN ("b"."amount" > ?) THEN ? ELSE ? END ORDER BY CASE WHEN ("b"."amount" > ?) THEN ? ELSE ? END
-- []interface {}{100, "big", "small", 100, "big", "small", 100, "big", "small"} [{size text} {n int} {total int} {all_paid bool} {mean int}]

-- many ints
SELECT "b"."id" AS "id" FROM "bill" AS "b" WHERE ("b"."amount" IN (SELECT value FROM json_each(?)))
-- []interface {}{"[0,1,2,3,4,5,6,7,8,9]"} [{id text}]

-- many texts
SELECT "b"."id" AS "id" FROM "bill" AS "b" WHERE ("b"."name" IN (SELECT value FROM json_each(?)))
-- []interface {}{"[\"m0\",\"m1\",\"m2\",\"m3\",\"m4\",\"m5\",\"m6\",\"m7\",\"m8\",\"m9\"]"} [{id text}]

-- nested
SELECT "b"."id" AS "id" FROM "bill" AS "b" WHERE EXISTS (SELECT 1 FROM "item" AS "i" WHERE ((SELECT count(*) FROM "item" AS "j" WHERE ("j"."bill" = "i"."bill")) = ?))
-- []interface {}{2} [{id text}]

-- no member
SELECT "b"."id" AS "id" FROM "bill" AS "b" WHERE FALSE
-- []interface {}(nil) [{id text}]

-- null
SELECT "b"."id" AS "id" FROM "bill" AS "b" WHERE (("b"."name" IS NULL) OR ("b"."name" = NULL))
-- []interface {}(nil) [{id text}]

-- offset
SELECT "b"."id" AS "id" FROM "bill" AS "b" LIMIT -1 OFFSET ?
-- []interface {}{3} [{id text}]

-- page
SELECT "b"."id", "b"."name", "b"."amount", "b"."paid", "b"."at", "b"."unit" FROM "bill" AS "b" ORDER BY "b"."name" DESC, "b"."unit", "b"."at", "b"."id" DESC LIMIT 20 OFFSET ?
-- []interface {}{40} [{id text} {name text} {amount int} {paid bool} {at text} {unit text}]

-- reference
SELECT "b"."id" AS "id" FROM "bill" AS "b" WHERE ((SELECT "#1"."name" FROM "unit" AS "#1" WHERE "#1"."id" = (SELECT "#2"."parent" FROM "unit" AS "#2" WHERE "#2"."id" = "b"."unit")) = ?)
-- []interface {}{"总部"} [{id text}]

-- starts with
SELECT "b"."id" AS "id" FROM "bill" AS "b" WHERE (("b"."name" >= ? AND "b"."name" < ?) AND ("b"."name" >= ?) AND (substr("b"."name", 1, length("b"."unit")) = "b"."unit"))
-- []interface {}{"张三", "张上", ""} [{id text}]

