package engine

import (
	"zhanggui/internal/fault"
	"zhanggui/internal/span"
)

// Did tells an operator what became of an act. All of it are names that rulebooks and the program give, so that there are
// only so many, and nothing of the record or of who acted.
type Did struct {
	Form, Action string   // "" = one that does not exist
	Outcome      string   // done signed replayed dry, refused by a rule, or the kind of the fault
	Group        string   // of a refusal: what kind of rule said no
	Clauses      []string // of a refusal
}

// did is what became of an act up to its error.
func (e *Engine) did(form, action string, err error) Did {
	d := Did{Outcome: "done"}
	if f := e.Lib.Form(form); f != nil {
		d.Form = f.Key
		if a := f.Action(action); a != nil {
			d.Action = a.ID
		}
	}
	if r, ok := AsRefusal(err); ok {
		d.Outcome, d.Group, d.Clauses = "refused", r.Group, r.Clauses()
	} else if err != nil {
		d.Outcome = string(fault.KindOf(err))
	}
	return d
}

// fired is what became of something that fell due: the opening of a duty, or a mark of a clock.
func (e *Engine) fired(kind string, err error) Did {
	d := e.did("", "", err)
	d.Action = kind
	return d
}

func (e *Engine) told(s *span.Span, d Did) {
	s.Set("form", d.Form)
	s.Set("action", d.Action)
	s.Set("outcome", d.Outcome)
	if e.opts.Done != nil {
		e.opts.Done(d)
	}
}
