package app

import (
	"context"
	"net/http"
	"time"

	"zhanggui/internal/api"
)

// api is the door for programs on one library.
func (s *server) api(r *running) http.Handler {
	d := api.Deps{Engine: r.engine, Auth: s.auth, Alert: s.alerts.service, Jobs: s.jobs, Lib: r.lib, Clock: s.clock.Now, Wall: time.Now, Log: s.p.log, Version: version(), Secure: s.c.secure(),
		Journal: logbook{s}, Ready: s.ready, Scan: s.scan,
		Company: api.Company{Name: s.company, Demo: s.demo}}
	if s.demo {
		d.Company.Password = s.password
		d.Company.Accounts = func(ctx context.Context) ([]api.Account, error) {
			people, err := accounts(ctx, s.db, r.lib)
			list := make([]api.Account, len(people))
			for i, a := range people {
				list[i] = api.Account{Account: a.Account, Name: a.Name, Post: a.Post, Unit: a.Unit, House: a.House}
			}
			return list, err
		}
	}
	if s.c.settings.Copy != "" {
		d.Copy = func() *api.CopyView { return s.copy.View() } // it begins after the door is made
	}
	if s.first != nil {
		d.FirstRun = s.first
	}
	if s.clock.manual {
		d.ManualClock = s.clock
	}
	return api.New(d)
}
