package engine_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"zhanggui/internal/engine"
	"zhanggui/internal/testkit"
)

// asker is a shop whose customer has two contacts, and a request of one of them.
func asker(t *testing.T, dsn, kind string) (s *testkit.Shop, customer, request string) {
	t.Helper()
	s = testkit.Open(t, testkit.Load(t, card), dsn, "2026-03-02 09:00")
	s.Company("office", "c")
	s.Person("kang", "clerk")
	s.Person("guan", "officer", "admin")
	s.Person("lei", "admin")
	out, err := s.E.Do(context.Background(), s.Now, engine.Act{Form: "base.customer", Action: "create", Actor: engine.Actor{Person: s.ID("kang"), Origin: "api"},
		Values: map[string]any{"name": "泰和泵业"}, Lines: map[string][]map[string]any{"contacts": {{"name": canaryName, "phone": canaryPhone, "email": "oy@taihe.cn"}, {"name": "赵六", "phone": "13900000000"}}}})
	if err != nil {
		t.Fatal(err)
	}
	customer = out.Record
	request = s.Do("kang", "base.personal_request", "", "create", map[string]any{"kind": kind, "customer": customer, "contact": canaryName + " "}).Record
	return s, customer, request
}

// Ensure that a person's copy holds all that is kept of him and nothing of others, is for an approved request alone and for who
// answers it, and leaves a trace.
func TestPersonalCopy(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s, customer, request := asker(t, dsn, "copy")
		ctx := context.Background()
		other := s.Do("kang", "c.card", "", "create", map[string]any{"who": "别人家"}).Record
		s.Do("kang", "c.visit", "", "create", map[string]any{"called": "137 7123 9905", "of": other})
		get := func(who string) (*engine.PersonalCopy, error) {
			return s.E.PersonalCopy(ctx, s.Now, engine.Actor{Person: s.ID(who), Origin: "api"}, request)
		}
		if _, err := get("guan"); refusedBy(err) != "state" {
			t.Errorf("before it was approved: %v", err)
		}
		if r := s.Refused("kang", "base.personal_request", request, "approve", map[string]any{"identity": "当面核对"}); r.Group != "who" {
			t.Errorf("the clerk approving was refused by %s", r.Group)
		}
		s.Do("guan", "base.personal_request", request, "approve", map[string]any{"identity": "当面核对"})
		if _, err := get("kang"); refusedBy(err) != "who" {
			t.Errorf("the clerk: %v", err)
		}
		c, err := get("guan")
		if err != nil {
			t.Fatal(err)
		}
		b, _ := json.Marshal(c)
		for _, want := range []string{canaryName, canaryPhone, "oy@taihe.cn", "泰和泵业", "来访"} {
			if !strings.Contains(string(b), want) {
				t.Errorf("%s is missing in %s", want, b)
			}
		}
		for _, not := range []string{"赵六", "13900000000"} {
			if strings.Contains(string(b), not) {
				t.Errorf("somebody else's %s is in it", not)
			}
		}
		if len(c.Held) != 1 || c.Held[0].Record != customer || len(c.Same) != 1 || c.Same[0].Form != "c.visit" {
			t.Errorf("held %+v, same %+v", c.Held, c.Same)
		}
		if n := s.Count("journal_entry", "action", "personal_copy"); n != 3 { // two refused, one given
			t.Errorf("%d traces", n)
		}
		s.Do("guan", "base.personal_request", request, "deliver", map[string]any{"answer": "当面交付打印件"})
		if _, err := get("guan"); refusedBy(err) != "state" {
			t.Errorf("after it was closed: %v", err)
		}
	})
}

func refusedBy(err error) string {
	if r, ok := engine.AsRefusal(err); ok {
		return r.Group
	}
	return ""
}

// Ensure that an erasure is asked by one and decided by another, hits the one contact it names, and leaves neither him nor the
// request's own word of him readable.
func TestErasureRequest(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s, customer, request := asker(t, dsn, "erase")
		ctx := context.Background()
		own := s.Do("guan", "base.personal_request", "", "create", map[string]any{"kind": "erase", "customer": customer, "contact": "赵六"}).Record
		if r := s.Refused("guan", "base.personal_request", own, "approve", map[string]any{"identity": "电话回拨"}); r.Group != "who" {
			t.Errorf("deciding one's own request was refused by %s", r.Group)
		}
		nobody := s.Do("kang", "base.personal_request", "", "create", map[string]any{"kind": "erase", "customer": customer, "contact": "孙七"}).Record
		if r := s.Refused("guan", "base.personal_request", nobody, "approve", map[string]any{"identity": "电话回拨"}); r.Group != "require" {
			t.Errorf("a name nobody bears was refused by %s", r.Group)
		}
		s.Do("guan", "base.personal_request", request, "approve", map[string]any{"identity": "电话回拨"})
		_, err := s.E.Do(ctx, s.Now, engine.Act{Form: "base.personal_request", Record: request, Action: "erase", Reason: "本人要求删除", Actor: engine.Actor{Person: s.ID("lei"), Origin: "api"}})
		if err != nil {
			t.Fatal(err)
		}
		gone := engine.Masked{Masked: "已擦除", Erased: true}
		v, err := s.E.Record(ctx, s.Now, engine.Actor{Person: s.ID("guan"), Origin: "api"}, "base.customer", customer)
		if err != nil {
			t.Fatal(err)
		}
		rows := v.Lines["contacts"]
		if rows[0].Values["name"] != gone || rows[0].Values["phone"] != gone || rows[0].Values["email"] != gone || rows[1].Values["name"] != "赵六" {
			t.Errorf("contacts %+v", rows)
		}
		if v, err := s.E.Record(ctx, s.Now, engine.Actor{Person: s.ID("guan"), Origin: "api"}, "base.personal_request", request); err != nil || v.Values["contact"] != gone {
			t.Errorf("the request says %v, %v", v.Values["contact"], err)
		}
		for _, q := range []string{"欧阳", "oyfh", "9905"} {
			if page, err := s.E.List(ctx, s.Now, engine.Actor{Person: s.ID("guan"), Origin: "api"}, engine.ListQuery{Form: "base.customer", Q: q}); err != nil || len(page.Rows) != 0 {
				t.Errorf("found by %s: %v", q, err)
			}
		}
		if page, err := s.E.List(ctx, s.Now, engine.Actor{Person: s.ID("guan"), Origin: "api"}, engine.ListQuery{Form: "base.customer", Q: "赵六"}); err != nil || len(page.Rows) != 1 {
			t.Errorf("the other contact is found %d times, %v", len(page.Rows), err)
		}
		// What stands in the record can still be worked with.
		if _, err := s.E.Do(ctx, s.Now, engine.Act{Form: "base.customer", Record: customer, Action: "edit", Actor: engine.Actor{Person: s.ID("kang"), Origin: "api"},
			Lines: map[string][]map[string]any{"contacts": {{"id": rows[0].ID}, {"id": rows[1].ID, "title": "厂长"}}}}); err != nil {
			t.Error(err)
		}
		if found := leaks(dump(t, s, dsn)); len(found) > 0 {
			t.Errorf("in the bytes of the database: %v", found)
		}
	})
}
