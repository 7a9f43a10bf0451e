-- aggregates
SELECT (SELECT COALESCE(sum("i"."price")::bigint, 0) FROM "item" AS "i" WHERE ("i"."bill" = "b"."id")) AS "sum", (SELECT min("i"."price") FROM "item" AS "i" WHERE ("i"."bill" = "b"."id")) AS "min", (SELECT bool_or("i"."ok") FROM "item" AS "i" WHERE ("i"."bill" = "b"."id")) AS "max", (SELECT round(avg("i"."price"))::bigint FROM "item" AS "i" WHERE ("i"."bill" = "b"."id")) AS "avg", (SELECT count(DISTINCT "i"."price") FROM "item" AS "i" WHERE ("i"."bill" = "b"."id")) AS "distinct", (SELECT count(*) FROM "item" AS "i" WHERE ("i"."bill" = "b"."id")) AS "count" FROM "bill" AS "b"
-- []interface {}(nil) [{sum int} {min int} {max bool} {avg int} {distinct int} {count int}]

-- all
SELECT "t"."id", "t"."name", "t"."amount", "t"."paid", "t"."at", "t"."unit" FROM "bill" AS "t"
-- []interface {}(nil) [{id text} {name text} {amount int} {paid bool} {at text} {unit text}]

-- and or not
SELECT "b"."id" AS "id" FROM "bill" AS "b" WHERE (("b"."paid" OR (NOT "b"."paid")) AND ("b"."paid" = $1::boolean))
-- []interface {}{true} [{id text}]

-- arithmetic
SELECT "b"."id" AS "id" FROM "bill" AS "b" WHERE (("b"."amount" + $1::bigint + ("b"."amount" - $2::bigint)) = ($3::bigint * (- "b"."amount")))
-- []interface {}{1, 2, 3} [{id text}]

-- case
SELECT "b"."id" AS "id" FROM "bill" AS "b" WHERE (CASE WHEN "b"."paid" THEN $1::text WHEN ("b"."paid" IS NULL) THEN NULL::text ELSE (SELECT "#1"."name" FROM "unit" AS "#1" WHERE "#1"."id" = "b"."unit") END = $1::text)
-- []interface {}{"y"} [{id text}]

-- coalesce
SELECT "b"."id" AS "id" FROM "bill" AS "b" WHERE COALESCE("b"."paid", $1::boolean)
-- []interface {}{false} [{id text}]

-- compare
SELECT "b"."id" AS "id" FROM "bill" AS "b" WHERE (("b"."name" <> $1::text) AND ("b"."amount" < $2::bigint) AND ("b"."amount" <= $2::bigint) AND ("b"."at" > $3::text) AND ("b"."at" >= $3::text))
-- []interface {}{"x", 5, "2026"} [{id text}]

-- contains
SELECT "b"."id" AS "id" FROM "bill" AS "b" WHERE ((strpos("b"."name", $1::text) > 0) AND (strpos("b"."name", "b"."unit") > 0))
-- []interface {}{"50%_\\"} [{id text}]

-- empty and
SELECT "b"."id" AS "id" FROM "bill" AS "b" WHERE (TRUE AND FALSE)
-- []interface {}(nil) [{id text}]

-- exists
SELECT "b"."id" AS "id" FROM "bill" AS "b" WHERE EXISTS (SELECT 1 FROM "item" AS "i" WHERE ("i"."bill" = "b"."id"))
-- []interface {}(nil) [{id text}]

-- few members
SELECT "b"."id" AS "id" FROM "bill" AS "b" WHERE ("b"."name" IN ($1::text, "b"."unit", NULL::text))
-- []interface {}{"a"} [{id text}]

-- group
SELECT CASE WHEN ("b"."amount" > $1::bigint) THEN $2::text ELSE $3::text END AS "size", count(*) AS "n", COALESCE(sum("b"."amount")::bigint, 0) AS "total", bool_and("b"."paid") AS "all_paid", round(avg("b"."amount"))::bigint AS "mean" FROM "bill" AS "b" GROUP BY CASE WHEN ("b"."amount" > $1::bigint) THEN $2::text ELSE $3::text END ORDER BY CASE WHEN ("b"."amount" > $1::bigint) THEN $2::text ELSE $3::text END NULLS FIRST
-- []interface {}{100, "big", "small"} [{size text} {n int} {total int} {all_paid bool} {mean int}]

-- many ints
SELECT "b"."id" AS "id" FROM "bill" AS "b" WHERE ("b"."amount" = ANY($1::bigint[]))
-- []interface {}{[]int64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}} [{id text}]

-- many texts
SELECT "b"."id" AS "id" FROM "bill" AS "b" WHERE ("b"."name" = ANY($1::text[]))
-- []interface {}{[]string{"m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "m9"}} [{id text}]

-- nested
SELECT "b"."id" AS "id" FROM "bill" AS "b" WHERE EXISTS (SELECT 1 FROM "item" AS "i" WHERE ((SELECT count(*) FROM "item" AS "j" WHERE ("j"."bill" = "i"."bill")) = $1::bigint))
-- []interface {}{2} [{id text}]

-- no member
SELECT "b"."id" AS "id" FROM "bill" AS "b" WHERE FALSE
-- []interface {}(nil) [{id text}]

-- null
SELECT "b"."id" AS "id" FROM "bill" AS "b" WHERE (("b"."name" IS NULL) OR ("b"."name" = NULL::text))
-- []interface {}(nil) [{id text}]

-- offset
SELECT "b"."id" AS "id" FROM "bill" AS "b" OFFSET $1::bigint
-- []interface {}{3} [{id text}]

-- page
SELECT "b"."id", "b"."name", "b"."amount", "b"."paid", "b"."at", "b"."unit" FROM "bill" AS "b" ORDER BY "b"."name" DESC NULLS LAST, "b"."unit" NULLS FIRST, "b"."at", "b"."id" DESC LIMIT 20 OFFSET $1::bigint
-- []interface {}{40} [{id text} {name text} {amount int} {paid bool} {at text} {unit text}]

-- reference
SELECT "b"."id" AS "id" FROM "bill" AS "b" WHERE ((SELECT "#1"."name" FROM "unit" AS "#1" WHERE "#1"."id" = (SELECT "#2"."parent" FROM "unit" AS "#2" WHERE "#2"."id" = "b"."unit")) = $1::text)
-- []interface {}{"总部"} [{id text}]

-- starts with
SELECT "b"."id" AS "id" FROM "bill" AS "b" WHERE (("b"."name" >= $1::text AND "b"."name" < $2::text) AND ("b"."name" >= $3::text) AND starts_with("b"."name", "b"."unit"))
-- []interface {}{"张三", "张上", ""} [{id text}]

