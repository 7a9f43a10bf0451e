package app

import (
	"testing"
	"time"

	"zhanggui/internal/auth"
	"zhanggui/internal/engine"
	"zhanggui/internal/fault"
	"zhanggui/internal/store"
)

// Ensure that the profile raises what is lower and loosens nothing.
func TestProfile(t *testing.T) {
	s := settings{Password: 12, Idle: 8 * time.Hour, Absolute: 24 * time.Hour, Fresh: time.Hour, Second: "officers", Profile: "mlps-3"}
	if err := s.check(); err != nil {
		t.Fatal(err)
	}
	if s.Classes != 3 || s.History != 5 || s.MaxAge != 90*24*time.Hour || s.Idle != 15*time.Minute || s.Absolute != 12*time.Hour || s.Fresh != 5*time.Minute || s.Second != "all" || !s.Single || !s.Prove {
		t.Errorf("%+v", s)
	}
	strict := settings{Password: 16, Classes: 4, History: 9, MaxAge: 30 * 24 * time.Hour, Idle: 5 * time.Minute, Absolute: time.Hour, Fresh: time.Minute, Second: "all", Profile: "mlps-3"}
	if err := strict.check(); err != nil {
		t.Fatal(err)
	}
	if strict.Classes != 4 || strict.History != 9 || strict.MaxAge != 30*24*time.Hour || strict.Idle != 5*time.Minute || strict.Absolute != time.Hour || strict.Fresh != time.Minute {
		t.Errorf("%+v", strict)
	}
}

// Ensure that addresses to which secrets are bound are whole and not readable on the way.
func TestSettings_Addresses(t *testing.T) {
	for base, ok := range map[string]bool{"": true, "https://crm.example.cn": true, "https://crm.example.cn/": true, "http://localhost:8080": true, "http://127.0.0.1:8080": true,
		"http://crm.example.cn": false, "crm.example.cn": false, "https://crm.example.cn/zg": false, "https://a:b@crm.example.cn": false, "https://crm.example.cn?x=1": false, "javascript:alert(1)": false, "https://": false} {
		s := settings{Password: 12, Idle: time.Minute, Absolute: time.Hour, Fresh: time.Minute, URL: base}
		if err := s.check(); (err == nil) != ok {
			t.Errorf("%q: %v", base, err)
		}
	}
	s := settings{Password: 12, Idle: time.Minute, Absolute: time.Hour, Fresh: time.Minute, OIDCIssuer: "https://id.example.cn", OIDCClient: "zg"}
	if s.check() == nil {
		t.Error("single sign-on without an address of one's own")
	}
}

// Ensure that the door sees people as the records have them this minute: roles by their days, a leaver from the end of his
// last day, a void grant never.
func TestDirectory(t *testing.T) {
	s := fresh(t)
	r := s.now.Load()
	day := func(date string) time.Time {
		at, err := time.ParseInLocation("2006-01-02 15:04", date, zone())
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	h := house{db: s.db, lib: r.lib, engine: r.engine, now: day("2026-03-01 09:00")}
	must := func(id string, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	unit := must(h.create(s.p.ctx, "base.unit", map[string]any{"name": "恒泰", "kind": "company"}))
	he := must(h.create(s.p.ctx, "base.person", map[string]any{"name": "何静", "account": "he", "unit": unit, "active": true, "phone": "13866210417", "email": "hejing@ht.example"}))
	must(h.create(s.p.ctx, "base.role_grant", map[string]any{"person": he, "role": "admin", "unit": unit, "from": "2026-03-10", "until": "2026-03-20"}))
	see := func(at string) (p auth.Person) {
		t.Helper()
		err := s.db.Read(s.p.ctx, func(tx *store.Tx) (err error) {
			p, err = newDirectory(r.lib).ByAccount(tx, day(at), "he")
			return err
		})
		if err != nil || p.ID != he {
			t.Fatal(p, err)
		}
		return p
	}
	edit := func(values map[string]any) {
		t.Helper()
		if _, err := r.engine.Do(s.p.ctx, h.now, engine.Act{Form: "base.person", Record: he, Action: "edit", Values: values, Actor: engine.Actor{System: true, Origin: "system"}}); err != nil {
			t.Fatal(err)
		}
	}
	// What is sealed at rest may be in no password all the same (S2).
	door := s.newAuth(r.lib)
	for _, password := range []string{"amber 13866210417 gates", "amber hejing@ht.example"} {
		if err := door.SetPassword(s.p.ctx, h.now, he, password, false); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", password, err)
		}
	}
	standing := see("2026-03-09 23:59").Standing
	for at, officer := range map[string]bool{"2026-03-09 23:59": false, "2026-03-10 00:00": true, "2026-03-20 23:59": true, "2026-03-21 00:00": false} {
		if p := see(at); p.Officer != officer || (p.Standing == standing) == officer {
			t.Errorf("%s: %+v", at, p)
		}
	}
	edit(map[string]any{"phone": "13866210418"})
	if see("2026-03-09 23:59").Standing == standing {
		t.Error("a changed telephone is the same standing")
	}
	edit(map[string]any{"ends_at": "2026-03-14T17:30:00+08:00"}) // of which no clock has heard
	for at, active := range map[string]bool{"2026-03-14 17:29": true, "2026-03-14 17:30": false} {
		if p := see(at); p.Active != active {
			t.Errorf("%s: %+v", at, p)
		}
	}
	edit(map[string]any{"ends_at": nil, "left_on": "2026-03-15"})
	for at, active := range map[string]bool{"2026-03-15 23:59": true, "2026-03-16 00:00": false} {
		if p := see(at); p.Active != active {
			t.Errorf("%s: %+v", at, p)
		}
	}
}
