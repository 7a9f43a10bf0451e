package engine

import (
	"fmt"
	"slices"
	"strings"

	"zhanggui/internal/expr"
	"zhanggui/internal/fault"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
)

// Two records of one customer become one: the one that goes ends, and says where it went; what referred to it refers to the one that
// stays, in whatever state and of whatever unit it is. References are the identity of what is meant, not what a paper says: so
// signatures stand, and nothing counts as changed by somebody. A ledger is another matter: its entries are never moved.

// merging is one record on its way into another.
type merging struct {
	w          *work
	a          *rulebook.Action
	from, into *Record
	against    map[string]Reason // rules that stood in the way of dealing with the one that goes
}

// mergeMost bounds what one act rewrites. Who has more papers than this stays, and the other one goes.
const mergeMost = 2000

// lockMerge lets merges of one form take turns, and holds both records: both ways at once would wait for each other.
func (w *work) lockMerge(f *rulebook.Form, a *rulebook.Action, act Act) error {
	if a == nil || a.Merge == nil {
		return nil
	}
	if err := w.tx.Lock(mergeKey(f)); err != nil {
		return err
	}
	for _, b := range w.e.Lib.Books { // and of what may join by it
		for _, g := range b.Forms {
			if g.Merge == nil && g.Went() != "" {
				if err := w.tx.Lock(mergeKey(g)); err != nil {
					return err
				}
			}
		}
	}
	id := str(act.Values[a.Merge.Into])
	if m, ok := act.Values[a.Merge.Into].(map[string]any); ok {
		id = str(m["id"])
	}
	for _, id := range []string{act.Record, id} {
		if _, err := w.lock(f, id); id != "" && err != nil && fault.KindOf(err) != fault.NotFound {
			return err
		}
	}
	return nil
}

func mergeKey(f *rulebook.Form) string { return "merge:" + f.Key }

// wentTo is the record into which one was merged; nil if it was not.
func (w *work) wentTo(r *Record) (*Record, error) {
	if r.form.Went() == "" || r.State() != "void" {
		return nil, nil
	}
	return w.ref(r.form.Key, str(r.row[r.form.Went()]))
}

// stateOf is where a record stands, in words: of one that was merged, that it was.
func stateOf(r *Record) Text {
	if went := r.form.Went(); went != "" && r.State() == "void" && str(r.row[went]) != "" {
		return Text{"已并入另一份", "Merged"}
	}
	return stateText(r.form, r.State())
}

// MergeView tells how records of a form are merged: the action, and the fields it fills.
type MergeView struct {
	Action string   `json:"action"`
	Into   string   `json:"into"`
	Apart  string   `json:"apart,omitempty"`     // lists those which are not the same
	Set    string   `json:"set_apart,omitempty"` // the action that fills it
	Take   []string `json:"take"`                // fields whose value can be chosen
}

func mergeView(f *rulebook.Form) *MergeView {
	if f.Merge == nil {
		return nil
	}
	m := f.Merge.Merge
	v := &MergeView{Action: f.Merge.ID, Into: m.Into, Apart: m.Apart, Take: []string{}}
	for _, a := range f.Actions {
		if m.Apart != "" && slices.ContainsFunc(a.Fill, func(x *rulebook.Fill) bool { return x.Field == m.Apart }) {
			v.Set = a.ID
		}
	}
	for _, fd := range f.Fields {
		if choosable(f, fd) {
			v.Take = append(v.Take, fd.ID)
		}
	}
	return v
}

// MergedInto tells where a record went; ID is empty for a reader who does not see the one that stays.
type MergedInto struct {
	ID  string `json:"id,omitempty"`
	Say Text   `json:"say"`
}

func (w *work) mergedOut(r *Record) (*MergedInto, error) {
	into, err := w.wentTo(r)
	if err != nil || into == nil {
		return nil, err
	}
	v := &MergedInto{Say: text(w.wentWords(into))}
	if w.maySee(into) {
		v.ID = into.id
	}
	return v, nil
}

// wentWords say where a record went, as far as this reader may know.
func (w *work) wentWords(into *Record) rulebook.Label {
	if !w.maySee(into) {
		return label("已并入另一份记录", "It was merged into another record")
	}
	name := strings.TrimSpace(into.Number() + " " + w.title(into))
	return label("已并入“"+name+"”，请到那一份去办", "It was merged into “"+name+"”; go on there")
}

// mergeWords say in a history what was merged into what, as far as this reader may know: of "merge" the one that stays is told, of
// "took" the one that went.
func (w *work) mergeWords(kind string, f *rulebook.Form, went, into string) Text {
	id := into
	if kind == "took" {
		id = went
	}
	name := Text{"另一份记录", "another record"}
	if f != nil {
		if x, err := w.get(f, id); err == nil && w.maySee(x) {
			s := strings.TrimSpace(x.Number() + " " + w.title(x))
			name = Text{"“" + s + "”", "“" + s + "”"}
		}
	}
	if kind == "took" {
		return Text{"把" + name.ZH + "并了进来", "took in " + name.EN}
	}
	return Text{"并入" + name.ZH, "merged into " + name.EN}
}

// beginMerge judges a merge before anything changes; nil if the action is none.
func (w *work) beginMerge(r *Record, a *rulebook.Action, view *rulebook.View, d demand) (*merging, error) {
	if a.Merge == nil || !view.Awake(&a.Merge.Node) {
		return nil, nil
	}
	no := func(zh, en string) error {
		return w.refuse("require", r, a, []Reason{{Clause: a.Clause, Field: a.Merge.Into, Say: label(zh, en)}})
	}
	v, err := r.Get(a.Merge.Into)
	if err != nil {
		return nil, err
	}
	into, _ := v.(*Record)
	switch {
	case into == nil || !d.person:
		return nil, no("要由人指明并入哪一份", "Somebody has to say into which record")
	case into.id == r.id:
		return nil, no("不能并入它自己", "A record is not merged into itself")
	case !stateAllows(a, into.State()):
		st := stateText(r.form, into.State())
		return nil, no("留下的那一份现在是“"+st.ZH+"”，不能并入", "The one that stays stands at “"+st.EN+"”; nothing is merged into it")
	}
	if err := w.judgeWho(into, a, w.view(into), d); err != nil {
		return nil, err
	}
	m := &merging{w: w, a: a, from: r, into: into}
	if booked, err := m.booked(r); err != nil {
		return nil, err
	} else if booked {
		return nil, no("这一份在账簿里有自己的户，分录不改户：请留下这一份，把另一份并进来", "This one has an account of its own in a ledger, and entries are not moved: keep it, and merge the other one into it")
	}
	m.against, err = m.standing(r)
	return m, err
}

// carry does what a merge does once the record has ended.
func (m *merging) carry(d demand) error {
	w := m.w
	if err := m.takeValues(d); err != nil {
		return err
	}
	if err := m.takeLines(); err != nil {
		return err
	}
	moved, err := m.move()
	if err != nil {
		return err
	}
	if err := w.flush(); err != nil {
		return err
	}
	m.into.dirty = true // written after all others: it is found by what those that came into it were called
	m.into.touch()
	if err := w.flush(); err != nil {
		return err
	}
	if err := m.once(moved, 0); err != nil {
		return err
	}
	if err := m.still(m); err != nil {
		return err
	}
	w.effect(Effect{Kind: "merge", Form: m.from.form.Key, Record: m.from.id, Name: m.into.id, Text: w.title(m.into)})
	w.event(m.into, "edit")
	w.merged = m
	return nil
}

// takeValues gives the one that stays the values that were chosen of the other, as somebody who edits it would.
func (m *merging) takeValues(d demand) error {
	w, f := m.w, m.from.form
	edit, view := f.Action("edit"), m.w.view(m.into)
	given := map[string]expr.Value{}
	for _, id := range d.take {
		fd := f.Field(id)
		if fd == nil {
			return fault.At("take", "没有这一项："+id, "There is no field "+id)
		}
		why := w.mayWrite(m.into, edit, fd, view, true)
		switch {
		case w.visible(m.from, fd) != full || w.visible(m.into, fd) != full:
			return w.refuse("class", m.from, m.a, []Reason{{Clause: fd.Clause, Field: id, Say: label("“"+fd.Label.ZH+"”不对你全部公开，不能由你来选", "You do not see “"+fd.Label.EN+"” in full, so it is not yours to choose")}})
		case !choosable(f, fd) || why != nil && why.Field == "unknown":
			return w.refuse("locked", m.from, m.a, []Reason{{Clause: fd.Clause, Field: id, Say: label("“"+fd.Label.ZH+"”不在修改时填，留下的那一份保持不变", "“"+fd.Label.EN+"” is not filled by editing; it stays as it is in the one that stays")}})
		case why != nil:
			return w.refuse("locked", m.into, m.a, []Reason{*why})
		}
		v, err := m.from.Get(id)
		if err != nil {
			return err
		}
		if w.erased(fd, v, m.from.row[id]) {
			return w.refuse("locked", m.from, m.a, []Reason{{Field: id, Say: label("“"+fd.Label.ZH+"”已擦除", "“"+fd.Label.EN+"” was erased")}})
		}
		given[id] = v
	}
	if len(given) == 0 {
		return nil
	}
	sign, err := w.perform(m.into, edit, demand{given: given, reason: d.reason, waive: d.waive, person: true})
	if err == nil && sign != nil && !sign.complete {
		err = w.refuse("require", m.from, m.a, []Reason{{Say: label("改这些栏要核决：先在留下的那一份里改，再合并", "Changing these fields needs an approval: change them in the one that stays first")}})
	}
	return err
}

// choosable tells whether a field's value can be taken over at all.
func choosable(f *rulebook.Form, fd *rulebook.Field) bool {
	switch fd.Type.Name {
	case "file", "files", "secret":
		return false
	}
	return fd.Value == nil && !fd.Frozen && !mergeField(f, fd.ID)
}

// mergeField tells whether a field is one in which merges are noted.
func mergeField(f *rulebook.Form, id string) bool {
	return id != "" && (id == f.Went() || f.Merge != nil && id == f.Merge.Merge.Apart)
}

// takeLines adds the rows of the one that goes which the other has not. Where this reader sees them otherwise there than here, or where
// rows are locked, they stay where they are.
func (m *merging) takeLines() error {
	w, view := m.w, m.w.view(m.into)
	for _, l := range m.from.form.Lines {
		same := func(f *rulebook.Field) bool { return w.visible(m.from, f) == w.visible(m.into, f) }
		if w.mayWriteLine(m.into, m.into.form.Action("edit"), l, view, true) != nil || slices.ContainsFunc(l.Fields, func(f *rulebook.Field) bool { return !same(f) }) {
			continue
		}
		goes, err := m.from.Lines(l.ID)
		if err != nil {
			return err
		}
		rows, err := m.into.Lines(l.ID)
		if err != nil {
			return err
		}
		said := map[string]bool{}
		for _, x := range rows {
			key, err := rowSays(x)
			if err != nil {
				return err
			}
			said[key] = true
		}
		all := slices.Clone(rows)
		for _, x := range goes {
			key, err := rowSays(x)
			if err != nil {
				return err
			}
			if said[key] {
				continue
			}
			said[key] = true
			row := &Line{rec: m.into, line: l, id: w.e.opts.NewID(), row: map[string]any{}}
			for _, f := range l.Fields {
				if f.Value != nil {
					continue
				}
				v, err := x.Get(f.ID)
				if err != nil {
					return err
				}
				if err := row.put(f, v); err != nil {
					return err
				}
			}
			all = append(all, row)
		}
		if len(all) > len(rows) {
			m.into.setLines(l.ID, all)
		}
	}
	return nil
}

// rowSays is what a row says, in plain.
func rowSays(x *Line) (string, error) {
	out := ""
	for _, f := range x.line.Fields {
		if f.Value != nil {
			continue
		}
		v, err := x.Get(f.ID)
		if err != nil {
			return "", err
		}
		raw, err := encode(v, f.Type)
		if err != nil {
			return "", err
		}
		out += fmt.Sprintf("%v\x00", raw)
	}
	return out, nil
}

// once brings together what one may have once only and of which now are two: where the rulebook says that they join, that of the one that
// went joins the other. Where it does not, the merge is refused and says which two papers those are.
func (m *merging) once(moved []*Record, depth int) error {
	w := m.w
	var items []Reason
	for _, x := range moved {
		view := w.view(x)
		for _, u := range x.form.Unique {
			if x.State() == "void" || !view.Awake(&u.Node) {
				continue
			}
			twin, err := w.duplicate(x, u, view)
			if err != nil {
				return err
			}
			if twin == "" {
				continue
			}
			why := label("只能有一份：先合并或作废其中一份", "of which there is one only: merge or void one of them first")
			if u.Joins != "" && depth < maxJoins {
				stays, err := w.lockNow(x.form, twin)
				if err != nil {
					return err
				}
				if why, err = m.join(x, stays, u, depth); err != nil {
					return err
				}
				if why.ZH == "" {
					continue
				}
			}
			l, name := textOr(x.form.Label, x.form.ID), ""
			if w.maySee(x) {
				name = first(x.Number(), w.title(x))
			}
			items = append(items, Reason{Clause: u.Clause, Say: label("两份都有“"+l.ZH+"”（要并的是 "+name+"），"+why.ZH, "Both have a “"+l.EN+"” (here: "+name+"), "+why.EN)})
		}
	}
	if len(items) > 0 {
		return w.refuse("unique", m.from, m.a, items)
	}
	return nil
}

// maxJoins bounds how deep what belongs to what belongs to … joins.
const maxJoins = 4

// join ends one of two in the other: it becomes void and says where it went; its rows that the other has not are added there, and what names it names the
// other. Its values and attachments stay with it, to be read. The words say why it cannot be, if it cannot.
func (m *merging) join(x, stays *Record, u *rulebook.Unique, depth int) (why rulebook.Label, err error) {
	w := m.w
	if n, err := m.booked(x); err != nil || n {
		return label("它在账簿里有自己的户：请留下有它的那一份，把另一份并进来", "which has an account of its own in a ledger: keep the one that it belongs to, and merge the other one into it"), err
	}
	p := &merging{w: w, a: m.a, from: x, into: stays}
	if p.against, err = p.standing(x); err != nil {
		return why, err
	}
	if err := p.takeLines(); err != nil {
		return why, err
	}
	w.clause(u.Clause)
	if _, err := x.set(x.form.Field(u.Joins), stays); err != nil {
		return why, err
	}
	x.enter("void", w.now)
	x.mark(x.form.Action("void"), w.now, w.actor.Person)
	moved, err := p.move()
	if err != nil {
		return why, err
	}
	stays.dirty = true
	stays.touch()
	if err := w.flush(); err != nil {
		return why, err
	}
	if err := p.once(moved, depth+1); err != nil {
		return why, err
	}
	if err := m.still(p); err != nil {
		return why, err
	}
	w.effect(Effect{Kind: "merge", Form: x.form.Key, Record: x.id, Name: stays.id, Text: w.title(stays)})
	w.event(x, "edit")
	w.event(stays, "edit")
	w.joined = append(w.joined, p)
	return why, nil
}

// booked tells whether a record has an account of its own in a ledger: entries are never moved.
func (m *merging) booked(r *Record) (bool, error) {
	n, err := m.w.tx.Count(m.w.e.Lib.Form("base.posting").Table, query.Op{Name: "contains", Args: []query.Expr{query.Col{Alias: "t", Name: "dims"}, query.Const{Value: "|" + r.id}}})
	return n > 0, err
}

// still refuses where what stood in the way of papers for the one that went does not stand in the way of the other.
func (m *merging) still(p *merging) error {
	now, err := p.standing(p.into)
	if err != nil {
		return err
	}
	var items []Reason
	for _, key := range sortedKeys(p.against) {
		if _, still := now[key]; !still {
			r := p.against[key]
			items = append(items, Reason{Clause: r.Clause, Say: label("并入后，原来拦着的就不拦了："+r.Say.ZH, "Once merged, this would no longer stand in the way: "+r.Say.EN)})
		}
	}
	if len(items) > 0 {
		return m.w.refuse("gate", m.from, m.a, items)
	}
	return nil
}
