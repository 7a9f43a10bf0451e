package scenario

import (
	"fmt"
	"strings"

	"zhanggui/internal/engine"
)

// reveal looks at a masked value: {kang: reveal w, with: {field: phone, purpose: 派送, ref: w}}.
func (p *play) reveal(who, what string, m map[string]any) error {
	actor, err := p.actor(who)
	if err != nil {
		return err
	}
	rec, err := p.find(strings.TrimSpace(strings.TrimPrefix(what, "reveal ")))
	if err != nil {
		return err
	}
	with, err := mapping(m, "with")
	if err != nil {
		return err
	}
	if err := known(with, "with", "field", "purpose", "ref"); err != nil {
		return err
	}
	text := func(key string) string {
		if none(with[key]) {
			return ""
		}
		return fmt.Sprint(with[key])
	}
	ref := text("ref")
	if n := p.names[ref]; n.ID != "" {
		ref = n.ID
	}
	out, err := p.e.Reveal(p.ctx, p.now, actor, rec.Form, rec.ID, text("field"), text("purpose"), ref)
	if err := p.answer(what, m["refused"], err); err != nil || out == nil {
		return err
	}
	p.seen = []engine.Effect{{Kind: "do", Form: rec.Form, Record: rec.ID, Name: "reveal " + text("field"), Text: text("purpose"), Data: map[string]string{"by": actor.Person}}}
	return nil
}
