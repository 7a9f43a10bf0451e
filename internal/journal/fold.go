package journal

import (
	"cmp"
	"slices"
)

// Fold adds up what entries left in rows, whatever the order in which the entries are given.
type Fold struct {
	acts []act
	rows map[[2]string]*Row
}

type act struct {
	turn int64
	rows []Row
}

// Add takes the canonical bytes of an entry.
func (f *Fold) Add(body []byte) error {
	turn, rows, err := Writes(body)
	if err == nil {
		f.acts, f.rows = append(f.acts, act{turn, rows}), nil
	}
	return err
}

// Row is what the entries add up to; false if none wrote the row, or the last one removed it.
func (f *Fold) Row(table, key string) (Row, bool) {
	if f.rows == nil {
		f.add()
	}
	r := f.rows[[2]string{table, key}]
	if r == nil || r.Gone {
		return Row{}, false
	}
	return *r, true
}

func (f *Fold) add() {
	slices.SortStableFunc(f.acts, func(a, b act) int { return cmp.Compare(a.turn, b.turn) })
	f.rows = map[[2]string]*Row{}
	for _, a := range f.acts {
		for _, r := range a.rows {
			k := [2]string{r.Table, r.Key}
			have := f.rows[k]
			if have == nil || r.New || r.Gone {
				have = &Row{Table: r.Table, Key: r.Key, Set: map[string]any{}}
				f.rows[k] = have
			}
			have.Gone = r.Gone
			for name, v := range r.Set {
				have.Set[name] = v
			}
		}
	}
}
