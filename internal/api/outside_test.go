package api_test

import (
	"bytes"
	"context"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"zhanggui/internal/alert"
	"zhanggui/internal/api"
	"zhanggui/internal/auth"
	"zhanggui/internal/job"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/testkit"
	"zhanggui/rulebooks"
)

// strange stands in everything that does not concern the other house.
const strange = "金丝雀"

// Ensure that people of an outside organisation see what a class grants their role, and nothing else by any door: list, record, search,
// count, export, figures, choice, history, journal, board, ledger, notice. A field masked for them stays masked where they may look.
func TestOutside(t *testing.T) { testkit.Databases(t, outsideOn) }

func outsideOn(t *testing.T, dsn string) {
	s, seen, hidden := twoHouses(t, dsn)
	kai, zhao := s.signIn("kai"), s.signIn("zhao")
	const form = "10.complaint"
	if a := zhao.do("GET", "/api/form/"+form+"/record", nil).want(200); a.len("rows") != 2 {
		t.Fatalf("our own people see %d of two", a.len("rows"))
	}
	if a := kai.do("GET", "/api/form/"+form+"/record?count=1", nil).want(200); a.len("rows") != 1 || a.text("rows", 0, "id") != seen {
		t.Errorf("the other house sees %s", a.body)
	}
	if a := kai.do("GET", "/api/form/"+form+"/count?views=1", nil).want(200); strings.Contains(string(a.body), ":2") {
		t.Errorf("count tells of two: %s", a.body)
	}
	one := kai.do("GET", "/api/form/"+form+"/record/"+seen, nil).want(200)
	if strings.Contains(string(one.body), "13800000001") || strings.Contains(string(one.body), "周文渊") {
		t.Errorf("the caller is not masked: %s", one.body)
	}
	for _, path := range []string{"", "/history", "/why?of=state", "/print"} {
		kai.do("GET", "/api/form/"+form+"/record/"+hidden+path, nil).want(404)
	}
	kai.do("POST", "/api/form/"+form+"/record/"+hidden+"/reveal", map[string]any{"field": "phone", "purpose": "回访客户"}).want(404)
	kai.do("POST", "/api/form/"+form+"/record/"+hidden+"/pass_on", map[string]any{}).want(404)
	for _, f := range s.lib.Forms {
		at := "/api/form/" + url.PathEscape(f.Key)
		ask := []string{at + "/record?count=1", at + "/record?q=" + url.QueryEscape(strange), at + "/count?views=1", at + "/record.xlsx", "/api/stat?form=" + url.QueryEscape(f.Key) + "&by=state", "/api/stat?form=" + url.QueryEscape(f.Key) + "&by=by"}
		for _, fd := range f.Fields {
			if fd.Type.Form != "" || fd.Type.Name == "person" || fd.Type.Name == "unit" {
				ask = append(ask, at+"/options?field="+fd.ID)
			}
		}
		for _, path := range ask {
			mute(t, kai, path)
		}
	}
	for _, path := range []string{"/api/search?q=" + url.QueryEscape(strange), "/api/search?q=13811112222", "/api/task", "/api/clock", "/api/clock?state=late", "/api/notice", "/api/board", "/api/report", "/api/ledger", "/api/ledger/payroll", "/api/me",
		"/api/journal", "/api/journal?record=" + hidden, "/api/person/" + s.ID("zhao") + "/rights", "/api/form/" + form + "/view", "/api/audit"} {
		mute(t, kai, path)
	}
	for _, who := range []*client{zhao, s.signIn("he")} { // what an administrator reads in the journal is no more open to the other house
		list := who.do("GET", "/api/journal", nil).want(200)
		for i := range list.len("rows") {
			mute(t, kai, "/api/journal/"+list.text("rows", i, "id"))
		}
	}
	people := kai.do("GET", "/api/form/base.person/record", nil).want(200)
	if people.len("rows") != 1 || people.text("rows", 0, "id") != s.ID("kai") {
		t.Errorf("people of our house are listed: %s", people.body)
	}
	// What a person is shown by name he knows: nothing of what he does not see is among the deadlines or sanctions.
	for _, f := range []string{"base.clock", "base.breach", "base.sanction", "base.posting", "base.finding", "base.copy", "base.customer", "base.adoption", "base.param_value", "10.explanation", "10.written_report", "10.discipline_case", "10.weekly"} {
		if a := kai.do("GET", "/api/form/"+f+"/record?count=1", nil); a.len("rows") != 0 {
			t.Errorf("%s shows %s", f, a.body)
		}
	}
	// Of the library he reads the regulation he has a part in, and not who holds which post; our own people read all of it.
	for _, path := range []string{"/api/rulebook/14-complaint", "/api/rulebook/10-complaint/diff?with=14-complaint", "/api/clause/14-9.1a"} {
		kai.do("GET", path, nil).want(404)
		if a := zhao.do("GET", path, nil); a.status == 404 {
			t.Errorf("our own people do not read %s: %s", path, a.body)
		}
	}
	for _, a := range []*reply{kai.do("GET", "/api/rulebook", nil).want(200), kai.do("GET", "/api/report", nil).want(200)} {
		for i := range a.len() {
			if id, key := a.text(i, "id"), a.text(i, "key"); id+key != "base" && !strings.HasPrefix(id+key, "10") {
				t.Errorf("the other house is shown %s", id+key)
			}
		}
		if a.len() == 0 {
			t.Error("the other house is shown nothing: this proves nothing")
		}
	}
	for _, id := range []string{"base", "10-complaint"} {
		if a := kai.do("GET", "/api/rulebook/"+id, nil).want(200); strings.Contains(string(a.body), s.ID("zhao")) || strings.Contains(string(a.body), s.ID("he")) {
			t.Errorf("the other house is shown who holds the posts of %s", id)
		}
	}
	// Of the platform's registers his menu has those in which he finds or may file something, and all of them: where a list names him, too.
	for _, met := range []bool{false, true} {
		if met {
			s.System("base.visit", map[string]any{"customer": s.System("base.customer", map[string]any{"name": "来客"}), "people": []any{s.ID("kai")}, "visited_on": "2026-03-01"})
		}
		for _, who := range []*client{kai, zhao} {
			menu := who.do("GET", "/api/form", nil).want(200)
			in := map[string]bool{}
			for i := range menu.len() {
				in[menu.text(i, "key")] = true
			}
			if who == kai && in["base.visit"] != met {
				t.Errorf("visits in the menu: %v; he took part: %v", in["base.visit"], met)
			}
			for _, f := range s.lib.Forms {
				if f.Book.ID != "base" || f.Key == "base.saved_view" {
					continue
				}
				if finds := who.do("GET", "/api/form/"+f.Key+"/record?limit=1", nil).len("rows") > 0; in[f.Key] != (finds || who == zhao) {
					t.Errorf("%s in the menu of the other house %v: %v; rows there: %v", f.Key, who == kai, in[f.Key], finds)
				}
			}
		}
	}
	own := kai.do("GET", "/api/form/base.attempt/record?limit=200", nil) // what he was himself refused
	for i := range own.len("rows") {
		if own.text("rows", i, "values", "person", "id") != s.ID("kai") {
			t.Errorf("base.attempt shows %v", own.at("rows", i))
		}
	}
	if a := kai.do("GET", "/api/form/base.role_grant/record", nil); a.len("rows") != 1 || a.text("rows", 0, "values", "person", "id") != s.ID("kai") {
		t.Errorf("posts of others are listed: %s", a.body)
	}
	// Who may know of every case of the house reads its limits in the register, too.
	for _, who := range []*client{zhao, s.signIn("he")} {
		if a := who.do("GET", "/api/form/base.clock/record?limit=200", nil).want(200); !strings.Contains(string(a.body), "管理处定夺") || !strings.Contains(string(a.body), "主管领导定夺") {
			t.Errorf("our own people miss limits of their cases: %.300s", a.body)
		}
	}
	// The law works for him where it calls him, and nowhere else.
	kai.do("POST", "/api/form/10.complaint/record", map[string]any{"values": map[string]any{"happened_at": "2026-03-02T00:00:00Z", "address": "x", "subject": "x", "withheld": "x", "project": s.Unit}}).want(422)
}

// Ensure that a limit which one of several acts ends offers each act that is open to its holder, that one press without a word does
// it, and that the limit is then met.
func TestTasks_Answers(t *testing.T) {
	s, _, hidden := twoHouses(t, "sqlite:"+t.TempDir()+"/shop.db")
	dong := s.signIn("dong")
	list := dong.do("GET", "/api/task", nil).want(200)
	task := list.task(hidden)
	answers, _ := task["answers"].([]any)
	if task["deadline"] != "leader_due" || len(answers) != 2 || answers[0].(map[string]any)["action"] != "leader_solves" || answers[1].(map[string]any)["action"] != "report_to_board" || task["action"] != "leader_solves" {
		t.Fatalf("task %v", task)
	}
	for _, a := range s.signIn("zhao").do("GET", "/api/task", nil).want(200).tasks() {
		if a["answers"] != nil && a["deadline"] == "leader_due" {
			t.Errorf("another is offered the leader's answers: %v", a)
		}
	}
	dong.do("POST", "/api/form/10.complaint/record/"+hidden+"/leader_solves", map[string]any{}).want(200)
	for _, a := range dong.do("GET", "/api/task", nil).want(200).tasks() {
		if a["deadline"] == "leader_due" && a["record"] == hidden {
			t.Errorf("the limit runs on: %v", a)
		}
	}
}

// mute asks a door and finds nothing strange behind it, not in a workbook either.
func mute(t *testing.T, c *client, path string) {
	t.Helper()
	a := c.do("GET", path, nil)
	text := string(a.body)
	if strings.Contains(path, ".xlsx") && a.status == 200 {
		book, err := excelize.OpenReader(bytes.NewReader(a.body))
		if err != nil {
			t.Fatal(err)
		}
		for _, sheet := range book.GetSheetList() {
			rows, err := book.GetRows(sheet)
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range rows {
				text += strings.Join(row, "\t") + "\n"
			}
		}
	}
	if a.status >= 500 {
		t.Errorf("%s fails: %d %s", path, a.status, a.body)
	}
	for _, word := range []string{strange, "13811112222", "周文渊", "13800000001"} {
		if strings.Contains(text, word) && !strings.Contains(path, url.QueryEscape(word)) {
			t.Errorf("%s tells %s: %.400s", path, word, text)
		}
	}
}

// twoHouses is a property company on regulation 10 and the developer's house beside it, with one case that came before the
// board and one that did not. It answers both.
func twoHouses(t *testing.T, dsn string) (s *shop, seen, hidden string) {
	lib, issues := rulebook.Load(rulebooks.FS)
	if issues.Failed() {
		t.Fatal(issues)
	}
	s = &shop{Shop: testkit.Open(t, lib, dsn, "2026-03-02 09:00"), t: t, lib: lib}
	ctx := context.Background()
	plan, err := s.DB.Plan(ctx, slices.Concat(auth.Tables(), alert.Tables(), job.Tables()))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.DB.Apply(ctx, plan); err != nil {
		t.Fatal(err)
	}
	group := s.System("base.unit", map[string]any{"name": "集团"})
	house := s.System("base.unit", map[string]any{"name": "物业", "parent": group})
	s.System("base.adoption", map[string]any{"unit": house, "book": "10-complaint", "version": "1.0", "from": "2000-01-01"})
	s.System("base.param_value", map[string]any{"book": "10-complaint", "param": "trial_from", "value": "2025-08-15", "from": "2000-01-01", "reason": "试行"})
	estate := s.System("base.unit", map[string]any{"name": "花园", "parent": house})
	s.Unit = house
	s.Person("zhao", "centre", "front_desk")
	s.Person("dong", "company_leader", "board_leader")
	s.System("base.role_grant", map[string]any{"person": s.Person("he"), "role": "admin", "from": "2000-01-01"})
	s.Unit = estate
	s.Person("guan", "estate_head")
	s.Unit = s.System("base.unit", map[string]any{"name": "开发商", "parent": group, "kind": "outside"})
	s.Person("kai")
	s.System("base.role_grant", map[string]any{"person": s.ID("kai"), "role": "developer_service", "unit": house, "from": "2000-01-01"})
	s.Unit = estate
	s.System("base.customer", map[string]any{"name": strange + "客户"})
	s.auth = auth.New(s.DB, directory{lib.Form("base.person").Table}, auth.Options{Idle: -1, Absolute: -1, Policy: auth.Policy{Any: true}})
	for _, n := range []string{"zhao", "kai", "he", "dong"} {
		if err := s.auth.SetPassword(ctx, s.Now, s.ID(n), password, false); err != nil {
			t.Fatal(err)
		}
	}
	s.alert, s.jobs = alertService(t, s), jobs(t, s)
	s.srv = httptest.NewServer(api.New(api.Deps{Engine: s.E, Auth: s.auth, Alert: s.alert, Jobs: s.jobs, Lib: lib, Clock: s.clock, Company: api.Company{Name: "物业"}, Version: "test", ManualClock: s}))
	t.Cleanup(s.srv.Close)
	take := func(name, phone, subject string) string {
		return s.Do("zhao", "10.complaint", "", "create", map[string]any{"happened_at": "2026-03-02T00:50:00Z", "customer_name": name, "phone": phone, "address": "三栋", "subject": subject, "project": estate}).Record
	}
	hidden = take(strange+"女士", "13811112222", strange+"噪音")
	seen = take("周文渊", "13800000001", "主管爆裂")
	s.Do("zhao", "10.complaint", seen, "mark_urgent", map[string]any{"nature": "major", "dept": estate})
	s.Do("zhao", "10.complaint", hidden, "mark_urgent", map[string]any{"nature": "major", "dept": estate})
	for _, id := range []string{seen, hidden} {
		s.Do("zhao", "10.complaint", id, "notify_dept", map[string]any{"notified": s.ID("guan"), "notify_channel": "phone"})
		s.Do("guan", "10.complaint", id, "tell_leader", nil)
	}
	s.Do("dong", "10.complaint", seen, "report_to_board", map[string]any{"board_person": s.ID("dong"), "board_phone": "13900000000"})
	s.Do("zhao", "10.discipline_case", "", "create", map[string]any{"person": s.ID("guan"), "breached": strange})
	return s, seen, hidden
}
