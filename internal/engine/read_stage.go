package engine

import (
	"zhanggui/internal/journal"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
)

// stageTasks finds work without a deadline: a stage that waits for this person, a signature to give.
// Most stages have a deadline and come with their clocks; so only the newest open records are looked at.
func (w *work) stageTasks(done map[string]bool) ([]Task, error) {
	var list []Task
	for _, b := range w.e.Lib.Books {
		for _, f := range b.Forms {
			states := w.busyStates(f)
			if len(states) == 0 || w.scopeOf(f).none {
				continue
			}
			args := []query.Expr{query.Col{Alias: "this", Name: "state"}}
			for _, s := range states {
				args = append(args, query.Const{Value: s})
			}
			rows, err := w.tx.Select(query.Select{Table: f.Table, Alias: "this", Where: query.And(w.where(f, "this"), query.Op{Name: "in", Args: args}),
				Order: []query.Order{{Expr: query.Col{Alias: "this", Name: "at"}, Desc: true}}, Limit: taskScan})
			if err != nil {
				return nil, err
			}
			var recs []*Record
			for _, row := range rows {
				if r := w.adopt(f, row); !done[r.id] {
					recs = append(recs, r)
				}
			}
			if err := w.prefetch(f, recs); err != nil {
				return nil, err
			}
			for _, r := range recs {
				if a, _ := w.stepsFor(r); a != nil && w.classSeen(r) {
					list = append(list, w.stageTask(r, a))
				}
			}
		}
	}
	return list, nil
}

// busyStates are the states from which somebody named must lead on.
func (w *work) busyStates(f *rulebook.Form) []string {
	if f.Kept == "platform" || (f.Kept == "engine" && f.Key != "base.sanction") {
		return nil
	}
	var list []string
	for _, s := range f.States {
		if s.Final || !s.Path {
			continue
		}
		for _, a := range f.Actions {
			if !a.Implicit && a.By != nil && a.From != nil && !a.From.Any && a.To != nil && !onlyClock(a) && contains(a.From.States, s.ID) && f.Book.ID != "base" || f.Key == "base.sanction" {
				list = append(list, s.ID)
				break
			}
		}
	}
	return list
}

func onlyClock(a *rulebook.Action) bool {
	if a.By == nil {
		return false
	}
	for _, i := range a.By.Items {
		if !i.Clock {
			return false
		}
	}
	return true
}

func (w *work) stageTask(r *Record, a *rulebook.Action) Task {
	t := w.taskOf(r)
	l := actionText(a)
	t.ID, t.Action, t.ActionLabel, t.Label, t.Clause, t.From = r.form.Key+"/"+r.id+"/"+a.ID, a.ID, &l, l, a.Clause, instant(lastEntry(r))
	id, _ := w.approvalOf(a, w.view(r))
	t.Sign = id != ""
	t.Holder = w.holderList(w.whoMay(r, a))
	return t
}

// waitingForOthers: what the reader filed or last moved, and others hold now.
func (w *work) waitingForOthers() ([]Task, error) {
	list := []Task{}
	rows, err := w.tx.Select(query.Select{Table: "journal_entry", Alias: "j", Where: query.And(query.Eq("j", "actor", w.me.id), query.Op{Name: "not", Args: []query.Expr{query.Op{Name: "isnull", Args: []query.Expr{query.Col{Alias: "j", Name: "record"}}}}}),
		Columns: []query.Column{{Name: "form", Expr: query.Col{Alias: "j", Name: "form"}}, {Name: "record", Expr: query.Col{Alias: "j", Name: "record"}}},
		Order:   []query.Order{{Expr: query.Col{Alias: "j", Name: "at"}, Desc: true}}, Limit: 60})
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	var ids []query.Expr
	for _, row := range rows {
		id := str(row["record"])
		if f := w.e.Lib.Form(str(row["form"])); f == nil || f.Kept != "" || seen[id] {
			continue
		}
		seen[id] = true
		ids = append(ids, query.Const{Value: id})
	}
	if len(ids) == 0 {
		return list, nil
	}
	cs, err := w.tx.Select(query.Select{Table: w.clockForm().Table, Alias: "c", Where: query.And(running("c"), query.Op{Name: "in", Args: append([]query.Expr{query.Col{Alias: "c", Name: "of_id"}}, ids...)}),
		Order: []query.Order{{Expr: query.Col{Alias: "c", Name: "due"}}}})
	if err != nil {
		return nil, err
	}
	var clocks []*Record
	for _, row := range cs {
		if h := idList(row["holder"]); len(h) > 0 && !w.mine(h) {
			clocks = append(clocks, w.adopt(w.clockForm(), row))
		}
	}
	of, err := w.ownersOf(clocks)
	if err != nil {
		return nil, err
	}
	once := map[string]bool{}
	for _, c := range clocks {
		if r := of[c.id]; r != nil && !once[r.id] && len(list) < 20 {
			once[r.id] = true
			list = append(list, w.clockTask(c, r))
		}
	}
	return list, nil
}

// recent is what the reader did lately.
func (w *work) recent() ([]Recent, error) {
	rows, err := w.tx.Select(query.Select{Table: "journal_entry", Alias: "j", // having read a notice is no work
		Where: query.And(query.Eq("j", "actor", w.me.id), query.Op{Name: "<>", Args: []query.Expr{query.Col{Alias: "j", Name: "form"}, query.Const{Value: "base.notice"}}}),
		Order: []query.Order{{Expr: query.Col{Alias: "j", Name: "at"}, Desc: true}, {Expr: query.Col{Alias: "j", Name: "id"}, Desc: true}}, Limit: 12})
	if err != nil {
		return nil, err
	}
	list := []Recent{}
	for _, row := range rows {
		e, err := journal.Parse([]byte(str(row["body"])))
		if err != nil {
			return nil, err
		}
		if e.Action == "view" {
			continue
		}
		list = append(list, Recent{instant(e.At), w.entryWords(e), e.Form, e.Record})
		if len(list) == 8 {
			break
		}
	}
	return list, nil
}
