package engine

import (
	"zhanggui/internal/journal"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
)

// stageTasks finds work without a deadline: a stage that waits for this person, a signature to give. The
// database is asked for the records at a stage whose next action may be his; what it answers is judged by the
// same rules as an act. So the work grows with what waits for him, not with what there is. What is done with, by
// form, is left out. Of each form most are told; cut = there were more.
func (w *work) stageTasks(done map[string]map[string]bool, most int) (list []Task, cut bool, err error) {
	asks, err := w.stageIDs(done, most)
	if err != nil {
		return nil, false, err
	}
	for _, a := range asks {
		if ask := w.unread(a.form, a.ids); len(ask) > 0 {
			w.tx.AheadSelect(ask[0])
		}
	}
	for _, a := range asks {
		cut = cut || a.cut
		had, err := w.many(a.form, a.ids)
		if err != nil {
			return nil, false, err
		}
		var recs []*Record
		for _, id := range a.ids {
			if r := had[id]; r != nil {
				recs = append(recs, r)
			}
		}
		if err := w.prefetch(a.form, recs); err != nil {
			return nil, false, err
		}
		for _, r := range recs {
			if next := w.nextFor(r); next != nil && w.classSeen(r) {
				list = append(list, w.stageTask(r, next))
			}
		}
	}
	return list, cut, nil
}

// stageAsk are the newest records of a form that may wait for somebody at their stage.
type stageAsk struct {
	form *rulebook.Form
	ids  []string
	cut  bool
}

func (w *work) stageIDs(done map[string]map[string]bool, most int) (list []stageAsk, err error) {
	me := w.lookedFor()
	var asks []query.Select
	for _, b := range w.e.Lib.Books {
		for _, f := range b.Forms {
			ways := w.stagesOf(f, me)
			if len(ways) == 0 || w.scopeOf(f).none {
				continue
			}
			q := query.Select{Table: f.Table, Alias: "this", Where: w.whereClass(f, "this"), Any: ways, Order: newestFirst("this"), Limit: most + len(done[f.Key]),
				Columns: []query.Column{{Name: "id", Expr: query.Col{Alias: "this", Name: "id"}}}}
			w.tx.AheadSelect(q) // all in one journey
			list, asks = append(list, stageAsk{form: f}), append(asks, q)
		}
	}
	for i := range list {
		a := &list[i]
		rows, err := w.tx.Select(asks[i])
		if err != nil {
			return nil, err
		}
		a.cut = len(rows) == asks[i].Limit
		for _, row := range rows {
			switch id := str(row["id"]); {
			case done[a.form.Key][id]:
			case len(a.ids) == most:
				a.cut = true
			default:
				a.ids = append(a.ids, id)
			}
		}
	}
	return list, nil
}

// onlyClock tells whether nobody with an account does it: only the clock, or who has a link.
func onlyClock(a *rulebook.Action) bool {
	if a.By == nil {
		return false
	}
	for _, i := range a.By.Items {
		if !i.Clock && !i.Link {
			return false
		}
	}
	return true
}

func (w *work) stageTask(r *Record, a *rulebook.Action) Task {
	t := w.taskOf(r)
	l := actionText(a)
	t.ID, t.Action, t.ActionLabel, t.Label, t.Clause, t.From = r.form.Key+"/"+r.id+"/"+a.ID, a.ID, &l, l, a.Clause, instant(lastEntry(r))
	id, _ := w.approvalOf(r, a, w.view(r))
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
	cs, err := w.tx.Select(query.Select{Table: w.clockForm().Table, Alias: "c", Where: query.And(stillRunning("c"), query.Op{Name: "in", Args: append([]query.Expr{query.Col{Alias: "c", Name: "of_id"}}, ids...)}),
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
