package engine

import (
	"context"
	"slices"
	"sort"
	"time"

	"zhanggui/internal/fault"
	"zhanggui/internal/rulebook"
)

// BookBrief is a rulebook in the list.
type BookBrief struct {
	ID      string      `json:"id"`
	Short   string      `json:"short"`
	Title   Text        `json:"title"`
	Version string      `json:"version"`
	Source  string      `json:"source"`
	Clauses ClauseCount `json:"clauses"`
	Adopted []Adopted   `json:"adopted"`
	Forms   int         `json:"forms"`
	Related []string    `json:"related"` // books whose text it shares: it can be laid beside them
}

// ClauseCount counts clauses by what they are.
type ClauseCount struct {
	Total  int            `json:"total"`
	ByKind map[string]int `json:"by_kind"`
}

// Adopted says which unit works by a book, and since when.
type Adopted struct {
	ID    string `json:"id"`
	Unit  *Ref   `json:"unit"`
	From  string `json:"from"`
	Until string `json:"until,omitempty"`
}

// BookView is a rulebook to read.
type BookView struct {
	BookBrief
	ClauseList []ClauseView `json:"clauses"`
	Parameters []ParamView  `json:"parameters"`
	Roles      []RoleView   `json:"roles"`
}

// ClauseView is a clause with what the system does for it and how often it did.
type ClauseView struct {
	ID        string     `json:"id"`
	Book      string     `json:"book"`
	Kind      string     `json:"kind"`
	Text      Text       `json:"text"`
	Default   bool       `json:"default"`
	Legal     *Text      `json:"legal,omitempty"`
	Proof     string     `json:"proof,omitempty"`
	Asleep    bool       `json:"asleep"`
	AsleepWhy *Text      `json:"asleep_why,omitempty"`
	Repeats   []string   `json:"repeats,omitempty"` // the clauses that say the same and decide it
	Does      []Does     `json:"does"`
	Params    []string   `json:"params"`
	Scenarios int        `json:"scenarios"`
	Fired     int64      `json:"fired"`
	Last      *LastFired `json:"last"`
}

// Does is one element that a clause owns, in words.
type Does struct {
	Element string `json:"element"`
	Label   Text   `json:"label"`
	Path    string `json:"path"`
	Form    string `json:"form,omitempty"`
	Text    Text   `json:"text"`
	Asleep  bool   `json:"asleep,omitempty"`
}

// LastFired is when a clause last decided something the reader may see.
type LastFired struct {
	At     string `json:"at"`
	Form   string `json:"form"`
	Record string `json:"record"`
	Number string `json:"number"`
}

// RoleView is a role with its holders.
type RoleView struct {
	ID        string   `json:"id"`
	Label     Text     `json:"label"`
	Holders   []Holder `json:"holders"`
	Conflicts []string `json:"conflicts"`
	HeldIn    string   `json:"held_in"`
	Need      string   `json:"need"`  // how many must hold it: one, some, any
	Signs     []Text   `json:"signs"` // what it must sign; without a holder that cannot be signed
}

// Books lists the rulebooks.
func (e *Engine) Books(ctx context.Context, now time.Time, actor Actor) ([]BookBrief, error) {
	var list []BookBrief
	err := e.read(ctx, now, actor, func(w *work) error {
		list = []BookBrief{}
		for _, b := range e.Lib.Books {
			if w.mayRead(b) {
				list = append(list, w.bookBrief(b))
			}
		}
		return nil
	})
	return list, err
}

// stranger tells whether the reader is of another organisation.
func (w *work) stranger() bool { return w.me != nil && w.world.outside(w.me.id) != "" }

// mayRead tells whether a book is the reader's to look up: our people read every regulation of the library, those of another
// organisation what they have a part in.
func (w *work) mayRead(b *rulebook.Book) bool {
	return b != nil && (!w.stranger() || b.ID == "base" || w.worksWith(b))
}

func (w *work) bookBrief(b *rulebook.Book) BookBrief {
	x := BookBrief{ID: b.ID, Short: b.Short, Title: text(b.Title), Version: b.Version, Source: b.Source, Adopted: []Adopted{}, Forms: len(b.Forms), Related: w.e.Lib.Related(b), Clauses: ClauseCount{len(b.Clauses), map[string]int{}}}
	for _, c := range b.Clauses {
		x.Clauses.ByKind[c.Kind]++
	}
	for i := range w.world.adoptions {
		if a := &w.world.adoptions[i]; a.book == b.ID {
			y := Adopted{ID: a.id, Unit: w.unitRef(a.unit), From: a.from.String()}
			if !a.until.IsZero() {
				y.Until = a.until.String()
			}
			x.Adopted = append(x.Adopted, y)
		}
	}
	return x
}

// Book is one rulebook, clause by clause.
func (e *Engine) Book(ctx context.Context, now time.Time, actor Actor, id string) (*BookView, error) {
	var v *BookView
	err := e.read(ctx, now, actor, func(w *work) error {
		b := e.Lib.Book(id)
		if !w.mayRead(b) {
			return fault.New(fault.NotFound, "没有这个制度："+id, "There is no rulebook "+id)
		}
		v = &BookView{BookBrief: w.bookBrief(b), ClauseList: []ClauseView{}, Parameters: []ParamView{}, Roles: []RoleView{}}
		fired, err := w.fired()
		if err != nil {
			return err
		}
		view := w.bookSight(b)
		proven := e.Lib.Proven(b)
		for _, c := range b.Clauses {
			x := w.clauseView(b, c, view)
			x.Scenarios, x.Fired, x.Last = proven[c.ID], fired[c.ID].n, w.lastFired(fired[c.ID])
			v.ClauseList = append(v.ClauseList, x)
		}
		for _, p := range b.Parameters {
			v.Parameters = append(v.Parameters, w.paramView(b, p, view))
		}
		for _, r := range b.Roles {
			x := RoleView{ID: r.ID, Label: textOr(r.Label, r.ID), Holders: []Holder{}, Conflicts: []string{}, HeldIn: r.HeldIn, Need: r.Holders, Signs: []Text{}}
			if !w.stranger() {
				x.Holders = w.holderList(w.world.holders(r.ID, "", w.now))
			}
			for _, a := range signedFor(b, r.ID) {
				x.Signs = append(x.Signs, text(a.Label))
			}
			for _, c := range r.Conflicts {
				x.Conflicts = append(x.Conflicts, c.With)
			}
			v.Roles = append(v.Roles, x)
		}
		return nil
	})
	return v, err
}

// BookDiff is what one book says otherwise than another.
type BookDiff = rulebook.Diff

// Diff lays two books side by side, clause by clause.
func (e *Engine) Diff(ctx context.Context, now time.Time, actor Actor, id, with string) (*BookDiff, error) {
	var v *BookDiff
	err := e.read(ctx, now, actor, func(w *work) error {
		for _, x := range []string{id, with} {
			if !w.mayRead(e.Lib.Book(x)) {
				return fault.New(fault.NotFound, "没有这个制度："+x, "There is no rulebook "+x)
			}
		}
		d, err := e.Lib.Diff(id, with)
		if err != nil {
			return fault.At("with", "两部制度没有共同的条文，不能逐条对照", "The two share no text and cannot be compared clause by clause")
		}
		v = d
		return nil
	})
	return v, err
}

// Clause is one clause, with when it last decided.
func (e *Engine) Clause(ctx context.Context, now time.Time, actor Actor, id string) (*ClauseView, error) {
	var v *ClauseView
	err := e.read(ctx, now, actor, func(w *work) error {
		b, c := e.Lib.Clause(id)
		if c == nil || !w.mayRead(b) {
			return fault.New(fault.NotFound, "没有这一条："+id, "There is no clause "+id)
		}
		x := w.clauseView(b, c, w.bookSight(b))
		x.Scenarios = e.Lib.Proven(b)[id]
		fired, err := w.fired()
		if err != nil {
			return err
		}
		x.Fired, x.Last = fired[id].n, w.lastFired(fired[id])
		v = &x
		return nil
	})
	return v, err
}

// bookSight is a book as it binds the reader's unit today.
func (w *work) bookSight(b *rulebook.Book) *rulebook.View {
	unit := w.myUnit()
	if v := w.world.view(w, b, unit, w.now); v.Adoption != "" {
		return v
	}
	for i := range w.world.adoptions {
		if w.world.adoptions[i].book == b.ID {
			unit = w.world.adoptions[i].unit
		}
	}
	return w.world.view(w, b, unit, w.now)
}

func (w *work) clauseView(b *rulebook.Book, c *rulebook.Clause, view *rulebook.View) ClauseView {
	x := ClauseView{ID: c.ID, Book: b.ID, Kind: c.Kind, Text: text(c.Text), Default: c.Default, Legal: legalText(c.Legal), Proof: c.Proof, Repeats: c.Repeats, Does: []Does{}, Params: []string{}, Asleep: view.Asleep[c.ID]}
	nodes := c.Nodes
	for _, id := range c.Repeats {
		if _, same := w.e.Lib.Clause(id); same != nil {
			nodes = append(slices.Clip(nodes), same.Nodes...)
		}
	}
	awake, seen := 0, map[string]bool{}
	for _, n := range nodes {
		d := w.does(n)
		if seen[d.Text.ZH] {
			awake += either(view.Awake(n), 1, 0)
			continue
		}
		seen[d.Text.ZH] = true
		d.Asleep = !view.Awake(n)
		if !d.Asleep {
			awake++
		}
		x.Does = append(x.Does, d)
		for _, id := range n.Params {
			if !contains(x.Params, id) {
				x.Params = append(x.Params, id)
			}
		}
	}
	for _, p := range b.Parameters {
		if p.Clause == c.ID && !contains(x.Params, p.ID) {
			x.Params = append(x.Params, p.ID)
		}
	}
	sort.SliceStable(x.Does, func(i, j int) bool { return len(x.Does[i].Path) < len(x.Does[j].Path) })
	switch {
	case x.Asleep:
		x.AsleepWhy = &Text{"公司关闭了这一条", "The company switched this clause off"}
	case len(nodes) > 0 && awake == 0 && c.Legal != "":
		x.Asleep, x.AsleepWhy = true, &Text{"法律上有疑问，未经启用", "Legally doubtful; not woken"}
	case len(nodes) > 0 && awake == 0:
		x.Asleep, x.AsleepWhy = true, &Text{"所依据的参数还没填", "A value it needs is still blank"}
	}
	return x
}
