package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"

	"zhanggui/internal/journal"
	"zhanggui/internal/query"
	"zhanggui/internal/store"
)

// sought is a row of which the journal's entries are looked for: a record with its lines, or an attachment.
type sought struct {
	table, id string
	at        string // when it came about
	version   int64  // of a record: each act that wrote it or its lines made one more; 0 of an attachment
}

// seek names what is looked for of the records of a packet, as they stand now.
func (w *work) seek(list []*Record) (all []*sought, err error) {
	for _, r := range list {
		n, _ := r.row["etag"].(int64)
		all = append(all, &sought{r.form.Table, r.id, str(r.row["at"]), n})
		files, err := w.packetFiles(r)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			all = append(all, &sought{fileTable.Name, str(f["id"]), str(f["at"]), 0})
		}
	}
	return all, nil
}

// packetFiles are the attachments that a record and its lines name in fields which the reader sees.
func (w *work) packetFiles(r *Record) (files []store.Row, err error) {
	var ids []string
	for _, f := range r.form.Fields {
		if attaches(f) && w.visible(r, f) == full {
			ids = append(ids, fileIDs(r.row[f.ID])...)
		}
	}
	for _, l := range r.form.Lines {
		rows, err := r.Lines(l.ID)
		if err != nil {
			return nil, err
		}
		for _, f := range l.Fields {
			if !attaches(f) || w.visible(r, f) != full {
				continue
			}
			for _, x := range rows {
				ids = append(ids, fileIDs(x.row[f.ID])...)
			}
		}
	}
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		rows, err := w.tx.Select(query.Select{Table: fileTable.Name, Alias: "f", Where: query.Eq("f", "id", id)})
		if err != nil {
			return nil, err
		}
		files = append(files, rows...)
	}
	return files, nil
}

// findLeaves finds the sealed entries that tell of what is sought or wrote it, in the order of the log. Those of a record are found
// by its id. An entry of another record that wrote this one left a gap in the versions, and only what came about between the
// versions beside the gap is looked through for it.
func (e *Engine) findLeaves(ctx context.Context, size int64, list []*sought) ([]store.Leaf, error) {
	all := map[int64]store.Leaf{}
	for _, s := range list {
		turns := map[int64]int64{} // of versions
		take := func(leaves []store.Leaf, err error) error {
			for _, l := range leaves {
				x, bad := journal.Parse(l.Body)
				if bad != nil {
					return bad
				}
				all[l.Leaf] = l
				for _, row := range x.Rows {
					if n := wholeOf(row.Set["etag"]); n > 0 && row.Table == s.table && row.Key == s.id {
						turns[n] = x.Turn
					}
				}
			}
			return err
		}
		if s.version > 0 {
			if err := take(e.DB.LeavesOf(ctx, size, s.id)); err != nil {
				return nil, err
			}
		}
		if turns[1] == 0 {
			if err := take(e.DB.LeavesAt(ctx, size, s.at, s.id)); err != nil {
				return nil, err
			}
		}
		for v := int64(1); v <= s.version; v++ {
			if turns[v] != 0 {
				continue
			}
			next := v
			for next <= s.version && turns[next] == 0 {
				next++
			}
			if err := take(e.DB.LeavesBetween(ctx, size, turns[v-1], turns[next], s.id)); err != nil {
				return nil, err
			}
			v = next
		}
	}
	return slices.SortedFunc(maps.Values(all), func(a, b store.Leaf) int { return cmp.Compare(a.Leaf, b.Leaf) }), nil
}

// wholeOf reads a whole number as entries hold it, 0 if it is none.
func wholeOf(v any) int64 {
	n, _ := v.(json.Number)
	i, _ := n.Int64()
	return i
}
