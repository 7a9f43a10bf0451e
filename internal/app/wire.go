package app

import (
	"context"
	"net/http"

	"zhanggui/internal/api"
)

// api is the door for programs on one library.
func (s *server) api(r *running) http.Handler {
	d := api.Deps{Engine: r.engine, Auth: s.auth, Lib: r.lib, Clock: s.clock.Now, Log: s.p.log, Version: version(), Secure: s.c.secure(),
		Verify:  s.verify,
		Company: api.Company{Name: s.company, Demo: s.demo}}
	if s.demo {
		d.Company.Password = s.password
		d.Company.Accounts = func(ctx context.Context) ([]api.Account, error) {
			people, err := accounts(ctx, s.db, r.lib)
			list := make([]api.Account, len(people))
			for i, a := range people {
				list[i] = api.Account{Account: a.Account, Name: a.Name, Post: a.Post, Unit: a.Unit}
			}
			return list, err
		}
	}
	if s.first != nil {
		d.FirstRun = s.first
	}
	if s.clock.manual {
		d.ManualClock = s.clock
	}
	return api.New(d)
}

// verify recomputes the journal, after sealing what still waits for it.
func (s *server) verify(ctx context.Context) (int64, []string, error) {
	if err := s.seal.seal(ctx); err != nil {
		return 0, nil, err
	}
	report, err := verifyAll(ctx, s.db, s.seal.verifier, s.seal.kept()...)
	if err != nil {
		return 0, nil, err
	}
	return report.audit.Sealed, report.findings(s.now.Load().lib), nil
}
