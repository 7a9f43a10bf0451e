package app

import (
	"context"
	"errors"
	"strings"
	"time"

	"zhanggui/internal/alert"
	"zhanggui/internal/auth"
	"zhanggui/internal/engine"
)

// alerts carries notices out, every second or so: a limit of three minutes leaves no time for a slow rhythm.
type alerts struct {
	service *alert.Service
	s       *server
	end     context.CancelFunc
	done    chan struct{}
}

const alertEvery = time.Second

// Alert asks the engine that is running now what may leave of a notice.
func (s *server) Alert(ctx context.Context, now time.Time, person, form, record string) (alert.Notice, bool, error) {
	a, ok, err := s.now.Load().engine.AlertOf(ctx, now, person, form, record)
	return alert.Notice{Number: a.Number, Due: a.Due, EN: a.EN}, ok, err
}

// Letter asks the engine what leaves of a letter, and makes the link that goes with it: worked out from the letter, so that it is the same
// whenever it is sent again, and kept nowhere but as a digest.
func (s *server) Letter(ctx context.Context, now time.Time, id string) (alert.Letter, bool, error) {
	o, err := s.now.Load().engine.LetterOut(ctx, now, id)
	if err != nil || o == nil {
		return alert.Letter{}, false, err
	}
	l := alert.Letter{To: o.To, Subject: o.Subject, Text: o.Text}
	if o.Link == nil {
		return l, true, nil
	}
	url := s.c.settings.URL
	if l.NoURL = url == ""; l.NoURL || o.To == "" {
		return l, true, nil
	}
	token := auth.LinkPrefix + s.keys.Keeper.Secret("letter link", id)
	if err := s.auth.KeepLink(ctx, now, token, "", auth.Link{Form: o.Link.Form, Record: o.Link.Record, Action: o.Link.Action, Ends: o.Until}); err != nil {
		return l, false, err
	}
	day := o.Until.Add(-time.Millisecond).In(zone()).Format("2006-01-02")
	l.Text += "\n\n请点这里填写，" + day + " 前有效，只能用一次 / Please answer here, once, by " + day + ":\n" + strings.TrimRight(url, "/") + "/answer#" + token
	return l, true, nil
}

// LetterDone tells the engine what became of a letter.
func (s *server) LetterDone(ctx context.Context, now time.Time, id, address, why string) error {
	how := engine.LetterDropped
	switch {
	case address != "":
		how = engine.LetterMailed
	case why != "":
		how = engine.LetterFailed
	}
	return s.now.Load().engine.LetterDone(ctx, now, id, how, address, why)
}

// openAlerts makes the service; the keeper of the installation seals the secrets of channels.
func openAlerts(s *server) (*alerts, error) {
	c := &s.c.settings
	service, err := alert.New(s.db, s, alert.Options{URL: c.URL, SMTP: c.SMTP, User: c.SMTPUser, Password: c.SMTPPassword, From: c.MailFrom, Allow: c.AlertAllow, Zone: zone(), Keep: s.keys.Keeper, Letters: s, Log: s.p.log})
	if err != nil {
		return nil, err
	}
	if err := service.Ready(context.Background(), s.clock.Now()); err != nil {
		return nil, err
	}
	return &alerts{service: service, s: s, done: make(chan struct{})}, nil
}

func (a *alerts) start() {
	ctx, end := context.WithCancel(context.Background())
	a.end = end
	go func() {
		defer close(a.done)
		tick := time.NewTicker(alertEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				mine, ok := a.s.lead.fence(ctx)
				if !ok {
					continue
				}
				if _, err := a.service.Round(mine, a.s.clock.Now()); err != nil && ctx.Err() == nil && !handedOver(err) {
					a.s.p.log.Error("alerts", "err", err)
				}
			}
		}
	}()
}

// stop waits for what is on its way, but not longer than ctx.
func (a *alerts) stop(ctx context.Context) error {
	a.end()
	select {
	case <-a.done:
		return nil
	case <-ctx.Done():
		return errors.New("an alert was still on its way")
	}
}
