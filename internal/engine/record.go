package engine

import (
	"encoding/json"
	"fmt"
	"sort"
	"strconv"
	"time"

	"zhanggui/internal/expr"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// Record is one row of a form with its lines, loaded in a unit of work. It is what rules read.
type Record struct {
	w                     *work
	form                  *rulebook.Form
	id                    string
	row                   store.Row             // column form; what the database holds, overlaid with changes
	vals                  map[string]expr.Value // decoded
	was                   store.Row             // columns before this act's first change
	lines, linesWas       map[string][]*Line    // and what a list was before it was replaced
	lineDirty             map[string]bool
	stamp                 map[string]*stamp
	stay                  []*stay
	fresh, dirty, touched bool
	busy                  map[string]bool // live fields being computed, to stop circles
	working               bool            // its deadlines are being worked out
	telling               *instance       // of a deadline, while it does what it does by itself
	worldTold             bool
	pointed               bool // a merge made it name another
	autoDone, toldChange  map[string]bool
	etagged               bool
	clocks                []*Record // kept instances of its deadlines, if clocked; else those opened in this act
	clocked               bool
	duties                *dutyRows
	says                  map[string]bool // of tables, whether they say anything of it; those that are missing were not asked
	named                 []referrer      // with says: where it is named
	outlook               outlook         // what expressions over it see
}

// Object and ID identify a record to expressions.
func (r *Record) Object() string { return r.form.Key }

func (r *Record) ID() string { return r.id }

// Etag is the record's version.
func (r *Record) Etag() string {
	n, _ := r.row["etag"].(int64)
	return strconv.FormatInt(n, 10)
}

// Number is the record's number in its series, "" before it has one.
func (r *Record) Number() string { s, _ := r.row["number"].(string); return s }

// State is where it stands.
func (r *Record) State() string { s, _ := r.row["state"].(string); return s }

func (r *Record) unitID() string { s, _ := r.row["unit"].(string); return s }

func (r *Record) opened() time.Time {
	t, ok := parseInstant(r.row["at"])
	if !ok {
		return r.w.now
	}
	return t
}

// Get reads a field, a line list, a back-reference or an implicit member.
func (r *Record) Get(name string) (expr.Value, error) {
	if v, ok := r.vals[name]; ok {
		return v, nil
	}
	v, err := r.read(name)
	if err != nil {
		return nil, err
	}
	if f := r.form.Field(name); f != nil && !live(f) {
		r.vals[name] = v
	}
	return v, nil
}

func (r *Record) read(name string) (expr.Value, error) {
	if f := r.form.Field(name); f != nil {
		return r.readField(f)
	}
	if r.form.Line(name) != nil {
		return r.readLines(name)
	}
	switch name {
	case "id":
		return r.id, nil
	case "number", "state":
		return emptyUnset(r.row[name]), nil
	case "at":
		if t, ok := parseInstant(r.row["at"]); ok {
			return t, nil
		}
		return nil, nil
	case "unit":
		return recordOrUnset(r.w.unit(r.unitID()))
	case "by":
		id, _ := r.row["by"].(string)
		return recordOrUnset(r.w.ref("base.person", id))
	case "done", "stay", "late", "overrun", "due":
		return member{r, name}, nil
	case "copies":
		return r.w.owned("base.copy", r), nil
	case "snapshots":
		return r.w.owned("base.snapshot", r), nil
	case "members":
		return members{r.w, r}, nil
	case "superior":
		return recordOrUnset(r.w.superior(r))
	}
	if of, col := r.w.e.back(r.form, name); of != nil {
		return &set{w: r.w, object: of.Key, table: of.Table, form: of, where: query.Eq("it", col, r.id)}, nil
	}
	if f := r.w.e.otherField(r.form, name); f != nil {
		return r.readField(f)
	}
	if r.w.e.otherLine(r.form, name) != nil {
		return r.readLines(name)
	}
	return nil, fmt.Errorf("form %s has no member %s", r.form.Key, name)
}

func (r *Record) readLines(name string) (expr.Value, error) {
	lines, err := r.Lines(name)
	if err != nil {
		return nil, err
	}
	return rowsAsValue(lines), nil
}

func rowsAsValue(lines []*Line) expr.Value {
	list := make([]expr.Value, len(lines))
	for i, l := range lines {
		list[i] = l
	}
	return list
}

func (r *Record) readField(f *rulebook.Field) (expr.Value, error) {
	if live(f) {
		return r.compute(f)
	}
	raw, err := r.plain(f)
	if err != nil {
		return nil, err
	}
	return r.w.decode(raw, f.Type)
}

// back finds the form and column of a back-reference by its name on form f.
func (e *Engine) back(f *rulebook.Form, name string) (*rulebook.Form, string) {
	for _, b := range e.Lib.Books {
		for _, g := range b.Forms {
			for _, fd := range g.Fields {
				if fd.Back == name && fd.Type.Form == f.Key {
					return g, fd.ID
				}
			}
		}
	}
	return nil, ""
}

// born tells whether the record came about in this act.
func (r *Record) born() bool { return r.fresh || r.etagged && r.row["etag"] == int64(1) }

// touch puts the record on the list of those to settle at the end of the act.
func (r *Record) touch() {
	if !r.touched {
		r.touched = true
		r.w.order = append(r.w.order, r)
	}
}

// changed tells whether a column differs from what it was before the act.
func (r *Record) changed(name string) bool {
	old, ok := r.was[name]
	return ok && !equalColumn(old, r.row[name])
}

// save writes the record's pending changes.
func (r *Record) save() error {
	if !r.dirty && !r.fresh {
		return nil
	}
	w := r.w
	if err := r.followMerged(); err != nil {
		return err
	}
	if !r.etagged { // one act is one version, however often it is written in between
		r.etagged = true
		n, _ := r.row["etag"].(int64)
		r.row["etag"] = n + 1
	}
	row := store.Row{"etag": r.row["etag"]} // only what changed: the journal tells of each column written
	kept := func(column, v string) {
		if r.row[column] != v {
			r.row[column] = v
			row[column] = v
		}
	}
	if r.stamp != nil {
		b, _ := json.Marshal(r.stamp)
		kept("stamp", string(b))
	}
	if r.stay != nil {
		b, _ := json.Marshal(r.stay)
		kept("stay", string(b))
	}
	kept("search", r.searchText())
	if r.form.Key == "base.clock" {
		w.clocked++
	}
	if r.fresh {
		if err := w.tx.Insert(r.form.Table, r.row); err != nil {
			return w.saveError(r, err)
		}
		r.fresh = false
	} else {
		for k := range r.was {
			row[k] = r.row[k]
		}
		if err := w.tx.Change(r.form.Table, r.id, row); err != nil {
			return w.saveError(r, err)
		}
	}
	r.dirty = false
	ids := make([]string, 0, len(r.lineDirty))
	for id := range r.lineDirty {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	for _, id := range ids {
		def := r.form.Line(id)
		if _, err := w.tx.Delete(def.Table, query.Eq("l", "record", r.id)); err != nil {
			return err
		}
		var rows []store.Row
		for i, l := range r.lines[id] {
			l.pos = i
			lr := store.Row{"id": l.id, "record": r.id, "pos": int64(i)}
			for _, f := range def.Fields {
				if f.Value != nil {
					v, err := l.Get(f.ID)
					if err != nil {
						return err
					}
					if err := l.put(f, v); err != nil {
						return err
					}
				}
				lr[f.ID] = l.row[f.ID]
				if f.Personal {
					lr[f.Mark()] = l.row[f.Mark()]
				}
			}
			rows = append(rows, lr)
		}
		if len(rows) > 0 {
			if err := w.tx.InsertMany(def.Table, rows); err != nil {
				return err
			}
		}
		delete(r.lineDirty, id)
	}
	return nil
}
