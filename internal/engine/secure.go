package engine

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"time"

	"zhanggui/internal/fault"
	"zhanggui/internal/journal"
	"zhanggui/internal/keep"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// Before the engine answers anybody, what stands in plain in columns that are personal now is sealed, nobody finds a record by what
// is closed now, and what was erased stays erased: an older copy of the data may have come back, or the program may have stopped in the middle.

// Secured counts what Secure did.
type Secured struct {
	Sealed int // values that stood in plain
	Erased int // keys that were destroyed, or whose traces were blanked, once more
}

const (
	metaSealed = "sealed" // columns of which no plain value is left
	sealRows   = 200      // rows of one transaction: an interruption loses no more
)

// Secure seals plain values of personal columns and repeats erasures. Progress is told after each lot of rows. It may be
// interrupted and called again; nodes that start together take turns.
func (e *Engine) Secure(ctx context.Context, now time.Time, progress func(table string, rows int)) (Secured, error) {
	now = now.UTC().Truncate(time.Millisecond)
	var out Secured
	if err := e.checkKeys(ctx); err != nil {
		return out, err
	}
	if err := e.repeatErasures(ctx, now, &out); err != nil {
		return out, err
	}
	done, err := e.sealedColumns(ctx)
	if err != nil {
		return out, err
	}
	tables := map[string]bool{}
	var columns []string
	before := out.Sealed
	for _, b := range e.Lib.Books {
		for _, f := range b.Forms {
			var fresh []string
			for _, c := range append(personalColumns(f), closedColumns(f)...) {
				columns = append(columns, c)
				if !done[c] {
					fresh = append(fresh, c)
				}
			}
			if len(fresh) == 0 {
				continue
			}
			if err := e.sealForm(ctx, now, f, progress, &out); err != nil {
				return out, err
			}
			tables[f.Table] = true
			for _, l := range f.Lines {
				tables[l.Table] = true
			}
		}
	}
	if len(tables) == 0 {
		return out, nil
	}
	if out.Sealed > before { // what was overwritten is not to lie in the file, nor in its log
		list := sortedKeys(tables)
		if err := e.DB.Rewrite(ctx, list...); err != nil {
			return out, err
		}
	}
	sort.Strings(columns)
	return out, e.DB.Write(ctx, func(tx *store.Tx) error {
		return tx.Upsert("meta", []string{"key"}, store.Row{"key": metaSealed, "value": strings.Join(columns, " ")})
	})
}

// CheckKeys refuses a keystore that is not this database's: without its keys nothing personal could be read, and new values
// would be sealed apart from the old. A keystore that lacks some keys, being an older copy, serves; it answers how many of the last it lacks.
func CheckKeys(ctx context.Context, db *store.DB, keys *keep.Keeper) (missing, of int, err error) {
	var ids []string
	err = db.Read(ctx, func(tx *store.Tx) error {
		ids = nil
		rows, err := tx.Select(query.Select{Table: subjectTable.Name, Alias: "k", Limit: 400, Order: []query.Order{{Expr: query.Col{Alias: "k", Name: "at"}, Desc: true}, {Expr: query.Col{Alias: "k", Name: "key"}}},
			Where: query.Op{Name: "isnull", Args: []query.Expr{query.Col{Alias: "k", Name: "erased"}}}})
		for _, row := range rows {
			ids = append(ids, str(row["key"]))
		}
		return err
	})
	if err != nil || len(ids) == 0 {
		return 0, 0, err
	}
	lacks, err := keys.Missing(ctx, ids)
	if err == nil && len(lacks) == len(ids) {
		err = fault.New(fault.Internal, "密钥库里没有这个数据库的密钥：请把原来的密钥库放回来", "The keystore has none of the keys of this database: bring back the keystore that belongs to it")
	}
	return len(lacks), len(ids), err
}

// checkKeys is CheckKeys of this engine; somebody is told of keys that are missing.
func (e *Engine) checkKeys(ctx context.Context) error {
	missing, of, err := CheckKeys(ctx, e.DB, e.keep)
	if err == nil && missing > 0 && e.opts.Alarm != nil {
		e.opts.Alarm("keys of personal data are missing: the keystore is older than the data", fmt.Sprintf("%d of the last %d", missing, of))
	}
	return err
}

// personalColumns are those of a form and its lines.
func personalColumns(f *rulebook.Form) []string {
	var list []string
	for _, fd := range f.Fields {
		if fd.Personal && !live(fd) {
			list = append(list, f.Table+"."+fd.Column)
		}
	}
	for _, l := range f.Lines {
		for _, fd := range l.Fields {
			if fd.Personal {
				list = append(list, l.Table+"."+fd.Column)
			}
		}
	}
	return list
}

// closedColumns are, under a name that no column has, those of a form that another rulebook closes: what people type no longer finds
// a record by them, nor one that was saved before.
func closedColumns(f *rulebook.Form) []string {
	var list []string
	for _, fd := range f.Fields {
		if fd.Class != nil && fd.Class.Added && !live(fd) {
			list = append(list, f.Table+"."+fd.Column+"/search")
		}
	}
	return list
}

func (e *Engine) sealedColumns(ctx context.Context) (map[string]bool, error) {
	done := map[string]bool{}
	err := e.DB.Read(ctx, func(tx *store.Tx) error {
		rows, err := tx.Select(query.Select{Table: "meta", Alias: "m", Where: query.Eq("m", "key", metaSealed), Limit: 1})
		if err == nil && len(rows) > 0 {
			for _, c := range strings.Fields(str(rows[0]["value"])) {
				done[c] = true
			}
		}
		return err
	})
	return done, err
}

// sealForm goes through a form's records by id.
func (e *Engine) sealForm(ctx context.Context, now time.Time, f *rulebook.Form, progress func(string, int), out *Secured) error {
	last, total := "", 0
	for {
		n, sealed := 0, 0
		err := e.DB.Write(ctx, func(tx *store.Tx) error {
			n, sealed = 0, 0
			if err := tx.Lock("personal.seal"); err != nil {
				return err
			}
			w, err := e.begin(ctx, tx, now, Actor{System: true, Origin: "system"})
			if err != nil {
				return err
			}
			rows, err := tx.SelectForUpdate(query.Select{Table: f.Table, Alias: "t", Limit: sealRows, Order: []query.Order{{Expr: query.Col{Alias: "t", Name: "id"}}},
				Where: query.Op{Name: ">", Args: []query.Expr{query.Col{Alias: "t", Name: "id"}, query.Const{Value: last}}}})
			if err != nil {
				return err
			}
			for _, row := range rows {
				k, err := w.sealRecord(w.adopt(f, row))
				if err != nil {
					return err
				}
				sealed += k
			}
			if n = len(rows); n > 0 {
				last = str(rows[n-1]["id"])
			}
			return nil
		})
		if err != nil {
			return err
		}
		total, out.Sealed = total+n, out.Sealed+sealed
		if sealed > 0 && progress != nil {
			progress(f.Table, total)
		}
		if n < sealRows {
			return nil
		}
	}
}

// sealRecord seals what of a record and its lines is still plain, and says so in the journal: an entry that names the sealed
// value and not the plain one.
func (w *work) sealRecord(r *Record) (int, error) {
	n := 0
	set := store.Row{}
	var changed []journal.Change
	for _, f := range r.form.Fields {
		s, ok := r.row[f.ID].(string)
		if !ok || !f.Personal || live(f) || keep.Sealed(s) {
			continue
		}
		v, err := w.decode(s, f.Type)
		if err != nil {
			return 0, err
		}
		if r.row[f.ID], r.row[f.Mark()], err = w.seal(f, r.place(f), r.subject(), false, v, s); err != nil {
			return 0, err
		}
		set[f.Column], set[f.Mark()] = r.row[f.ID], r.row[f.Mark()]
		changed = append(changed, journal.Change{Form: r.form.Key, Record: r.id, Field: f.ID, New: str(r.row[f.ID])})
		n++
	}
	for _, l := range r.form.Lines {
		if !hasPersonal(l.Fields) {
			continue
		}
		lines, err := r.Lines(l.ID)
		if err != nil {
			return 0, err
		}
		for _, x := range lines {
			line := store.Row{}
			for _, f := range l.Fields {
				s, ok := x.row[f.ID].(string)
				if !ok || !f.Personal || keep.Sealed(s) {
					continue
				}
				v, err := w.decode(s, f.Type)
				if err != nil {
					return 0, err
				}
				if x.row[f.ID], x.row[f.Mark()], err = w.seal(f, x.place(f), x.id, false, v, s); err != nil {
					return 0, err
				}
				line[f.Column], line[f.Mark()] = x.row[f.ID], x.row[f.Mark()]
				n++
			}
			if len(line) > 0 {
				if _, err := w.tx.Update(l.Table, store.Row{"id": x.id}, line); err != nil {
					return 0, err
				}
			}
		}
	}
	if n == 0 {
		text := r.searchText()
		if text == str(r.row["search"]) {
			return 0, nil
		}
		_, err := w.tx.Update(r.form.Table, store.Row{"id": r.id}, store.Row{"search": text})
		return 0, err
	}
	set["search"] = r.searchText()
	if _, err := w.tx.Update(r.form.Table, store.Row{"id": r.id}, set); err != nil {
		return 0, err
	}
	if w.e.opts.Quiet {
		return n, nil
	}
	entry, err := w.entry(r, Act{Form: r.form.Key, Action: "seal"})
	if err != nil {
		return 0, err
	}
	entry.Changed = changed
	return n, w.append(entry)
}

// repeatErasures brings keystore and data to the same list of erasures, whichever of them came back from an older copy.
func (e *Engine) repeatErasures(ctx context.Context, now time.Time, out *Secured) error {
	gone, err := e.keep.Destroyed(ctx)
	if err != nil {
		return err
	}
	for len(gone) > 0 {
		n := min(len(gone), 200)
		if err := e.blankDestroyed(ctx, now, gone[:n], out); err != nil {
			return err
		}
		gone = gone[n:]
	}
	done, err := e.destroyErased(ctx, now, true)
	out.Erased += done
	return err
}

// blankDestroyed blanks what a database that came back still tells of subjects whose keys are destroyed.
func (e *Engine) blankDestroyed(ctx context.Context, now time.Time, keys []string, out *Secured) error {
	return e.DB.Write(ctx, func(tx *store.Tx) error {
		args := []query.Expr{query.Col{Alias: "k", Name: "key"}}
		for _, k := range keys {
			args = append(args, query.Const{Value: k})
		}
		rows, err := tx.Select(query.Select{Table: "subject_key", Alias: "k", Where: query.And(query.Op{Name: "in", Args: args},
			query.Op{Name: "isnull", Args: []query.Expr{query.Col{Alias: "k", Name: "erased"}}})})
		if err != nil || len(rows) == 0 {
			return err
		}
		w, err := e.begin(ctx, tx, now, Actor{System: true, Origin: "system"})
		if err != nil {
			return err
		}
		for _, row := range rows {
			if err := w.eraseSubject(str(row["subject"])); err != nil {
				return err
			}
			out.Erased++
		}
		return w.writeEntry(nil, nil, Act{Action: "erase_again"})
	})
}
