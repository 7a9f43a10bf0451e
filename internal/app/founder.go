package app

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"strings"
	"sync"
	"time"

	"zhanggui/internal/api"
	"zhanggui/internal/auth"
	"zhanggui/internal/engine"
	"zhanggui/internal/fault"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// house is what the first acts of an installation touch.
type house struct {
	db     *store.DB
	lib    *rulebook.Library
	engine *engine.Engine
	now    time.Time
}

// create makes a record in the installation's own name. It is an act like any other, in the journal too.
func (h *house) create(ctx context.Context, form string, values map[string]any) (string, error) {
	out, err := h.engine.Do(ctx, h.now, engine.Act{Form: form, Action: "create", Values: values,
		Actor: engine.Actor{System: true, Origin: "system"}})
	if err != nil {
		return "", err
	}
	return out.Record, nil
}

// find answers the id of the oldest record of a form with these column values, nil meaning empty; "" if there is none.
func (h *house) find(ctx context.Context, form string, values map[string]any) (string, error) {
	var id string
	err := h.db.Read(ctx, func(tx *store.Tx) error {
		var all []query.Expr
		for column, value := range values {
			if value == nil {
				all = append(all, query.Op{Name: "isnull", Args: []query.Expr{query.Col{Alias: "t", Name: column}}})
			} else {
				all = append(all, query.Eq("t", column, value))
			}
		}
		rows, err := tx.Select(query.Select{Table: h.lib.Form(form).Table, Alias: "t", Where: query.And(all...),
			Order: []query.Order{{Expr: query.Col{Alias: "t", Name: "at"}}, {Expr: query.Col{Alias: "t", Name: "id"}}}, Limit: 1})
		if len(rows) > 0 {
			id, _ = rows[0]["id"].(string)
		}
		return err
	})
	return id, err
}

func (h *house) date() string { return h.now.In(zone()).Format("2006-01-02") }

// found makes an administrator, and the company if there is none yet. Each step looks whether it was taken before,
// so that what was interrupted can be repeated; the password comes last, since with it the account is open.
func (h *house) found(ctx context.Context, f api.Founder, policy auth.Policy) error {
	f.Account = strings.ToLower(strings.TrimSpace(f.Account))
	f.Name, f.Company = strings.TrimSpace(f.Name), strings.TrimSpace(f.Company)
	company, err := meta(ctx, h.db, metaCompany)
	if err != nil {
		return err
	}
	if company == "" {
		company = f.Company
	}
	unit, err := h.find(ctx, "base.unit", map[string]any{"parent": nil})
	if err != nil {
		return err
	}
	for _, x := range []struct {
		empty      bool
		at, zh, en string
	}{
		{unit == "" && f.Company == "", "company", "请填公司名称", "Give the name of the company"},
		{f.Name == "", "name", "请填管理员的姓名", "Give the name of the administrator"},
		{f.Account == "", "account", "请填登录账号", "Give the account to sign in with"},
	} {
		if x.empty {
			return fault.At(x.at, x.zh, x.en)
		}
	}
	door := auth.New(h.db, newDirectory(h.lib), auth.Options{Company: company, Policy: policy, Zone: zone()})
	if err := door.CheckPassword(f.Password, f.Account, f.Name); err != nil {
		return err
	}
	if unit == "" {
		if unit, err = h.create(ctx, "base.unit", map[string]any{"name": f.Company, "kind": "company"}); err != nil {
			return err
		}
	}
	person, err := h.find(ctx, "base.person", map[string]any{"account": f.Account})
	if err != nil {
		return err
	}
	if person == "" {
		if person, err = h.create(ctx, "base.person", map[string]any{"name": f.Name, "account": f.Account, "unit": unit, "active": true}); err != nil {
			return err
		}
	}
	grant, err := h.find(ctx, "base.role_grant", map[string]any{"person": person, "role": "admin", "state": "held"})
	if err != nil {
		return err
	}
	if grant == "" {
		if _, err := h.create(ctx, "base.role_grant", map[string]any{"person": person, "role": "admin", "unit": unit, "from": h.date()}); err != nil {
			return err
		}
	}
	if err := setMeta(ctx, h.db, metaCompany, company); err != nil {
		return err
	}
	return door.SetPassword(ctx, h.now, person, f.Password, false)
}

// firstRun lets who holds the code printed at the start make the first administrator in the browser, once.
type firstRun struct {
	s    *server
	code string
	mu   sync.Mutex
	done bool
}

// newFirstRun answers nil where somebody can sign in already.
func newFirstRun(ctx context.Context, s *server) (*firstRun, error) {
	empty, err := s.auth.Empty(ctx)
	if err != nil || !empty {
		return nil, err
	}
	return &firstRun{s: s, code: rand.Text()[:16]}, nil
}

// Open tells whether nobody can sign in yet; once somebody can, what the company is called.
func (f *firstRun) Open(ctx context.Context) (bool, string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	open, err := f.open(ctx)
	return open, f.s.company, err
}

func (f *firstRun) open(ctx context.Context) (bool, error) {
	if f.done {
		return false, nil
	}
	empty, err := f.s.auth.Empty(ctx)
	if err != nil || empty {
		return empty, err
	}
	return false, f.end(ctx) // the command line, or another node, was faster
}

// Found makes the company and its first administrator.
func (f *firstRun) Found(ctx context.Context, now time.Time, code string, by api.Founder) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	open, err := f.open(ctx)
	if err != nil {
		return err
	}
	if !open {
		return fault.New(fault.Forbidden, "已经有管理员了，请登录", "There is an administrator already; sign in")
	}
	given := strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(code))
	if subtle.ConstantTimeCompare([]byte(given), []byte(f.code)) != 1 {
		return fault.At("code", "安装码不对。它印在启动服务器的窗口里", "The set-up code is wrong. It is printed where the server was started")
	}
	r := f.s.now.Load()
	h := &house{db: f.s.db, lib: r.lib, engine: r.engine, now: now}
	if err := h.found(ctx, by, f.s.c.policy()); err != nil {
		return err
	}
	return f.end(ctx)
}

// end gives the server the name of the company that now exists.
func (f *firstRun) end(ctx context.Context) error {
	company, err := meta(ctx, f.s.db, metaCompany)
	if err == nil {
		err = f.s.named(company)
	}
	f.done = err == nil
	return err
}

// shown is the code as one reads it to another.
func (f *firstRun) shown() string {
	return strings.Join([]string{f.code[:4], f.code[4:8], f.code[8:12], f.code[12:]}, "-")
}
