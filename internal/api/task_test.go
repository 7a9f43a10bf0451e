package api_test

import (
	"fmt"
	"testing"

	"zhanggui/internal/testkit"
)

// tasks of the reply, whatever their group.
func (r *reply) tasks() (list []map[string]any) {
	for _, g := range []string{"late", "today", "week", "later"} {
		l, _ := r.at("groups", g).([]any)
		for _, x := range l {
			list = append(list, x.(map[string]any))
		}
	}
	return list
}

// find the task of a record, nil if there is none.
func (r *reply) task(record string) map[string]any {
	for _, x := range r.tasks() {
		if x["record"] == record {
			return x
		}
	}
	return nil
}

// Ensure that what waits for somebody is found however many newer records wait for others, on whatever the
// rule names him by, and that what does not wait for him is not.
func TestTasks_Exact(t *testing.T) { testkit.Databases(t, tasksOn) }

func tasksOn(t *testing.T, dsn string) {
	s := openOn(t, dsn)
	boss := s.ID("zong")
	if _, err := s.E.Do(t.Context(), s.Now, systemEdit("base.person", s.ID("wang"), map[string]any{"superior": boss})); err != nil {
		t.Fatal(err)
	}
	if _, err := s.E.Do(t.Context(), s.Now, systemEdit("base.unit", s.Unit, map[string]any{"head": s.ID("he")})); err != nil {
		t.Fatal(err)
	}
	errand := func(what string, values map[string]any) string {
		values["what"] = what
		return s.Do("wang", "x.errand", "", "create", values).Record
	}
	old := errand("最早的", map[string]any{"others": []any{s.ID("ma"), s.ID("lone")}, "place": s.Unit})
	own := errand("王的", map[string]any{"owner": s.ID("wang"), "place": s.Unit})
	back := errand("要补的", map[string]any{"owner": s.ID("wang"), "place": s.Unit})
	for i := range 130 {
		errand(fmt.Sprint("别人的 ", i), map[string]any{"owner": s.ID("lone")})
	}
	wang, ma, zong, lone, he := s.signIn("wang"), s.signIn("ma"), s.signIn("zong"), s.signIn("lone"), s.signIn("he")
	tasks := func(c *client) *reply { t.Helper(); return c.do("GET", "/api/task", nil).want(200) }

	if r := tasks(ma); len(r.tasks()) != 1 || r.task(old)["action"] != "finish" {
		t.Errorf("ma: %s", r.body)
	}
	if n := len(lone.do("GET", "/api/task?all=1", nil).want(200).tasks()); n != 131 { // as owner and as helper, in a unit that adopted nothing
		t.Errorf("lone has %d", n)
	}
	if r := tasks(lone); len(r.tasks()) != 101 || r.task(old) == nil || r.at("more") != true { // the first hundred limits, and what has none
		t.Errorf("lone is told %d", len(r.tasks()))
	}
	if r := tasks(wang); len(r.tasks()) != 2 || r.task(own)["action"] != "finish" {
		t.Errorf("wang: %s", r.body)
	}
	s.Do("wang", "x.errand", own, "finish", nil)
	s.Do("wang", "x.errand", back, "finish", nil)
	s.Do("zong", "x.errand", back, "mend", nil)
	if r := tasks(zong); r.task(own)["action"] != "look" || r.task(back) != nil && r.task(back)["action"] != "" {
		t.Errorf("zong: %s", r.body)
	}
	if r := tasks(he); len(r.tasks()) != 1 || r.task(back)["action"] != "again" {
		t.Errorf("he: %s", r.body)
	}
	s.Do("zong", "x.errand", own, "look", nil)
	if r := tasks(ma); r.task(own)["action"] != "agree" || r.task(own)["sign"] != true {
		t.Errorf("ma signs: %s", r.body)
	}

	// Who is away: his stand-in finds it too.
	s.System("base.absence", map[string]any{"person": s.ID("ma"), "from": "2026-03-01T00:00:00Z", "until": "2026-04-01T00:00:00Z", "stand_in": s.ID("he")})
	if r := tasks(he); r.task(own)["action"] != "agree" || r.task(old)["action"] != "finish" {
		t.Errorf("stand-in: %s", r.body)
	}
}

// Ensure that the task of a deadline names what ends it, or what leads there, never something beside the way.
func TestTasks_Action(t *testing.T) {
	s := open(t)
	id := s.Do("wang", "x.errand", "", "create", map[string]any{"what": "取件", "owner": s.ID("wang")}).Record
	wang, ma := s.signIn("wang"), s.signIn("ma")
	if x := wang.do("GET", "/api/task", nil).want(200).task(id); x["deadline"] != "stay" || x["action"] != "finish" {
		t.Errorf("what leads there: %v", x)
	}
	s.Do("wang", "x.errand", id, "finish", nil)
	if x := wang.do("GET", "/api/task", nil).want(200).task(id); x["deadline"] != "stay" || x["action"] != "" || x["action_label"] != nil {
		t.Errorf("nothing for him to do: %v", x)
	}

	// The chief holds the limit of a matter whose amount is the boss's to decide.
	big := wang.file(map[string]any{"subject": "大额", "amount": "13800.00"})
	wang.do("POST", at+"/"+big+"/register", map[string]any{}).want(200)
	if x := ma.do("GET", "/api/task", nil).want(200).task(big); x["deadline"] != "close" || x["action"] != "" {
		t.Errorf("not his to decide: %v", x)
	}
	small := wang.file(map[string]any{"subject": "小额", "amount": "800.00"})
	wang.do("POST", at+"/"+small+"/register", map[string]any{}).want(200)
	if x := ma.do("GET", "/api/task", nil).want(200).task(small); x["action"] != "decide" || x["sign"] != true {
		t.Errorf("his to decide: %v", x)
	}
}
