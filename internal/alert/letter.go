package alert

import (
	"context"
	"errors"
	"time"

	"zhanggui/internal/store"
)

// Letters go to people outside, by mail alone. The engine writes an outbox row of the kind "letter" with the act that sends one; the row says
// nothing but which. Words, address and link are asked for when it leaves, so that neither the box nor a log holds them.

// Letters answers for the letters of the house.
type Letters interface {
	// Letter is one as it leaves now; ok is false if it is not to go any more. Asked again it has the same link.
	Letter(ctx context.Context, now time.Time, id string) (l Letter, ok bool, err error)
	// LetterDone writes down what became of one: mailed to an address, not mailed for the reason why, or, with both empty, dropped.
	LetterDone(ctx context.Context, now time.Time, id, address, why string) error
}

// Letter is what leaves of one.
type Letter struct {
	To, Subject, Text string // no To: nobody knows his address
	NoURL             bool   // it has a link, and the installation does not know its own address
}

// letter sends one and writes down how it went. What can never go by mail is handed back at once; what was tried for hours is handed back too,
// and shown to the administrator as every dead delivery is.
func (s *Service) letter(ctx context.Context, now time.Time, d store.Row) (bool, error) {
	id := str(d["id"])
	if s.opts.Letters == nil {
		return false, nil
	}
	l, ok, err := s.opts.Letters.Letter(ctx, now, id)
	if err != nil {
		return false, err
	}
	why := ""
	if ok {
		_, bad := oneAddress(l.To)
		switch {
		case l.To == "" || bad != nil:
			why = "no_address"
		case l.NoURL:
			why = "no_url"
		case !s.Mails():
			why = "no_mail"
		}
	}
	if !ok || why != "" {
		if err := s.opts.Letters.LetterDone(ctx, now, id, "", why); err != nil {
			return false, err
		}
		return false, s.remove(ctx, id)
	}
	fail := s.mail(ctx, id, l.To, l.Subject, l.Text, now)
	if fail == nil {
		if err := s.opts.Letters.LetterDone(ctx, now, id, l.To, ""); err != nil {
			return false, err // it is sent once more, under the same id
		}
		return true, s.remove(ctx, id)
	}
	tries, _ := d["tried"].(int64)
	set := store.Row{"tried": tries + 1, "error": reason(fail)}
	if int(tries) >= len(again) || errors.Is(fail, errInside) {
		set["dead"], set["next_at"] = instant(now), nil
		if err := s.opts.Letters.LetterDone(ctx, now, id, "", "unreachable"); err != nil {
			return false, err
		}
	} else {
		set["next_at"] = instant(now.Add(again[tries]))
	}
	s.opts.Log.Warn("letter not delivered", "id", id, "try", tries+1, "why", set["error"]) // not the server's words: they may repeat the address
	return false, s.update(ctx, id, set)
}
