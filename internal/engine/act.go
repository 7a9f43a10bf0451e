package engine

import (
	"slices"

	"zhanggui/internal/expr"
	"zhanggui/internal/fault"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
)

// demand is what one performance of an action was given.
type demand struct {
	values  map[string]any // API form, from a person
	lines   map[string][]map[string]any
	given   map[string]expr.Value // typed, from an effect
	reason  string
	comment string
	refuse  bool
	waive   []Waiver
	take    []string // of a merge
	person  bool     // asked for by somebody, not by an effect
}

// signing is the outcome of an action that needs signatures.
type signing struct {
	complete bool
	waiting  []string
}

const maxDepth = 24

// perform judges an action and, if nothing says no, carries it out. It is used for what a person asks,
// what an effect does and what the clock does alike; so no way in meets fewer guards.
func (w *work) perform(r *Record, a *rulebook.Action, d demand) (*signing, error) {
	w.depth++
	defer func() { w.depth-- }()
	if w.depth > maxDepth {
		return nil, fault.New(fault.Internal, "办理互相触发，层数太多", "Actions call each other too deeply")
	}
	view := w.view(r)
	awake := view.Awake(&a.Node)
	r.touch()

	if !view.Bears(&a.Node) {
		return nil, w.refuse("state", r, a, []Reason{{Clause: a.Clause, Say: notAdopted}})
	}
	if a.ID == "create" && !inForceFor(r.form, view) {
		say := label("此表单未生效", "This form is not in force")
		if view.Awake(&r.form.Node) {
			say = notAdopted
		}
		return nil, w.refuse("state", r, a, []Reason{{Clause: r.form.Clause, Say: say}})
	}
	if r.form.Kept == "engine" && d.person && (a.ID == "create" || a.ID == "edit" || a.ID == "void") && !w.actor.System {
		return nil, w.refuse("class", r, a, []Reason{{Say: label("此簿由系统登记，不能手工改动", "This register is kept by the system")}})
	}
	after := a.ID == "create" && asksRecord(a) // who may file a visit of a card is known once the card is
	if awake {
		if err := w.judgeState(r, a, view); err != nil {
			return nil, err
		}
		if !after {
			if err := w.judgeWho(r, a, view, d); err != nil {
				return nil, err
			}
		}
	}
	if a.ID == "create" && d.person {
		if err := w.mayFile(r.form); err != nil {
			return nil, err
		}
	}
	if err := w.fill(r, a, view, d, awake); err != nil {
		return nil, err
	}
	if awake && after {
		if err := w.judgeWho(r, a, view, d); err != nil {
			return nil, err
		}
	}
	if r.form.Key == exportRequestForm {
		if err := w.judgeExportRequest(r, a, d); err != nil {
			return nil, err
		}
	}
	if err := w.computeStored(r); err != nil {
		return nil, err
	}
	if awake {
		if err := w.judgeFill(r, a, view, d); err != nil {
			return nil, err
		}
	}
	if err := w.judgeRetention(r, a); err != nil {
		return nil, err
	}
	if err := w.judgeGates(r, a, d); err != nil {
		return nil, err
	}
	if awake {
		if err := w.judgeRequire(r, a, view, d); err != nil {
			return nil, err
		}
		if id, node := w.approvalOf(r, a, view); id != "" && !w.actor.System {
			sign, err := w.sign(r, a, node, id, d)
			if err == nil && !sign.complete && r.form.Key == exportRequestForm {
				err = w.exportSigned(r, d)
			}
			if err != nil || !sign.complete {
				return sign, err
			}
			return sign, w.carryOut(r, a, view, d, true)
		}
	}
	return nil, w.carryOut(r, a, view, d, awake)
}

var notAdopted = label("本单位还没有采用这部制度", "This unit has not adopted the regulation")

// inForceFor tells whether records of a form may begin where the view holds: the form is awake, and its regulation
// adopted there. The base is everybody's.
func inForceFor(f *rulebook.Form, view *rulebook.View) bool {
	return view.Awake(&f.Node) && (view.Adoption != "" || f.Kept != "" || f.Book.ID == "base")
}

// asksRecord tells whether it is the record that says who may, or who may not.
func asksRecord(a *rulebook.Action) bool {
	if a.By != nil && slices.ContainsFunc(a.By.Items, func(item *rulebook.WhoItem) bool { return asksThis(item.Expr) || asksThis(item.When) }) {
		return true
	}
	return slices.ContainsFunc(a.Except, func(x *rulebook.Except) bool { return asksThis(x.Is) })
}

// asksOnlyRecord tells whether nobody may by his role alone.
func asksOnlyRecord(a *rulebook.Action) bool {
	return a.By != nil && len(a.By.Items) > 0 && !slices.ContainsFunc(a.By.Items, func(item *rulebook.WhoItem) bool { return !asksThis(item.Expr) && !asksThis(item.When) })
}

func asksThis(x *expr.Expr) bool { return x != nil && slices.Contains(x.Names(), "this") }

// carryOut moves the record and runs what follows.
func (w *work) carryOut(r *Record, a *rulebook.Action, view *rulebook.View, d demand, awake bool) error {
	merge, err := (*merging)(nil), error(nil)
	if awake {
		if merge, err = w.beginMerge(r, a, view, d); err != nil {
			return err
		}
	}
	at := w.now
	by := w.actor.Person
	if w.actor.Clock {
		by = "clock"
	}
	w.effect(Effect{Kind: "do", Form: r.form.Key, Record: r.id, Name: a.ID, Text: d.reason, Data: map[string]string{"by": by}})
	w.clause(a.Clause)
	if a.ID == "create" && r.State() != "" {
		r.enter(r.State(), at)
	}
	if a.To != nil && len(a.To.States) == 1 && view.Awake(&a.To.Node) {
		r.enter(a.To.States[0], at)
	}
	if a.ID == "void" || a.Destroys || merge != nil {
		r.enter("void", at)
	}
	r.mark(a, at, w.actor.Person)
	if err := w.number(r, a, view); err != nil {
		return err
	}
	if err := w.computeStored(r); err != nil {
		return err
	}
	if awake && a.Lock != nil && view.Awake(&a.Lock.Node) {
		w.effect(Effect{Kind: "lock", Form: r.form.Key, Record: r.id, Name: a.ID, Clause: a.Lock.Clause})
	}
	if err := w.judgeRequired(r, a, view); err != nil {
		return err
	}
	if awake {
		if err := w.effects_(a.Do, r, view, nil); err != nil {
			return err
		}
	}
	if err := w.numberAnew(r, a, view); err != nil {
		return err
	}
	if err := w.serveCopies(r, a, view); err != nil {
		return err
	}
	if a.ID == "print" || a.ID == "export" {
		if err := w.took(r.form.Key, r, a.ID, 1); err != nil {
			return err
		}
	}
	if err := w.hooks(r, a); err != nil {
		return err
	}
	if merge != nil {
		if err := merge.carry(d); err != nil {
			return err
		}
	}
	w.facts = append(w.facts, fact{form: r.form.Key, action: a.ID, rec: r, at: at, clause: a.Clause})
	w.event(r, a.ID)
	return nil
}

// settle is what every act ends with: stored values, promises that span records, clocks, offences.
func (w *work) settle() error {
	for round := 0; round < 8; round++ {
		before := len(w.effects)
		for i := 0; i < len(w.order); i++ { // order may grow while we settle
			if err := w.settleRecord(w.order[i]); err != nil {
				return err
			}
		}
		if err := w.offences(); err != nil {
			return err
		}
		if len(w.effects) == before && len(w.facts) == 0 {
			if err := w.overQuotas(); err != nil {
				return err
			}
		}
		if len(w.effects) == before && len(w.facts) == 0 {
			break
		}
	}
	if err := w.flush(); err != nil {
		return err
	}
	for _, r := range w.order {
		if err := w.judgeEnd(r); err != nil {
			return err
		}
	}
	return w.flush()
}

// settleRecord brings what follows from one record up to date.
func (w *work) settleRecord(r *Record) error {
	if err := w.computeStored(r); err != nil {
		return err
	}
	if err := w.voidSignatures(r); err != nil {
		return err
	}
	if err := w.changedEffects(r); err != nil {
		return err
	}
	if worldForms[r.form.Key] && (r.was != nil || r.fresh) && !r.worldTold {
		r.worldTold = true
		if err := w.worldChanged(); err != nil {
			return err
		}
	}
	if err := w.keepTerm(r); err != nil {
		return err
	}
	if err := w.clocks(r); err != nil {
		return err
	}
	if err := w.dutiesOf(r); err != nil {
		return err
	}
	if err := w.alignments(r); err != nil {
		return err
	}
	if err := w.autos(r); err != nil {
		return err
	}
	return w.wakeWatchers(r)
}

// wakeWatchers puts the records that read this one on the list to settle.
func (w *work) wakeWatchers(r *Record) error {
	woken := map[string]bool{} // form and field
	for _, watch := range w.e.watchers(r.form.Key) {
		if watch.By != "" {
			key := watch.Of + "." + watch.By
			if r.fresh || woken[key] || !(watch.Field == "" || r.changed(watch.Field)) {
				continue
			}
			woken[key] = true
			if err := w.wakeReferring(watch, r); err != nil {
				return err
			}
			continue
		}
		for _, id := range refIDs(r, watch.Via) {
			x, err := w.ref(watch.Of, id)
			if err != nil {
				return err
			}
			if x != nil {
				x.touch()
			}
		}
	}
	return nil
}

// wakeReferring wakes the records that refer to a changed one and read it. What is finished stays as it was.
func (w *work) wakeReferring(watch rulebook.Watch, r *Record) error {
	form := w.e.Lib.Form(watch.Of)
	where := query.Eq("t", watch.By, r.id)
	for _, st := range form.States {
		if st.Final {
			where = query.And(where, compared("<>", "state", st.ID))
		}
	}
	rows, err := w.tx.Select(query.Select{Table: form.Table, Alias: "t", Where: where})
	for _, row := range rows {
		w.adopt(form, row).touch()
	}
	return err
}

// refIDs are the ids a reference column holds now and held before.
func refIDs(r *Record, column string) []string {
	var ids []string
	for _, v := range []any{r.row[column], r.was[column]} {
		if s := str(v); s != "" && !contains(ids, s) {
			ids = append(ids, s)
		}
	}
	return ids
}

// autos performs what the clock does as soon as a condition is true.
func (w *work) autos(r *Record) error {
	for _, a := range r.form.Actions {
		if a.Auto == nil {
			continue
		}
		view := w.view(r)
		if !view.Awake(&a.Node) || !stateAllows(a, r.State()) {
			continue
		}
		ok, err := w.truth(a.Auto, view, w.scope(r, view, nil), false)
		if err != nil {
			return err
		}
		if !ok || r.autoDone[a.ID+r.State()] {
			continue
		}
		if r.autoDone == nil {
			r.autoDone = map[string]bool{}
		}
		r.autoDone[a.ID+r.State()] = true
		if err := w.asClock(func() error {
			_, err := w.perform(r, a, demand{})
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// asClock runs fn in the clock's name.
func (w *work) asClock(fn func() error) error {
	actor, me := w.actor, w.me
	w.actor = Actor{Clock: true, Origin: actor.Origin, System: actor.System}
	w.me = nil
	defer func() { w.actor, w.me = actor, me }()
	return fn()
}

func stateAllows(a *rulebook.Action, state string) bool {
	if a.From == nil || a.From.Any || a.ID == "create" {
		return true
	}
	return contains(a.From.States, state)
}
