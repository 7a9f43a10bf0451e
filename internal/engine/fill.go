package engine

import (
	"fmt"
	"sort"

	"zhanggui/internal/expr"
	"zhanggui/internal/fault"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// fill puts what the actor gave into the record. Keys that this action does not take are an error,
// never ignored: what a person may write is the list the rulebook gives, not all minus some.
func (w *work) fill(r *Record, a *rulebook.Action, view *rulebook.View, d demand, awake bool) error {
	for _, id := range sortedKeys(d.given) {
		f := r.form.Field(id)
		if f == nil {
			if l := r.form.Line(id); l != nil {
				if err := w.givenLines(r, l, d.given[id]); err != nil {
					return err
				}
				continue
			}
			if w.implicit(r, id, d.given[id]) {
				continue
			}
			return fmt.Errorf("form %s has no field %s", r.form.Key, id)
		}
		if _, err := r.set(f, d.given[id]); err != nil {
			return fmt.Errorf("set %s.%s: %w", r.form.Key, id, err)
		}
	}
	var wrong []fault.Field
	for _, id := range sortedKeys(d.values) {
		f := r.form.Field(id)
		if f == nil {
			wrong = append(wrong, fault.Field{Path: id, ZH: "没有这一项", EN: "There is no such field"})
			continue
		}
		v, err := w.fromAPI(d.values[id], f.Type)
		if err == nil && f.Unique {
			v, err = identifier(v, f.Type)
		}
		if err != nil {
			wrong = append(wrong, fault.Field{Path: id, ZH: "“" + f.Label.ZH + "”：" + zhOf(err), EN: f.Label.EN + ": " + enOf(err)})
			continue
		}
		raw, err := encode(v, f.Type)
		if err != nil {
			wrong = append(wrong, fault.Field{Path: id, ZH: "“" + f.Label.ZH + "”填法不对", EN: f.Label.EN + " is not readable"})
			continue
		}
		if same, err := r.holds(f, raw); err != nil {
			return err
		} else if same && !r.fresh {
			continue // sending back what is there is no change
		}
		if why := w.mayWrite(r, a, f, view, awake); why != nil {
			if why.Clause == "" && why.Field == "unknown" {
				wrong = append(wrong, fault.Field{Path: id, ZH: "“" + f.Label.ZH + "”不在这一步填", EN: f.Label.EN + " is not filled in this step"})
				continue
			}
			return w.refuse("locked", r, a, []Reason{*why})
		}
		if why := w.optionAsleep(f, v, view); why != nil {
			return w.refuse("fill", r, a, []Reason{*why})
		}
		if _, err := r.set(f, v); err != nil {
			return err
		}
	}
	for _, id := range sortedKeys(d.lines) {
		l := r.form.Line(id)
		if l == nil {
			wrong = append(wrong, fault.Field{Path: id, ZH: "没有这张附表", EN: "There is no such table"})
			continue
		}
		if why := w.mayWriteLine(r, a, l, view, awake); why != nil {
			if why.Field == "unknown" {
				wrong = append(wrong, fault.Field{Path: id, ZH: "“" + l.Label.ZH + "”不在这一步填", EN: l.Label.EN + " is not filled in this step"})
				continue
			}
			return w.refuse("locked", r, a, []Reason{*why})
		}
		bad, err := w.fillLines(r, l, d.lines[id])
		if err != nil {
			return err
		}
		wrong = append(wrong, bad...)
	}
	if len(wrong) > 0 {
		return &fault.Error{Kind: fault.Invalid, ZH: "有填得不对的地方", EN: "Some entries are wrong", Fields: wrong}
	}
	if a.ID == "create" {
		return w.defaults(r, view)
	}
	return nil
}

// implicit members an effect may give: the unit that owns the record.
func (w *work) implicit(r *Record, id string, v expr.Value) bool {
	switch id {
	case "unit", "by":
		if x, ok := v.(expr.Record); ok {
			r.column(id, x.ID())
			return true
		}
		return v == nil
	case "of_id", "of_form", "state":
		if s, ok := v.(string); ok {
			r.column(id, s)
			return true
		}
	}
	return false
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// mayWrite tells why a field cannot be given in this action; Field "unknown" = it is not asked here.
func (w *work) mayWrite(r *Record, a *rulebook.Action, f *rulebook.Field, view *rulebook.View, awake bool) *Reason {
	if f.Value != nil && view.Awake(&f.Node) || !view.Bears(&f.Node) {
		return &Reason{Field: "unknown"}
	}
	if w.actor.System {
		return nil
	}
	if f.Frozen {
		return &Reason{Field: "unknown"}
	}
	named := !a.Implicit
	inFill := false
	for _, x := range a.Fill {
		if x.Field == f.ID {
			inFill = true
		}
	}
	switch {
	case named && !inFill && awake:
		return &Reason{Field: "unknown"}
	case a.ID == "edit" && len(a.Fill) > 0 && !inFill:
		return &Reason{Field: "unknown"}
	case a.ID == "void":
		return &Reason{Field: "unknown"}
	}
	if inFill {
		return nil // what an action asks for it may change, even behind a lock
	}
	if f.Fixed != nil && view.Awake(&f.Fixed.Node) && r.stamps()[f.Fixed.Action] != nil {
		return &Reason{Clause: f.Fixed.Clause, Field: f.ID, Say: label("“"+f.Label.ZH+"”已定，不能改", "“"+f.Label.EN+"” is fixed")}
	}
	if c, ok := w.locked(r, f.ID, view); ok {
		return &Reason{Clause: c, Field: f.ID, Say: label("“"+f.Label.ZH+"”已锁定", "“"+f.Label.EN+"” is locked")}
	}
	return nil
}

func (w *work) mayWriteLine(r *Record, a *rulebook.Action, l *rulebook.Line, view *rulebook.View, awake bool) *Reason {
	if !view.Bears(&l.Node) {
		return &Reason{Field: "unknown"}
	}
	if w.actor.System {
		return nil
	}
	for _, x := range a.Fill {
		if x.Field == l.ID {
			return nil
		}
	}
	if !a.Implicit && awake || a.ID == "void" || (a.ID == "edit" && len(a.Fill) > 0) {
		return &Reason{Field: "unknown"}
	}
	if c, ok := w.locked(r, l.ID, view); ok {
		return &Reason{Clause: c, Field: l.ID, Say: label("“"+l.Label.ZH+"”已锁定", "“"+l.Label.EN+"” is locked")}
	}
	return nil
}

// locked tells whether an action done so far froze the field. `all` leaves what later actions fill.
func (w *work) locked(r *Record, field string, view *rulebook.View) (string, bool) {
	for _, a := range r.form.Actions {
		if a.Lock == nil || r.stamps()[a.ID] == nil || !view.Awake(&a.Lock.Node) || !view.Awake(&a.Node) {
			continue
		}
		if a.Lock.All || contains(a.Lock.Fields, field) {
			return first(a.Lock.Clause, a.Clause), true
		}
	}
	return "", false
}

func (w *work) optionAsleep(f *rulebook.Field, v expr.Value, view *rulebook.View) *Reason {
	for _, o := range f.Type.Options {
		if v == o.ID && !view.Awake(&o.Node) {
			return &Reason{Clause: o.Clause, Field: f.ID, Say: label("现在不能选“"+o.Label.ZH+"”", "“"+o.Label.EN+"” cannot be chosen now")}
		}
	}
	return nil
}

// defaults fills what was left empty at creation.
func (w *work) defaults(r *Record, view *rulebook.View) error {
	for _, f := range r.form.Fields {
		if f.Default == nil || r.row[f.ID] != nil || !view.Awake(&f.Node) {
			continue
		}
		v, c, err := w.pick(f.Default, view, w.scope(r, view, nil))
		if err != nil {
			return err
		}
		if c != nil && v != nil {
			if _, err := r.set(f, v); err != nil {
				return err
			}
		}
	}
	return nil
}

// keepRows are the rows of old in their order, each with what is given for it, and after them those that are given beside.
func keepRows(old []*Line, rows []map[string]any) []map[string]any {
	given := map[string]map[string]any{}
	for _, in := range rows {
		id, _ := in["id"].(string)
		given[id] = in
	}
	var out []map[string]any
	for _, x := range old {
		in := given[x.id]
		if in == nil {
			in = map[string]any{"id": x.id}
		}
		out = append(out, in)
		delete(given, x.id)
	}
	for _, in := range rows {
		if id, _ := in["id"].(string); given[id] != nil {
			out = append(out, in)
		}
	}
	return out
}

// fillLines replaces a line list by the rows given.
func (w *work) fillLines(r *Record, l *rulebook.Line, rows []map[string]any) ([]fault.Field, error) {
	old, err := r.Lines(l.ID)
	if err != nil {
		return nil, err
	}
	have := map[string]*Line{}
	for _, x := range old {
		have[x.id] = x
	}
	view := w.view(r)
	var wrong []fault.Field
	var list []*Line
	fixed := r.form.Report != nil && !w.actor.System // its rows are what was counted: none is added, none goes
	if fixed {
		rows = keepRows(old, rows)
	}
	if w.actor.Link != nil {
		rows, wrong = bearerRows(w.topAction.Link.Rows[l.ID], old, rows)
	}
	for i, in := range rows {
		id, _ := in["id"].(string)
		if fixed && have[id] == nil {
			wrong = append(wrong, fault.Field{Path: fmt.Sprintf("%s.%d", l.ID, i), ZH: "报表的行由系统统计，不能增加", EN: "The rows of a report are counted by the system; none can be added"})
			continue
		}
		row := &Line{rec: r, line: l, row: store.Row{}}
		if x := have[id]; x != nil {
			row.id = id
			for k, v := range x.row {
				row.row[k] = v
			}
		} else {
			row.id = w.e.opts.NewID()
		}
		for _, k := range sortedKeys(in) {
			if k == "id" || k == "pos" {
				continue
			}
			path := fmt.Sprintf("%s.%d.%s", l.ID, i, k)
			f := l.Field(k)
			if f == nil || f.Value != nil || f.Frozen && fixed {
				wrong = append(wrong, fault.Field{Path: path, ZH: "没有这一项", EN: "There is no such field"})
				continue
			}
			v, err := w.fromAPI(in[k], f.Type)
			if err == nil {
				err = row.put(f, v)
			}
			if err != nil {
				wrong = append(wrong, fault.Field{Path: path, ZH: "“" + f.Label.ZH + "”：" + zhOf(err), EN: f.Label.EN + ": " + enOf(err)})
			}
		}
		list = append(list, row)
		for _, f := range l.Fields {
			if f.Default == nil || row.row[f.ID] != nil {
				continue
			}
			v, c, err := w.pick(f.Default, view, w.scope(r, view, map[string]expr.Value{"this": row, "parent": r}))
			if err != nil {
				return nil, err
			}
			if c != nil {
				if err := row.put(f, v); err != nil {
					return nil, err
				}
			}
		}
	}
	r.setLines(l.ID, list)
	return wrong, nil
}

// givenLines takes lines from an effect: rows of another record's list, field by field of the same id.
func (w *work) givenLines(r *Record, l *rulebook.Line, v expr.Value) error {
	list, _ := v.([]expr.Value)
	var rows []*Line
	for _, x := range list {
		from, ok := x.(expr.Record)
		if !ok {
			continue
		}
		row := &Line{rec: r, line: l, id: w.e.opts.NewID(), row: store.Row{}}
		src, _ := x.(*Line)
		for _, f := range l.Fields {
			if f.Value != nil || (src != nil && src.line.Field(f.ID) == nil) {
				continue
			}
			val, err := from.Get(f.ID)
			if err != nil {
				continue // the source has no such field: it stays empty
			}
			if err := row.put(f, val); err != nil {
				return err
			}
		}
		rows = append(rows, row)
	}
	r.setLines(l.ID, rows)
	return nil
}

// computeStored brings stored computed fields up to date; frozen ones (fixed or locked) keep their value.
func (w *work) computeStored(r *Record) error {
	view := w.view(r)
	for pass := 0; pass < 4; pass++ {
		moved := false
		for _, f := range r.form.Fields {
			if f.Value == nil || !f.Stored || !view.Awake(&f.Node) {
				continue
			}
			if f.Fixed != nil && view.Awake(&f.Fixed.Node) && r.stamps()[f.Fixed.Action] != nil {
				continue
			}
			if _, ok := w.lockedField(r, f.ID, view); ok {
				continue
			}
			v, c, err := f.Value.Pick(view, w.scope(r, view, nil))
			if err != nil {
				return fmt.Errorf("compute %s.%s: %w", r.form.Key, f.ID, err)
			}
			if c == nil {
				continue
			}
			ok, err := r.set(f, v)
			if err != nil {
				return fmt.Errorf("compute %s.%s: %w", r.form.Key, f.ID, err)
			}
			moved = moved || ok
		}
		if !moved {
			break
		}
	}
	if r.form.Owner == nil {
		return nil
	}
	v, err := r.form.Owner.Eval(w.scope(r, view, nil))
	if err != nil {
		return fmt.Errorf("owner of %s: %w", r.form.Key, err)
	}
	if unit, ok := v.(expr.Record); ok && unit != nil && unit.ID() != r.unitID() {
		r.column("unit", unit.ID())
	}
	return nil
}

// lockedField: a lock that names the field freezes its computed value; `all` does not, since what
// later actions fill may still move it.
func (w *work) lockedField(r *Record, field string, view *rulebook.View) (string, bool) {
	for _, a := range r.form.Actions {
		if a.Lock == nil || r.stamps()[a.ID] == nil || !view.Awake(&a.Lock.Node) {
			continue
		}
		if contains(a.Lock.Fields, field) {
			return a.Lock.Clause, true
		}
	}
	return "", false
}

// fromAPI reads a value as the API gives it; references are checked to exist.
func (w *work) fromAPI(v any, t rulebook.FieldType) (expr.Value, error) {
	if v == nil || v == "" {
		return nil, nil
	}
	switch t.Expr.Kind {
	case expr.KObject:
		return w.refFromAPI(v, t.Expr.Object)
	case expr.KList:
		if t.Expr.Elem != nil && t.Expr.Elem.Kind == expr.KObject {
			list, ok := v.([]any)
			if !ok {
				return nil, bad("要一个列表", "a list is needed")
			}
			out := make([]expr.Value, 0, len(list))
			for _, x := range list {
				r, err := w.refFromAPI(x, t.Expr.Elem.Object)
				if err != nil {
					return nil, err
				}
				out = append(out, r)
			}
			return out, nil
		}
	}
	if m, ok := v.(map[string]any); ok && t.Name == "text" && m["zh"] != nil { // as it was read: a word in both languages
		v = m["zh"]
	}
	if t.Name == "percent" { // people write 15 or 15%; rules hold the fraction
		x, err := rulebook.ParseLiteral(fmt.Sprint(v), t)
		if err != nil {
			return nil, bad("要百分数，如 15", "not a percentage")
		}
		return x, nil
	}
	x, err := expr.FromJSON(v, t.Expr, w.world.calendar.Zone)
	if err != nil {
		return nil, bad("填法不对（"+typeZH(t)+"）", "not a "+t.Name)
	}
	if t.Name == "file" || t.Name == "files" {
		if err := w.mayAttach(x); err != nil {
			return nil, err
		}
	}
	if s, ok := x.(string); ok {
		if t.Expr.Kind == expr.KChoice && len(t.Options) > 0 {
			for _, o := range t.Options {
				if o.ID == s {
					return x, nil
				}
			}
			return nil, bad("没有这个选项", "there is no such option")
		}
		if len(s) > 65536 {
			return nil, bad("太长", "too long")
		}
		return checkText(s, t)
	}
	return x, nil
}

func (w *work) refFromAPI(v any, object string) (expr.Value, error) {
	id := ""
	switch x := v.(type) {
	case string:
		id = x
	case map[string]any:
		id, _ = x["id"].(string)
	case expr.Record:
		return x, nil
	}
	if id == "" {
		return nil, nil
	}
	r, err := w.ref(object, id)
	if fault.KindOf(err) == fault.NotFound || (err == nil && r == nil) || (r != nil && !w.maySee(r)) {
		return nil, bad("没有这条记录", "there is no such record")
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

// badValue is a mistake in one value, in both languages.
type badValue struct{ zh, en string }

func (b badValue) Error() string { return b.en }
func bad(zh, en string) error    { return badValue{zh, en} }
func zhOf(err error) string {
	if b, ok := err.(badValue); ok {
		return b.zh
	}
	return "填法不对"
}
func enOf(err error) string {
	if b, ok := err.(badValue); ok {
		return b.en
	}
	return "not readable"
}
