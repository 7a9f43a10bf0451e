package engine

import (
	"sort"

	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// DryRun is what would have been otherwise, as far as the reader sees.
type DryRun struct {
	From      string        `json:"from"`
	Until     string        `json:"until"`
	Records   int           `json:"records"` // how many were worked out again
	More      bool          `json:"more"`    // there are more than one dry run takes; the latest were taken
	Conflicts []DryConflict `json:"conflicts"`
	Deadlines []DryDeadline `json:"deadlines"`
	Approvals []DryChange   `json:"approvals"`
	Values    []DryChange   `json:"values"`
	Aside     []Does        `json:"aside"` // what reads these values and is not played again
}

// DryConflict is a check of the values that the tried ones would not pass: they could not be entered as they are.
type DryConflict struct {
	Clause string `json:"clause"`
	Say    Text   `json:"say"`
}

// DryDeadline is one deadline before and after.
type DryDeadline struct {
	Form      string      `json:"form"`
	FormLabel Text        `json:"form_label"`
	ID        string      `json:"id"`
	Label     Text        `json:"label"`
	Clause    string      `json:"clause"`
	Count     int         `json:"count"` // how many times it ran, before
	Then      int         `json:"then"`  // how many times it would have run
	Moved     int         `json:"moved"` // whose due time is another
	LateNow   int         `json:"late_now"`
	LateThen  int         `json:"late_then"`
	Added     int         `json:"added"`   // late only then
	Spared    int         `json:"spared"`  // late only now
	Units     []DryUnit   `json:"units"`   // who held those that are added
	Records   []DryRecord `json:"records"` // those that are added or spared, the latest first, no more than 200
}

// DryUnit counts what a unit's people held.
type DryUnit struct {
	Unit  *Ref `json:"unit"`
	Count int  `json:"count"`
}

// DryRecord is one record whose deadline would have ended otherwise.
type DryRecord struct {
	Ref
	Number string `json:"number"`
	Due    string `json:"due,omitempty"`
	Then   string `json:"then,omitempty"` // due, then
	Met    string `json:"met,omitempty"`
	Added  bool   `json:"added"`
	Unit   *Ref   `json:"unit,omitempty"`
}

// DryChange counts what an approval's table or a computed value would have said otherwise.
type DryChange struct {
	Form      string   `json:"form"`
	FormLabel Text     `json:"form_label"`
	Label     Text     `json:"label"`
	Clause    string   `json:"clause"`
	Count     int      `json:"count"`
	Changed   int      `json:"changed"`
	Now       string   `json:"now,omitempty"`  // sum of a money value
	Then      string   `json:"then,omitempty"` // its sum then
	Ways      []DryWay `json:"ways,omitempty"`
}

// DryWay is one signer in place of another.
type DryWay struct {
	From  Text `json:"from"`
	To    Text `json:"to"`
	Count int  `json:"count"`
}

// heldClocks are the kept clocks of records, by record, deadline and instance.
func (w *work) heldClocks(recs []*Record) (map[string]store.Row, error) {
	args := []query.Expr{query.Col{Alias: "c", Name: "of_id"}}
	for _, r := range recs {
		args = append(args, query.Const{Value: r.id})
	}
	rows, err := w.tx.Select(query.Select{Table: w.clockForm().Table, Alias: "c", Where: query.Op{Name: "in", Args: args}})
	m := map[string]store.Row{}
	for _, row := range rows {
		m[str(row["of_id"])+"|"+str(row["name"])+"|"+str(row["instance"])] = row
	}
	return m, err
}

// compare holds the deadlines of a record against those it would have had.
func (d *dryRun) compare(w, v *work, r, then *Record, held map[string]store.Row) error {
	now, err := w.instances(r)
	if err != nil {
		return err
	}
	other, err := v.instances(then)
	if err != nil {
		return err
	}
	is := map[string]*instance{}
	for _, in := range other {
		is[in.deadline.ID+"|"+in.key] = in
	}
	one := func(in, was *instance) {
		run := either(in != nil, in, was)
		x := d.deadline(r.form, run.deadline)
		x.Clause = first(x.Clause, run.clause)
		lateNow, lateThen := in != nil && in.late(w.now), was != nil && was.late(w.now)
		x.Count += either(in != nil, 1, 0)
		x.Then += either(was != nil, 1, 0)
		x.LateNow += either(lateNow, 1, 0)
		x.LateThen += either(lateThen, 1, 0)
		if in == nil || was == nil || !in.due.Equal(was.due) {
			x.Moved++
		}
		if lateNow == lateThen {
			return
		}
		x.Added += either(lateThen, 1, 0)
		x.Spared += either(lateNow, 1, 0)
		row := DryRecord{Ref: Ref{ID: r.id, Name: w.title(r), Form: r.form.Key}, Number: r.Number(), Added: lateThen}
		if in != nil {
			row.Due = instant(in.due)
		}
		if was != nil {
			row.Then = instant(was.due)
		}
		if !run.met.IsZero() {
			row.Met = instant(run.met)
		}
		ids := idList(held[r.id+"|"+run.deadline.ID+"|"+run.key]["holder"])
		if len(ids) == 0 {
			ids, _ = w.holdersOf(r, run)
		}
		if len(ids) > 0 && w.world.people[ids[0]] != nil {
			row.Unit = w.unitRef(w.world.people[ids[0]].unit)
		}
		if lateThen && row.Unit != nil {
			d.unit(x, row.Unit)
		}
		if len(x.Records) < dryShown {
			x.Records = append(x.Records, row)
		}
	}
	for _, in := range now {
		k := in.deadline.ID + "|" + in.key
		one(in, is[k])
		delete(is, k)
	}
	for _, k := range sortedKeys(is) {
		one(nil, is[k])
	}
	return nil
}

func (d *dryRun) deadline(f *rulebook.Form, dl *rulebook.Deadline) *DryDeadline {
	k := f.Key + "|" + dl.ID
	if d.deadlines == nil {
		d.deadlines = map[string]*DryDeadline{}
	}
	if d.deadlines[k] == nil {
		d.deadlines[k] = &DryDeadline{Form: f.Key, FormLabel: text(f.Label), ID: dl.ID, Label: textOr(dl.Label, dl.ID), Clause: dl.Clause, Units: []DryUnit{}, Records: []DryRecord{}}
	}
	return d.deadlines[k]
}

func (d *dryRun) unit(x *DryDeadline, u *Ref) {
	for i := range x.Units {
		if x.Units[i].Unit.ID == u.ID {
			x.Units[i].Count++
			return
		}
	}
	x.Units = append(x.Units, DryUnit{u, 1})
}

// answer puts what differs first, and leaves out what does not and was not asked about.
func (d *dryRun) answer() *DryRun {
	d.out.Deadlines, d.out.Approvals, d.out.Values = []DryDeadline{}, []DryChange{}, []DryChange{}
	for _, k := range sortedKeys(d.deadlines) {
		x := d.deadlines[k]
		dl := d.book.Form(x.Form[len(d.book.Short)+1:]).Deadline(x.ID)
		if x.Moved == 0 && !d.asks(dl.Within) && !d.asks(dl.By) {
			continue
		}
		sort.SliceStable(x.Units, func(i, j int) bool { return x.Units[i].Count > x.Units[j].Count })
		d.out.Deadlines = append(d.out.Deadlines, *x)
	}
	sort.SliceStable(d.out.Deadlines, func(i, j int) bool {
		a, b := d.out.Deadlines[i], d.out.Deadlines[j]
		return a.Added+a.Spared > b.Added+b.Spared
	})
	for _, k := range sortedKeys(d.approvals) {
		if x := d.approvals[k]; x.Changed > 0 {
			d.out.Approvals = append(d.out.Approvals, *x)
		}
	}
	for _, k := range sortedKeys(d.values) {
		if x := d.values[k]; x.Changed > 0 {
			d.out.Values = append(d.out.Values, x.change())
		}
	}
	return d.out
}

// asks tells whether a length of time reads one of the values that are tried.
func (d *dryRun) asks(v *rulebook.Value) bool {
	for _, c := range casesOf(v) {
		if c.Is == nil {
			continue
		}
		for _, p := range c.Is.Params() {
			if _, ok := d.ask.Values[p]; ok {
				return true
			}
		}
	}
	return false
}
