package rulebook

import (
	"fmt"
	"strings"
	"time"

	"zhanggui/internal/calendar"
	"zhanggui/internal/expr"
)

// View is a rulebook as it stands for one record: with the parameter values that bind it, and with what
// sleeps. The mutation run, a clause switched off, a blank parameter and a clause not yet in force are one mechanism.
type View struct {
	Book      *Book
	Lib       *Library
	Unit      string // the adopting unit
	Adoption  string // the adoption's id; "" = not adopted
	Values    map[string]expr.Value
	Rows      map[string][]map[string]expr.Value // of table parameters
	Asleep    map[string]bool                    // clauses
	Off       map[string]bool                    // element kinds not yet in force; "all"
	Legal     map[string]bool                    // doubtful clauses that the adopter woke
	WakeLegal bool
	Trace     func(clause string) // told every clause that is consulted
	Beside    map[*Book]*View     // the rulebooks that add to this one's forms, as they stand for the same record
}

// Bears tells whether a node is there at all: what a rulebook adds to another's form is only where the rulebook is adopted.
func (v *View) Bears(n *Node) bool {
	if !n.Added {
		return true
	}
	own := v
	if n.Book != v.Book {
		own = v.Beside[n.Book]
	}
	return own != nil && own.Adoption != ""
}

// Of is the view that knows a parameter: this one, or that of a rulebook which adds to its forms.
func (v *View) Of(param string) *View {
	if _, own := v.Values[param]; !own {
		for b, o := range v.Beside {
			if b.Parameter(param) != nil {
				return o
			}
		}
	}
	return v
}

// Awake tells whether a node says anything now.
func (v *View) Awake(n *Node) bool {
	if n == nil || n.Never || !v.Bears(n) {
		return false
	}
	if n.Added && n.Book != v.Book {
		return v.Beside[n.Book].Awake(n)
	}
	if n.Clause != "" {
		if v.Trace != nil {
			v.Trace(n.Clause)
		}
		if v.Asleep[n.Clause] {
			return false
		}
	}
	if n.Legal != "" && !v.WakeLegal && !v.Legal[n.Clause] {
		return false
	}
	if len(v.Off) > 0 && (v.Off["all"] || v.Off[n.Element()]) {
		return false
	}
	for _, id := range n.Params {
		if v.blank(id) {
			return false
		}
	}
	return true
}

// Element is the kind of element a node belongs to: "deadline" for form.x.deadline.y, else the first word of its path.
func (n *Node) Element() string {
	p := strings.SplitN(n.Path, ".", 5)
	if len(p) < 2 {
		return ""
	}
	if len(p) > 3 && (p[1] == "form" || p[1] == "extend") {
		return p[3]
	}
	return p[1]
}

// blank tells whether a parameter has no value here, or sleeps with its clause.
func (v *View) blank(id string) bool {
	p := v.parameter(id)
	if p != nil && p.Clause != "" {
		if v.Trace != nil {
			v.Trace(p.Clause)
		}
		if v.Asleep[p.Clause] {
			return true
		}
	}
	if p != nil && p.Legal != "" && !v.WakeLegal && !v.Legal[p.Clause] {
		return true
	}
	if x, ok := v.Values[id]; ok && x != nil {
		return false
	}
	if len(v.Rows[id]) > 0 {
		return false
	}
	// A parameter of another book that this view does not list keeps its shipped value.
	if _, listed := v.Values[id]; !listed && p != nil && p.Book != v.Book {
		return p.Default == nil && len(p.Rows) == 0
	}
	return true
}

func (v *View) parameter(id string) *Parameter {
	if v.Book != nil {
		if p := v.Book.Parameter(id); p != nil {
			return p
		}
	}
	if v.Lib != nil {
		for _, b := range v.Lib.Books {
			if p := b.Parameter(id); p != nil {
				return p
			}
		}
	}
	return nil
}

// Pick is the first awake case whose condition holds, and its value. The case is nil if none does: the key is as if absent.
func (v *Value) Pick(view *View, scope *expr.Scope) (expr.Value, *Case, error) {
	if v == nil {
		return nil, nil, nil
	}
	for _, c := range v.Cases {
		if !view.Awake(&c.Node) {
			continue
		}
		if c.When != nil {
			ok, err := c.When.Eval(scope)
			if err != nil {
				return nil, nil, fmt.Errorf("%s: %w", c.Path, err)
			}
			if b, _ := ok.(bool); !b {
				continue
			}
		}
		x, err := c.Is.Eval(scope)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", c.Path, err)
		}
		return x, c, nil
	}
	return nil, nil, nil
}

// Delayed tells which element kinds of the book are not yet in force on a day, by the header's since:. A since whose clause
// sleeps delays nothing; one that waits for a blank parameter delays until it is entered.
func (b *Book) Delayed(view *View, scope *expr.Scope, today calendar.Date) (map[string]bool, error) {
	var off map[string]bool
	delay := func(kind string) {
		if off == nil {
			off = map[string]bool{}
		}
		off[kind] = true
	}
	for kind, v := range b.Since {
		for _, c := range v.Cases {
			if c.Clause != "" && view.Asleep[c.Clause] {
				continue
			}
			waits := false
			for _, id := range c.Params {
				waits = waits || view.blank(id)
			}
			if waits {
				delay(kind)
				break
			}
			x, err := c.Is.Eval(scope)
			if err != nil {
				return nil, fmt.Errorf("since %s: %w", kind, err)
			}
			switch d := x.(type) {
			case nil:
				delay(kind)
			case calendar.Date:
				if today.Before(d) {
					delay(kind)
				}
			case time.Time:
				if today.Before(calendar.DateOf(d, zone)) {
					delay(kind)
				}
			}
			break
		}
	}
	return off, nil
}
