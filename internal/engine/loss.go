package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"zhanggui/internal/expr"
	"zhanggui/internal/store"
)

// Loss is what is known of the acts that an older database, put back, no longer holds.
type Loss struct {
	Have, Kept int64           // entries of the log, and of the checkpoint kept outside
	Numbers    []store.Numbers // the last numbers that are known to have been given out
	Margin     int64           // numbers to leave out besides, for acts after that was noted
}

// AcceptLoss records a loss: every number that may have been given out in the lost time is void, with the reason, and the
// next one is above it. It answers the ranges in words.
func (e *Engine) AcceptLoss(ctx context.Context, now time.Time, actor Actor, l Loss) (ranges []string, err error) {
	now = now.UTC().Truncate(time.Millisecond)
	err = e.DB.Write(ctx, func(tx *store.Tx) error {
		ranges = nil
		w, err := e.begin(ctx, tx, now, actor)
		if err != nil {
			return err
		}
		for _, n := range l.Numbers {
			have, err := tx.Peek(n.Series, n.Period)
			if err != nil {
				return err
			}
			last := n.Last + l.Margin
			if last <= have || n.Last <= have && over(n, l.Numbers) {
				continue
			}
			text := fmt.Sprintf("%s %s %d–%d", n.Series, n.Period, have+1, last)
			ranges = append(ranges, text)
			if err := tx.Skip(n.Series, n.Period, last); err != nil {
				return err
			}
			if _, err := w.engineRecord("base.voided", nil, map[string]expr.Value{"no": text, "reason": "恢复旧备份，号段作废 | lost when an older copy was restored"}); err != nil {
				return err
			}
		}
		if err := w.settle(); err != nil {
			return err
		}
		return w.writeEntry(nil, nil, Act{Action: "accept_loss", Actor: actor, Values: map[string]any{"have": l.Have, "kept": l.Kept, "void": ranges}})
	})
	return ranges, err
}

// over is whether a series already counts in a later period: no act draws a number of this one any more, and all that were drawn are known.
func over(n store.Numbers, all []store.Numbers) bool {
	period, of, _ := strings.Cut(n.Period, "|")
	return slices.ContainsFunc(all, func(x store.Numbers) bool {
		later, its, _ := strings.Cut(x.Period, "|")
		return x.Series == n.Series && its == of && later > period
	})
}

// Tell writes an entry about a person's way in, as Note does, and tells him of it in the same transaction: in the page, and by
// his channels that something concerns him, not what. The words are in his language.
func (e *Engine) Tell(ctx context.Context, now time.Time, actor Actor, person, action string, asked map[string]any, words Text) error {
	now = now.UTC().Truncate(time.Millisecond)
	return e.DB.Write(ctx, func(tx *store.Tx) error {
		w, err := e.begin(ctx, tx, now, actor)
		if err != nil {
			return err
		}
		p, err := w.person(person)
		if err != nil {
			return err
		}
		r, err := w.get(e.Lib.Form("base.person"), person)
		if err != nil {
			return err
		}
		if err := w.quietCreate("base.notice", nil, map[string]expr.Value{"person": p, "text": words.ZH, "text_en": words.EN}); err != nil {
			return err
		}
		if err := w.settle(); err != nil {
			return err
		}
		return w.logRead(r, "base.person", action, asked)
	})
}

// Alert tells all auditors, or the administrators where there are none, that something is wrong with the house itself.
func (e *Engine) Alert(ctx context.Context, now time.Time, about string, message Text) error {
	now = now.UTC().Truncate(time.Millisecond)
	return e.DB.Write(ctx, func(tx *store.Tx) error {
		w, err := e.begin(ctx, tx, now, ClockActor())
		if err != nil {
			return err
		}
		var told []string
		for _, role := range []string{"auditor", "admin"} {
			for _, id := range sortedKeys(w.world.people) {
				if w.world.has(id, role, w.now) {
					told = append(told, id)
				}
			}
			if len(told) > 0 {
				break
			}
		}
		for _, id := range told {
			p, err := w.person(id)
			if err != nil {
				return err
			}
			if err := w.quietCreate("base.notice", nil, map[string]expr.Value{"person": p, "text": message.ZH, "text_en": message.EN}); err != nil {
				return err
			}
		}
		if err := w.settle(); err != nil {
			return err
		}
		return w.writeEntry(nil, nil, Act{Action: about, Actor: w.actor, Values: map[string]any{"alert": message, "told": int64(len(told))}})
	})
}
