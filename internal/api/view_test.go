package api_test

import (
	"testing"

	"zhanggui/internal/testkit"
)

// Ensure that a person keeps views of a register for himself, and the head of a unit for its people.
func TestSavedView(t *testing.T) { testkit.Databases(t, savedViewOn) }

func savedViewOn(t *testing.T, dsn string) {
	s := openOn(t, dsn)
	s.System("base.unit", map[string]any{"name": "没有人的班组", "parent": s.Unit})
	if _, err := s.E.Do(t.Context(), s.Now, systemEdit("base.unit", s.Unit, map[string]any{"head": s.ID("ma")})); err != nil {
		t.Fatal(err)
	}
	wang, ma, lone := s.signIn("wang"), s.signIn("ma"), s.signIn("lone")
	const path = "/api/form/x.matter/view"

	own := wang.do("POST", path, map[string]any{"name": "大额未结", "query": "view=big&sort=-amount&cols=subject,amount&f=amount~ge~5000~", "default": true}).want(201)
	id := own.text("id")
	if own.text("default") != "true" || own.text("may_edit") != "true" || own.at("unit") != nil {
		t.Errorf("own %s", own.body)
	}
	if n := ma.do("GET", path, nil).want(200).len(); n != 0 {
		t.Errorf("ma sees %d views of wang", n)
	}
	t.Run("OK", func(t *testing.T) {
		shared := ma.do("POST", path, map[string]any{"name": "本厂", "query": "q=法兰", "unit": s.Unit, "default": true}).want(201)
		r := wang.do("GET", path, nil).want(200)
		if r.len() != 2 || r.text(0, "id") != id || r.text(1, "name") != "本厂" || r.text(1, "unit", "name") != "工厂" || r.text(1, "may_edit") != "false" || r.text(1, "default") != "true" {
			t.Errorf("wang sees %s", r.body)
		}
		if n := lone.do("GET", path, nil).want(200).len(); n != 0 {
			t.Errorf("lone is of another unit and sees %d", n)
		}
		wang.do("DELETE", path+"/"+shared.text("id"), nil).want(422)
		wang.do("PATCH", path+"/"+shared.text("id"), map[string]any{"name": "我的"}).want(422)
		lone.do("PATCH", path+"/"+shared.text("id"), map[string]any{"name": "我的"}).want(404)
		if r := ma.do("PATCH", path+"/"+shared.text("id"), map[string]any{"unit": "", "default": false}).want(200); r.at("unit") != nil || r.text("default") != "false" {
			t.Errorf("taken back: %s", r.body)
		}
		if n := wang.do("GET", path, nil).want(200).len(); n != 1 {
			t.Errorf("taken back, and wang still sees %d", n)
		}
	})
	t.Run("Default", func(t *testing.T) {
		s.Turn(t.Context(), s.Now.Add(1e9))
		other := wang.do("POST", path, map[string]any{"name": "全部事由", "query": "cols=subject", "default": true}).want(201)
		r := wang.do("GET", path, nil).want(200)
		if r.text(0, "default") != "false" || r.text(1, "default") != "true" {
			t.Errorf("two defaults or none: %s", r.body)
		}
		wang.do("PATCH", path+"/"+other.text("id"), map[string]any{"name": "只看事由"}).want(200)
		wang.do("DELETE", path+"/"+other.text("id"), nil).want(204)
		if r := wang.do("GET", path, nil).want(200); r.len() != 1 || r.text(0, "default") != "true" {
			t.Errorf("after dropping: %s", r.body)
		}
		h := wang.do("GET", "/api/form/base.saved_view/record/"+id+"/history", nil).want(200)
		if h.len() < 2 {
			t.Errorf("the journal has %s", h.body)
		}
	})
	t.Run("Refused", func(t *testing.T) {
		if p := wang.do("POST", path, map[string]any{"name": "给大家", "query": "", "unit": s.Unit}).want(422); p.text("detail") != "共用的视图由单位负责人存" {
			t.Errorf("shared by no head: %s", p.body)
		}
		wang.do("PATCH", path+"/"+id, map[string]any{"unit": s.Unit}).want(422)
		if p := wang.do("POST", path, map[string]any{"name": "大额未结", "query": ""}).want(422); p.text("group") != "unique" {
			t.Errorf("same name: %s", p.body)
		}
		for _, q := range []string{"view=nothing", "sort=nothing", "cols=nothing", "f=nothing~is~1~", "x=1", "sort=phone"} {
			wang.do("POST", path, map[string]any{"name": "坏的", "query": q}).want(400)
		}
		wang.do("POST", path, map[string]any{"name": "", "query": ""}).want(422)
		wang.do("PATCH", path+"/"+id, map[string]any{}).want(400)
		wang.do("GET", "/api/form/x.nothing/view", nil).want(404)
	})
	t.Run("OnceByKey", func(t *testing.T) {
		body := map[string]any{"name": "一次", "query": ""}
		a := wang.with("Idempotency-Key", "v1").do("POST", path, body).want(201)
		b := wang.with("Idempotency-Key", "v1").do("POST", path, body).want(201)
		if a.text("id") != b.text("id") {
			t.Error("sent twice, kept twice")
		}
	})
}
