package engine

import (
	"encoding/json"
	"fmt"
	"sort"
	"strconv"
	"time"

	"zhanggui/internal/calendar"
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
	lines                 map[string][]*Line
	lineDirty             map[string]bool
	stamp                 map[string]*stamp
	stay                  []*stay
	fresh, dirty, touched bool
	busy                  map[string]bool // live fields being computed, to stop circles
	working               bool            // its deadlines are being worked out
	telling               *instance       // of a deadline, while it does what it does by itself
	worldTold             bool
	autoDone, toldChange  map[string]bool
	etagged               bool
}

type stamp struct {
	At    string `json:"at"`
	First string `json:"first"`
	By    string `json:"by,omitempty"`
	Count int64  `json:"n"`
}

type stay struct {
	State string `json:"s"`
	From  string `json:"f"`
	To    string `json:"t,omitempty"`
}

// Line is one owned child row.
type Line struct {
	rec  *Record
	line *rulebook.Line
	id   string
	pos  int
	row  store.Row
}

// Object and ID identify a record to expressions.
func (r *Record) Object() string { return r.form.Key }
func (r *Record) ID() string     { return r.id }

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
		if live(f) {
			return r.compute(f)
		}
		return r.w.decode(r.row[name], f.Type)
	}
	if r.form.Line(name) != nil {
		lines, err := r.Lines(name)
		if err != nil {
			return nil, err
		}
		list := make([]expr.Value, len(lines))
		for i, l := range lines {
			list[i] = l
		}
		return list, nil
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
	return nil, fmt.Errorf("form %s has no member %s", r.form.Key, name)
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

func emptyUnset(v any) expr.Value {
	if s, ok := v.(string); !ok || s == "" {
		return nil
	}
	return v
}

func recordOrUnset(r *Record, err error) (expr.Value, error) {
	if err != nil || r == nil {
		return nil, err
	}
	return r, nil
}

// compute evaluates a live field; a circle yields unset.
func (r *Record) compute(f *rulebook.Field) (expr.Value, error) {
	if r.busy == nil {
		r.busy = map[string]bool{}
	}
	if r.busy[f.ID] {
		return nil, nil
	}
	r.busy[f.ID] = true
	defer delete(r.busy, f.ID)
	view := r.w.view(r)
	if !view.Awake(&f.Node) {
		return nil, nil
	}
	v, _, err := f.Value.Pick(view, r.w.scope(r, view, nil))
	return v, err
}

// decode turns a column into a value, loading what it refers to.
func (w *work) decode(raw any, t rulebook.FieldType) (expr.Value, error) {
	if raw == nil {
		return nil, nil
	}
	switch t.Expr.Kind {
	case expr.KObject:
		id, _ := raw.(string)
		return recordOrUnset(w.ref(t.Expr.Object, id))
	case expr.KList:
		s, _ := raw.(string)
		if t.Expr.Elem != nil && t.Expr.Elem.Kind == expr.KObject {
			var ids []string
			if err := json.Unmarshal([]byte(s), &ids); err != nil {
				return nil, fmt.Errorf("read list: %w", err)
			}
			list := make([]expr.Value, 0, len(ids))
			for _, id := range ids {
				x, err := w.ref(t.Expr.Elem.Object, id)
				if err != nil {
					return nil, err
				}
				if x != nil {
					list = append(list, x)
				}
			}
			return list, nil
		}
	}
	return expr.FromColumn(raw, t.Expr)
}

// encode turns a value into its column form.
func encode(v expr.Value, t rulebook.FieldType) (any, error) {
	switch x := v.(type) {
	case nil:
		return nil, nil
	case expr.Record:
		if t.Expr.Kind != expr.KList {
			return x.ID(), nil
		}
		v = []expr.Value{x}
	case expr.Who:
		v = toList(x)
	case expr.Set:
		all, err := x.All()
		if err != nil {
			return nil, err
		}
		list := make([]expr.Value, len(all))
		for i, r := range all {
			list[i] = r
		}
		v = list
	}
	if list, ok := v.([]expr.Value); ok && (t.Expr.Elem == nil || t.Expr.Elem.Kind == expr.KObject) {
		ids := []string{}
		for _, x := range list {
			if r, ok := x.(expr.Record); ok {
				ids = append(ids, r.ID())
			} else if s, ok := x.(string); ok {
				ids = append(ids, s)
			}
		}
		b, err := json.Marshal(ids)
		return string(b), err
	}
	return expr.ToColumn(v, t.Expr)
}

func toList(w expr.Who) []expr.Value {
	var list []expr.Value
	for _, p := range w.Persons() {
		list = append(list, p)
	}
	return list
}

// set gives a field a value; true if it changed. The old value is kept for history.
func (r *Record) set(f *rulebook.Field, v expr.Value) (bool, error) {
	raw, err := encode(v, f.Type)
	if err != nil {
		return false, err
	}
	if equalColumn(r.row[f.ID], raw) {
		return false, nil
	}
	r.column(f.ID, raw)
	delete(r.vals, f.ID)
	if _, isRecord := v.(*Record); isRecord || f.Type.Expr.Kind != expr.KObject {
		r.vals[f.ID] = v
		if f.Type.Expr.Kind == expr.KList || f.Type.Expr.Kind == expr.KMoney || f.Type.Expr.Kind == expr.KDecimal {
			delete(r.vals, f.ID) // read back in its own scale
		}
	}
	return true, nil
}

func equalColumn(a, b any) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return a == b
}

// column changes one column, remembering what was there.
func (r *Record) column(name string, v any) {
	if r.was == nil {
		r.was = store.Row{}
	}
	if _, kept := r.was[name]; !kept {
		r.was[name] = r.row[name]
	}
	r.row[name] = v
	delete(r.vals, name)
	r.dirty = true
	r.touch()
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

// Lines loads the owned rows of a line list, in order.
func (r *Record) Lines(id string) ([]*Line, error) {
	if l, ok := r.lines[id]; ok {
		return l, nil
	}
	def := r.form.Line(id)
	if r.lines == nil {
		r.lines = map[string][]*Line{}
	}
	var list []*Line
	if !r.fresh {
		rows, err := r.w.tx.Select(query.Select{Table: def.Table, Alias: "l", Where: query.Eq("l", "record", r.id),
			Order: []query.Order{{Expr: query.Col{Alias: "l", Name: "pos"}}}})
		if err != nil {
			return nil, err
		}
		for i, row := range rows {
			id, _ := row["id"].(string)
			list = append(list, &Line{rec: r, line: def, id: id, pos: i, row: row})
		}
	}
	r.lines[id] = list
	return list, nil
}

// setLines replaces a line list; rows that name an existing id keep it.
func (r *Record) setLines(id string, rows []*Line) {
	if r.lines == nil {
		r.lines = map[string][]*Line{}
	}
	if r.lineDirty == nil {
		r.lineDirty = map[string]bool{}
	}
	r.lines[id] = rows
	r.lineDirty[id] = true
	r.dirty = true
	r.touch()
}

// Object, ID and Get make a line readable by rules.
func (l *Line) Object() string { return l.line.Key }
func (l *Line) ID() string     { return l.id }
func (l *Line) Get(name string) (expr.Value, error) {
	switch name {
	case "parent":
		return l.rec, nil
	case "pos":
		return int64(l.pos + 1), nil
	case "id":
		return l.id, nil
	}
	f := l.line.Field(name)
	if f == nil {
		return nil, fmt.Errorf("line %s has no field %s", l.line.Key, name)
	}
	if f.Value != nil {
		w := l.rec.w
		view := w.view(l.rec)
		if !view.Awake(&f.Node) {
			return nil, nil
		}
		key := l.id + "." + name
		if l.rec.busy == nil {
			l.rec.busy = map[string]bool{}
		}
		if l.rec.busy[key] {
			return nil, nil
		}
		l.rec.busy[key] = true
		defer delete(l.rec.busy, key)
		s := w.scope(l.rec, view, map[string]expr.Value{"this": l, "parent": l.rec})
		v, _, err := f.Value.Pick(view, s)
		return v, err
	}
	return l.rec.w.decode(l.row[name], f.Type)
}

// save writes the record's pending changes.
func (r *Record) save() error {
	if !r.dirty && !r.fresh {
		return nil
	}
	w := r.w
	if !r.etagged { // one act is one version, however often it is written in between
		r.etagged = true
		n, _ := r.row["etag"].(int64)
		r.row["etag"] = n + 1
	}
	row := store.Row{}
	if r.stamp != nil {
		b, _ := json.Marshal(r.stamp)
		r.row["stamp"] = string(b)
	}
	if r.stay != nil {
		b, _ := json.Marshal(r.stay)
		r.row["stay"] = string(b)
	}
	r.row["search"] = r.searchText()
	for k, v := range r.row {
		row[k] = v
	}
	if r.fresh {
		if err := w.tx.Insert(r.form.Table, row); err != nil {
			return w.saveError(r, err)
		}
		r.fresh = false
	} else {
		delete(row, "id")
		if _, err := w.tx.Update(r.form.Table, store.Row{"id": r.id}, row); err != nil {
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
					if lr[f.ID], err = encode(v, f.Type); err != nil {
						return err
					}
				} else {
					lr[f.ID] = l.row[f.ID]
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

// stamps and stays are decoded once.
func (r *Record) stamps() map[string]*stamp {
	if r.stamp == nil {
		r.stamp = map[string]*stamp{}
		if s, _ := r.row["stamp"].(string); s != "" {
			_ = json.Unmarshal([]byte(s), &r.stamp) // written by us; an unreadable one reads as no stamps
		}
	}
	return r.stamp
}

func (r *Record) stays() []*stay {
	if r.stay == nil {
		r.stay = []*stay{}
		if s, _ := r.row["stay"].(string); s != "" {
			_ = json.Unmarshal([]byte(s), &r.stay)
		}
	}
	return r.stay
}

// enter moves the record into a state.
func (r *Record) enter(state string, at time.Time) {
	st := r.stays()
	if n := len(st); n > 0 && st[n-1].To == "" {
		if st[n-1].State == state {
			return
		}
		st[n-1].To = instant(at)
	}
	r.stay = append(st, &stay{State: state, From: instant(at)})
	r.column("state", state)
}

// mark leaves an action's stamp.
func (r *Record) mark(a *rulebook.Action, at time.Time, by string) {
	m := r.stamps()
	s := m[a.ID]
	if s == nil {
		s = &stamp{First: instant(at)}
		m[a.ID] = s
	}
	s.At, s.By = instant(at), by
	s.Count++
	if stamped(a) {
		r.column(a.ID+"_at", s.At)
		r.column(a.ID+"_by", nilIfEmpty(by))
	}
	r.dirty = true
	r.touch()
}

// member is this.done, this.stay, this.late, this.overrun, this.due. In what a deadline does by itself it is about the
// instance that does it.
type member struct {
	r    *Record
	name string
}

func (m member) Object() string { return m.r.form.Key + "#" + m.name }
func (m member) ID() string     { return "" }
func (m member) Get(name string) (expr.Value, error) {
	switch m.name {
	case "done":
		return stampOf{m.r, name}, nil
	case "stay":
		return stayOf{m.r, name}, nil
	}
	if in := m.r.telling; in != nil && in.deadline.ID == name {
		return m.of([]*instance{in}), nil
	}
	list, err := m.r.w.instances(m.r)
	if err != nil {
		return nil, err
	}
	var named []*instance
	for _, in := range list {
		if in.deadline.ID == name {
			named = append(named, in)
		}
	}
	return m.of(named), nil
}

// of speaks for a deadline with several instances: late if one is, the overrun of the worst, due when what runs is due. A
// stage's limit that is over is no longer due.
func (m member) of(list []*instance) expr.Value {
	now := m.r.w.now
	var worst *instance
	var due expr.Value
	for _, in := range list {
		if in.late(now) && (worst == nil || in.end(now).Sub(in.due) > worst.end(now).Sub(worst.due)) {
			worst = in
		}
		if due == nil && (in.open() || in.deadline.Each == "" && in.deadline.During == nil) {
			due = in.dueValue()
		}
	}
	switch {
	case m.name == "due":
		return due
	case m.name == "late":
		return worst != nil
	case worst == nil:
		return calendar.Span{Unit: "d"}
	}
	return worst.overrun(m.r.w, now)
}

type stampOf struct {
	r      *Record
	action string
}

func (s stampOf) Object() string { return "stamp" }
func (s stampOf) ID() string     { return "" }
func (s stampOf) Get(name string) (expr.Value, error) {
	st := s.r.stamps()[s.action]
	if st == nil {
		if name == "count" {
			return int64(0), nil
		}
		return nil, nil
	}
	switch name {
	case "at", "first_at":
		v := st.At
		if name == "first_at" {
			v = st.First
		}
		t, _ := parseInstant(v)
		return t, nil
	case "by":
		return recordOrUnset(s.r.w.ref("base.person", st.By))
	case "count":
		return st.Count, nil
	}
	return nil, fmt.Errorf("a stamp has no %s", name)
}

type stayOf struct {
	r     *Record
	state string
}

func (s stayOf) Object() string { return "stay" }
func (s stayOf) ID() string     { return "" }
func (s stayOf) Get(name string) (expr.Value, error) {
	var last *stay
	var spans []expr.Value
	for _, x := range s.r.stays() {
		if s.state == "state" { // the current stay
			last = x
			continue
		}
		if x.State != s.state {
			continue
		}
		last = x
		from, _ := parseInstant(x.From)
		to, _ := parseInstant(x.To)
		spans = append(spans, calendar.Period{From: from, To: to})
	}
	if name == "spans" {
		return spans, nil
	}
	if last == nil {
		return nil, nil
	}
	switch name {
	case "from":
		t, _ := parseInstant(last.From)
		return t, nil
	case "to":
		if t, ok := parseInstant(last.To); ok {
			return t, nil
		}
		return nil, nil
	case "state":
		return last.State, nil
	}
	return nil, fmt.Errorf("a stay has no %s", name)
}

// oldRecord reads a record as it was before the act.
type oldRecord struct{ r *Record }

func (o oldRecord) Object() string { return o.r.form.Key }
func (o oldRecord) ID() string     { return o.r.id }
func (o oldRecord) Get(name string) (expr.Value, error) {
	raw, ok := o.r.was[name]
	if !ok {
		return o.r.Get(name)
	}
	if f := o.r.form.Field(name); f != nil {
		return o.r.w.decode(raw, f.Type)
	}
	if name == "state" || name == "number" {
		return emptyUnset(raw), nil
	}
	return o.r.Get(name)
}
