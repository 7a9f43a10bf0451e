package store

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// hit is an entry that was found.
type hit struct {
	n  int64
	id string
}

// stretch is from which part to which the entries of a table lie.
type stretch struct{ code, low, top int64 }

const (
	firstParts = 2   // of each table, that are looked into at once: the newest may have just begun
	mostParts  = 128 // of a table that one question looks into
)

// stretches are the tables that have entries; code 0 = all.
func (tx *Tx) stretches(code int64) ([]stretch, error) {
	e, first := `"`+entryTable+`" e`, ""
	if code > 0 {
		first = fmt.Sprintf(` WHERE e."n" BETWEEN %d AND %d`, code<<placeBits, code<<placeBits+1<<placeBits-1)
	}
	sql := `WITH RECURSIVE t("n") AS (SELECT max(e."n") FROM ` + e + first + ` UNION ALL SELECT (SELECT max(e."n") FROM ` + e +
		` WHERE e."n" < (t."n" >> 32) << 32) FROM t WHERE t."n" IS NOT NULL` + pick(code > 0, " AND FALSE", "") + `)
SELECT t."n" >> 32 AS "code", (SELECT min(e."n") FROM ` + e + ` WHERE e."n" >= (t."n" >> 32) << 32) >> 12 AS "low", t."n" >> 12 AS "top" FROM t WHERE t."n" IS NOT NULL`
	rows, err := tx.ask(sql, nil, []column{{"code", Int}, {"low", Int}, {"top", Int}})
	list := make([]stretch, len(rows))
	for i, row := range rows {
		list[i] = stretch{row["code"].(int64), row["low"].(int64), row["top"].(int64)}
	}
	return list, tx.fail(err)
}

// matchPG is match on PostgreSQL: of each table the newest entries that have all pieces, one more than FewPieces at the most.
func (tx *Tx) matchPG(lists [][][]string) (map[int64][]hit, error) {
	key := fmt.Sprint(lists)
	if had := tx.found[key]; had != nil {
		return had, nil
	}
	had, err := tx.lookInto(0, lists, FewPieces+1)
	if err != nil {
		return nil, err
	}
	if tx.found == nil {
		tx.found = map[string]map[int64][]hit{}
	}
	tx.found[key] = had
	return had, nil
}

// newestPG is newestLite on PostgreSQL.
func (tx *Tx) newestPG(code int64, lists [][][]string, most int) (ids []string, whole bool, err error) {
	var had map[int64][]hit
	if most <= FewPieces {
		had, err = tx.matchPG(lists)
	} else {
		had, err = tx.lookInto(code, lists, most+1)
	}
	for _, h := range had[code][:min(len(had[code]), most)] {
		ids = append(ids, h.id)
	}
	return ids, len(had[code]) <= most, err
}

// lookInto are of each table, or of one, the newest entries that have all pieces, most of them. It looks into the newest parts of each, and
// of those that have not given enough into the next, each time into twice as many: the fewer a part gives, the more are looked into at once.
func (tx *Tx) lookInto(code int64, lists [][][]string, most int) (map[int64][]hit, error) {
	left, err := tx.stretches(code)
	had := map[int64][]hit{}
	// Each part is looked into by itself: of a condition that names many the server expects that much has them, and reads the whole table.
	var pieces []any
	sql := fmt.Sprintf(`SELECT f."n", f."id" FROM unnest($1::bigint[], $2::integer[]) p(part, mix), LATERAL (SELECT e."n", e."id" FROM "%s" e WHERE %s AND (e."n" >> %d) = p.part
ORDER BY e."n" + 0 DESC LIMIT %d) f`, entryTable, having(lists, func(all []string) string {
		var b strings.Builder
		for i, h := range numbered(all) {
			pieces = append(pieces, h)
			fmt.Fprintf(&b, "%s$%d::integer # p.mix", pick(i == 0, "", ", "), len(pieces)+2)
		}
		return `e."p" @> ARRAY[` + b.String() + `]`
	}), partBits, most) // an index by n would serve the order, and would be gone through for what few have
	for n := int64(firstParts); len(left) > 0 && err == nil; n = min(2*n, mostParts) {
		var parts []int64
		var mixes []int32
		for i := range left {
			s := &left[i]
			for k := int64(0); k < n && s.top >= s.low; k++ {
				parts, mixes = append(parts, s.top), append(mixes, mixOf(s.top))
				s.top--
			}
		}
		var found []hit
		found, err = tx.askHits(sql, append([]any{parts, mixes}, pieces...))
		for _, h := range found {
			had[h.n>>placeBits] = append(had[h.n>>placeBits], h)
		}
		left = slices.DeleteFunc(left, func(s stretch) bool { return s.top < s.low || len(had[s.code]) >= most })
	}
	for code, list := range had {
		slices.SortFunc(list, func(a, b hit) int { return cmp.Compare(b.n, a.n) })
		had[code] = list[:min(len(list), most)]
	}
	return had, err
}

func (tx *Tx) askHits(sql string, args []any) ([]hit, error) {
	rows, err := tx.ask(sql, args, []column{{"n", Int}, {"id", Text}})
	list := make([]hit, len(rows))
	for i, row := range rows {
		list[i].n, _ = row["n"].(int64)
		list[i].id, _ = row["id"].(string)
	}
	return list, tx.fail(err)
}
