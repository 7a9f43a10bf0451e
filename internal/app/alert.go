package app

import (
	"context"
	"errors"
	"time"

	"zhanggui/internal/alert"
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

// openAlerts makes the service; the keeper of the installation seals the secrets of channels.
func openAlerts(s *server) (*alerts, error) {
	c := &s.c.settings
	service, err := alert.New(s.db, s, alert.Options{URL: c.URL, SMTP: c.SMTP, User: c.SMTPUser, Password: c.SMTPPassword, From: c.MailFrom, Allow: c.AlertAllow, Zone: zone(), Keep: s.keys.Keeper, Log: s.p.log})
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
