package scenario

import (
	"fmt"
	"strings"

	"zhanggui/internal/engine"
	"zhanggui/internal/fault"
)

// giveLink hands out the link of an action: {ban: link r, with: {action: answer}}. The step `link` then acts by it while it is open.
func (p *play) giveLink(who, what string, m map[string]any) error {
	actor, err := p.actor(who)
	if err != nil {
		return err
	}
	rec, err := p.find(strings.TrimSpace(strings.TrimPrefix(what, "link ")))
	if err != nil {
		return err
	}
	with, err := mapping(m, "with")
	if err != nil {
		return err
	}
	if err := known(with, "with", "action"); err != nil {
		return err
	}
	b := engine.Bearer{Form: rec.Form, Record: rec.ID, Action: fmt.Sprint(with["action"])}
	until, err := p.e.GiveLink(p.ctx, p.now, actor, b.Form, b.Record, b.Action)
	if err == nil {
		p.links[b] = until
	}
	return p.answer(what, m["refused"], err)
}

// linkOver refuses who acts by a link that was handed out and is open no longer. One that nobody handed out is as good as new.
func (p *play) linkOver(b *engine.Bearer) error {
	if b == nil {
		return nil
	}
	if until, given := p.links[*b]; given && !p.now.Before(until) {
		return fault.New(fault.NotFound, "这个链接已经过期", "This link has ended")
	}
	return nil
}
