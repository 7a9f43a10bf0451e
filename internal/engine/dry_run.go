package engine

import (
	"context"
	"errors"
	"maps"
	"time"

	"zhanggui/internal/calendar"
	"zhanggui/internal/fault"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
)

// A dry run works the records of a period out a second time with other company values, and says what would have been
// otherwise. Nothing is written. A deadline is a function of when acts happened, so the answer is exact for what happened; that people
// would have acted otherwise is not guessed.

// DryRunAsk is what shall be otherwise.
type DryRunAsk struct {
	Book        string
	Values      map[string]string // parameter → value, as a company value is written
	Woken       []string          // doubtful clauses taken as woken
	From, Until calendar.Date     // records opened from the first day to the last, both whole; unset: the twelve months up to today
}

const (
	dryPage  = 250   // records worked out in one look at the database
	dryMost  = 20000 // records of one form in one dry run
	dryShown = 200
)

// DryRun works out what the records opened in a period would have been with other values. Who may change a value may try
// it, and who answers for the company or audits it; each sees no more of the records than ever.
func (e *Engine) DryRun(ctx context.Context, now time.Time, actor Actor, ask DryRunAsk) (*DryRun, error) {
	b := e.Lib.Book(ask.Book)
	if b == nil {
		return nil, fault.New(fault.NotFound, "没有这个制度："+ask.Book, "There is no rulebook "+ask.Book)
	}
	d := &dryRun{ask: ask, book: b, out: &DryRun{Conflicts: []DryConflict{}, Aside: []Does{}}}
	if err := e.read(ctx, now, actor, d.admit); err != nil {
		return nil, err
	}
	for _, f := range b.Forms {
		for cursor, n := "", 0; f.Kept == ""; {
			next := ""
			err := e.read(ctx, now, actor, func(w *work) error {
				var err error
				next, err = d.page(w, f, cursor, &n)
				return err
			})
			if err != nil {
				return nil, err
			}
			if cursor = next; cursor == "" {
				break
			}
			if n >= dryMost {
				d.out.More = true
				break
			}
		}
	}
	return d.answer(), nil
}

// dryRun is one under way.
type dryRun struct {
	ask       DryRunAsk
	book      *rulebook.Book
	raw       []paramValue
	out       *DryRun
	deadlines map[string]*DryDeadline
	approvals map[string]*DryChange
	values    map[string]*drySum
}

// admit asks whether the reader may try this, and whether the values are such as the parameters take.
func (d *dryRun) admit(w *work) error {
	if d.ask.Until.IsZero() {
		d.ask.Until = calendar.DateOf(w.now, w.world.calendar.Zone)
	}
	if d.ask.From.IsZero() {
		d.ask.From = d.ask.Until.AddDays(-364)
	}
	if d.ask.Until.Before(d.ask.From) {
		return fault.At("until", "截止日不能早于起始日", "The last day must not be before the first")
	}
	d.out.From, d.out.Until = d.ask.From.String(), d.ask.Until.String()
	form := w.e.Lib.Form("base.param_value")
	overseer := w.oversees(d.book)
	if !overseer && len(d.ask.Values) == 0 {
		return w.tryNot("")
	}
	for _, id := range sortedKeys(d.ask.Values) {
		d.raw = append(d.raw, paramValue{book: d.book.ID, param: id, raw: d.ask.Values[id]})
	}
	v, err := d.otherwise(w)
	if err != nil {
		return err
	}
	for _, id := range sortedKeys(d.ask.Values) {
		p := d.book.Parameter(id)
		if p == nil {
			return fault.New(fault.NotFound, "没有这个参数："+id, "There is no parameter "+id)
		}
		r := w.valueOf(d.book, p, d.ask.Values[id])
		if !overseer {
			ok, err := w.mayChange(r, d.book, p)
			if err != nil {
				return err
			}
			if !ok {
				return w.tryNot(p.Clause)
			}
		}
		var no *Refusal
		if err := v.judgeValue(r, form.Action("create"), d.book, p); errors.As(err, &no) {
			for _, x := range no.Items {
				d.out.Conflicts = append(d.out.Conflicts, DryConflict{x.Clause, text(x.Say)})
			}
		} else if err != nil {
			return err
		}
	}
	seen := map[string]bool{}
	for _, n := range d.book.Askers {
		does := w.does(n)
		if !d.reads(n) || seen[does.Text.ZH] || contains([]string{"deadline", "approval", "field", "line", "parameter"}, does.Element) {
			continue
		}
		seen[does.Text.ZH] = true
		d.out.Aside = append(d.out.Aside, does)
	}
	return nil
}

// oversees tells whether the reader administers a book, audits, or is head of the company.
func (w *work) oversees(b *rulebook.Book) bool {
	return w.actor.System || w.world.has(w.actor.Person, "auditor", w.now) || w.world.has(w.actor.Person, first(b.Admin, "admin"), w.now) || w.me != nil && w.headOver(w.world.top)
}

// valueOf is a company value that is only thought of, from today on.
func (w *work) valueOf(b *rulebook.Book, p *rulebook.Parameter, raw string) *Record {
	r := w.blank(w.e.Lib.Form("base.param_value"), w.myUnit())
	r.row["book"], r.row["param"], r.row["value"], r.row["from"] = b.ID, p.ID, raw, calendar.DateOf(w.now, w.world.calendar.Zone).String()
	return r
}

func (w *work) tryNot(clause string) error {
	form := w.e.Lib.Form("base.param_value")
	no := w.refuse("who", w.blank(form, w.myUnit()), form.Action("create"), []Reason{{Clause: clause, Say: label("空跑归管理员、稽核、公司负责人，以及能改这个值的人", "A dry run is for administrators, auditors, the head of the company, and who may change the value")}})
	no.Title = label("还不能空跑", "Cannot make a dry run yet")
	return no
}

// reads tells whether a node asks for one of the values that are tried.
func (d *dryRun) reads(n *rulebook.Node) bool {
	for _, p := range n.Params {
		if _, ok := d.ask.Values[p]; ok {
			return true
		}
	}
	return false
}

// otherwise is the same look at the database in a world where the values are those that are tried.
func (d *dryRun) otherwise(w *work) (*work, error) {
	v, err := w.e.begin(w.ctx, w.tx, w.now, w.actor)
	if err != nil {
		return nil, err
	}
	world := *w.world
	world.views = map[viewKey]*rulebook.View{}
	world.values = append(append([]paramValue{}, w.world.values...), d.raw...) // the last that is in force wins
	if d.ask.Woken != nil {
		world.adoptions = append([]adoption{}, w.world.adoptions...)
		for i := range world.adoptions {
			if a := &world.adoptions[i]; a.book == d.book.ID {
				a.woken = map[string]bool{}
				for _, c := range d.ask.Woken {
					a.woken[c] = true
				}
			}
		}
	}
	v.reading, v.world = true, &world
	return v, nil
}

// page works out some of the records of a form twice.
func (d *dryRun) page(w *work, f *rulebook.Form, cursor string, n *int) (string, error) {
	if w.scopeOf(f).none {
		return "", nil
	}
	zone := w.world.calendar.Zone
	at := query.Col{Alias: "this", Name: "at"}
	p := &plan{form: f, column: "at", sort: at, desc: true, where: query.And(w.where(f, "this"),
		query.Op{Name: ">=", Args: []query.Expr{at, query.Const{Value: instant(d.ask.From.Start(zone))}}},
		query.Op{Name: "<", Args: []query.Expr{at, query.Const{Value: instant(d.ask.Until.AddDays(1).Start(zone))}}})}
	recs, next, err := w.page(p, cursor, dryPage)
	if err != nil || len(recs) == 0 {
		return next, err
	}
	v, err := d.otherwise(w)
	if err != nil {
		return "", err
	}
	var then []*Record
	for _, r := range recs {
		then = append(then, v.adopt(f, maps.Clone(r.row)))
	}
	if err := errors.Join(w.prefetch(f, recs), v.prefetch(f, then)); err != nil {
		return "", err
	}
	held, err := w.heldClocks(recs)
	if err != nil {
		return "", err
	}
	money := w.moneyOpen(f)
	for i, r := range recs {
		if err := w.ctx.Err(); err != nil {
			return "", err
		}
		if err := d.compare(w, v, r, then[i], held); err != nil {
			return "", err
		}
		if err := d.compareValues(w, v, r, then[i]); err != nil {
			return "", err
		}
		if money {
			if err := d.compareApprovals(w, v, r, then[i]); err != nil {
				return "", err
			}
		}
	}
	d.out.Records += len(recs)
	*n += len(recs)
	return next, nil
}
