package rulebook

import (
	"strings"

	"zhanggui/internal/expr"
)

// watchers works out whose deadlines, autos and stored values read which other records, so that a change there
// wakes the records that read it. They must name each other by a reference: nothing else could be found in time.
func (l *loader) watchers() {
	seen := map[Watch]bool{}
	for _, c := range l.books {
		for _, f := range c.Forms {
			for _, x := range append(derived(f), l.alignments(f)...) {
				l.through(f, x.expr, seen)
				for _, p := range x.expr.Reads() {
					g := l.lib.Forms[p.Object]
					if g == nil || g == f || g.Kept == "engine" || p.Via == "" {
						if g != nil && p.Via == "" && p.Field == "" && g.Kept == "" && len(x.expr.Names()) > 0 {
							c.unwatched(f, x, g)
						}
						continue
					}
					fd := g.field[p.Via]
					if fd == nil || fd.Type.Form != f.Key {
						continue
					}
					w := Watch{On: g.Key, Via: p.Via, Of: f.Key}
					if !seen[w] {
						seen[w] = true
						l.lib.Watchers[w.On] = append(l.lib.Watchers[w.On], w)
					}
				}
			}
		}
	}
}

// quotaWatchers works out which other forms the limits with over: are read from, so that a change there is heard too.
func (l *loader) quotaWatchers() {
	l.lib.QuotaWatch = map[string][]QuotaWatch{}
	for _, c := range l.books {
		for _, q := range c.Quotas {
			if len(q.Over) == 0 {
				continue
			}
			list := append([]*expr.Expr{q.Base}, q.Per...)
			for _, v := range []*Value{q.Where, q.AtMost} {
				if v != nil {
					for _, k := range v.Cases {
						list = append(list, k.When, k.Is)
					}
				}
			}
			seen := map[[2]string]bool{}
			for _, e := range list {
				if e == nil {
					continue
				}
				for _, p := range e.Params() {
					if !contains(q.Reads, p) {
						q.Reads = append(q.Reads, p)
					}
				}
				for _, p := range e.Reads() {
					form, _, _ := strings.Cut(p.Object, "#")
					at := [2]string{form, p.Field}
					if f := l.lib.Forms[form]; f == nil || form == q.Of || f.Kept == "engine" || seen[at] {
						continue
					}
					seen[at] = true
					l.lib.QuotaWatch[form] = append(l.lib.QuotaWatch[form], QuotaWatch{q, p.Field})
				}
			}
		}
	}
}

// through finds the records that an expression reads by a reference of f's own: this.customer.country.
func (l *loader) through(f *Form, e *expr.Expr, seen map[Watch]bool) {
	reads := e.Reads()
	for _, p := range reads {
		fd := f.field[p.Field]
		if p.Object != f.Key || fd == nil || fd.Type.Expr.Kind != expr.KObject || fd.Type.Form == f.Key {
			continue
		}
		for _, q := range reads {
			form, past, _ := strings.Cut(q.Object, "#")
			if strings.HasPrefix(q.Object, fd.Type.Form+".") { // a line of it
				form, past = fd.Type.Form, "line"
			}
			w := Watch{On: fd.Type.Form, By: fd.ID, Of: f.Key, Field: q.Field}
			if past != "" {
				w.Field = ""
			}
			if form == fd.Type.Form && q.Field != "" && q.Field != "id" && l.lib.Forms[form].Kept == "" && !seen[w] {
				seen[w] = true
				l.lib.Watchers[w.On] = append(l.lib.Watchers[w.On], w)
			}
		}
	}
}

// unwatched reports a reading of another form that nothing ties to this record.
func (c *book) unwatched(f *Form, x derivedExpr, g *Form) {
	if x.soft {
		return
	}
	c.r.warnf(x.pos, "%s of %s reads all of %s; without an equality on a reference to this (x.field == this) a change there is seen only at the next act", x.what, f.ID, g.ID)
}

type derivedExpr struct {
	expr *expr.Expr
	pos  Pos
	what string
	soft bool
}

// alignments are the dates from which duties of a form's records are counted.
func (l *loader) alignments(f *Form) []derivedExpr {
	var list []derivedExpr
	for _, c := range l.books {
		for _, d := range c.Duties {
			if d.Of != f.Key || d.Align == nil {
				continue
			}
			for _, k := range d.Align.Cases {
				for _, e := range []*expr.Expr{k.When, k.Is} {
					if e != nil {
						list = append(list, derivedExpr{expr: e, pos: d.Pos, what: "align of duty " + d.ID})
					}
				}
			}
		}
	}
	return list
}

// derived are the expressions whose results the engine keeps: deadlines, autos, stored values.
func derived(f *Form) []derivedExpr {
	var list []derivedExpr
	add := func(e *expr.Expr, p Pos, what string) {
		if e != nil {
			list = append(list, derivedExpr{expr: e, pos: p, what: what})
		}
	}
	value := func(v *Value, p Pos, what string) {
		if v != nil {
			for _, k := range v.Cases {
				add(k.When, p, what)
				add(k.Is, p, what)
			}
		}
	}
	for _, d := range f.Deadlines {
		what := strings.TrimSpace("deadline " + d.ID)
		for _, m := range []*Moment{d.From, d.To} {
			if m != nil {
				value(m.Expr, d.Pos, what)
			}
		}
		value(d.Within, d.Pos, what)
		value(d.By, d.Pos, what)
		value(d.When, d.Pos, what)
		value(d.Pause, d.Pos, what)
		add(d.List, d.Pos, what)
		if d.Ends != nil {
			add(d.Ends.Expr, d.Pos, what)
		}
	}
	for _, a := range f.Actions {
		value(a.Auto, a.Pos, "auto of action "+a.ID)
	}
	for _, fd := range f.Fields {
		if fd.Stored {
			value(fd.Value, fd.Pos, "field "+fd.ID)
		}
	}
	return list
}
