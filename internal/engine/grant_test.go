package engine_test

import (
	"testing"

	"zhanggui/internal/engine"
	"zhanggui/internal/query"
	"zhanggui/internal/store"
	"zhanggui/internal/testkit"
)

// appointed files an appointment and answers its id and where it stands.
func appointed(s *testkit.Shop, by, whom, role string) (id, state string) {
	s.T.Helper()
	id = s.Do(by, "base.role_grant", "", "create", map[string]any{"person": s.ID(whom), "role": role, "unit": s.Unit, "from": "2026-03-02"}).Record
	return id, s.Column("base_role_grant", id, "state")
}

// toldOf counts the notices of a record that went to somebody.
func toldOf(t *testing.T, s *testkit.Shop, whom, record string) (n int64) {
	t.Helper()
	err := s.DB.Read(t.Context(), func(tx *store.Tx) (err error) {
		n, err = tx.Count("base_notice", query.And(query.Eq("t", "person", s.ID(whom)), query.Eq("t", "of_id", record)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Ensure that an administrator gives nothing he does not hold without another's consent, himself least of all; that a post gives
// nothing before; and that who is alone gives it, while those who hold it learn of it and the register says so (S36).
func TestGrant_Consent(t *testing.T) { testkit.Databases(t, consentOn) }

func consentOn(t *testing.T, dsn string) {
	s := testkit.Open(t, testkit.Load(t, finesBook), dsn, "2026-03-02 09:00")
	s.Company("works", "x")
	s.Person("he", "admin")
	s.Person("ma", "chief")
	s.Person("lu")
	slip := s.Do("ma", "x.slip", "", "create", map[string]any{"person": s.ID("ma")}).Record
	may := func(who string) bool {
		_, err := s.E.Do(t.Context(), s.Now, engine.Act{Form: "x.slip", Record: slip, Action: "give", Dry: true, Actor: engine.Actor{Person: s.ID(who)}})
		if _, refused := engine.AsRefusal(err); err != nil && !refused {
			t.Fatal(err)
		}
		return err == nil
	}

	// Alone.
	id, state := appointed(s, "he", "lu", "chief")
	if state != "held" || s.Column("base_role_grant", id, "alone") != "true" || !may("lu") {
		t.Errorf("the only administrator: %s, alone %s", state, s.Column("base_role_grant", id, "alone"))
	}
	if toldOf(t, s, "ma", id) != 1 || toldOf(t, s, "he", id) != 0 {
		t.Errorf("told: ma %d, he %d", toldOf(t, s, "ma", id), toldOf(t, s, "he", id))
	}

	// Two: nothing is given before the other says yes, not by who appoints and not by who is appointed.
	s.Person("guan", "admin")
	s.Person("xu")
	id, state = appointed(s, "he", "xu", "chief")
	if state != "asked" || may("xu") || toldOf(t, s, "guan", id) != 1 || toldOf(t, s, "ma", id) != 0 {
		t.Errorf("with another administrator it is %s, may %v", state, may("xu"))
	}
	if r := s.Refused("he", "base.role_grant", id, "agree", nil); r.Group != "who" {
		t.Errorf("his own: %s", r.Group)
	}
	if r := s.Refused("ma", "base.role_grant", id, "agree", nil); r.Group != "who" {
		t.Errorf("no administrator: %s", r.Group)
	}
	s.Do("guan", "base.role_grant", id, "agree", nil)
	if s.Column("base_role_grant", id, "state") != "held" || s.Column("base_role_grant", id, "alone") == "true" || !may("xu") {
		t.Error("consent gave nothing")
	}
	if r := s.Refused("he", "base.role_grant", id, "edit", map[string]any{"role": "admin"}); r.Group != "state" {
		t.Errorf("a held post becomes another: %s", r.Group)
	}

	// Himself, and each other: not without the second, whose own it may not be either.
	id, state = appointed(s, "he", "he", "chief")
	if state != "asked" || may("he") {
		t.Error("he appointed himself")
	}
	s.Refused("he", "base.role_grant", id, "agree", nil)
	if _, err := s.E.Do(t.Context(), s.Now, engine.Act{Form: "base.role_grant", Record: id, Action: "decline", Reason: "不合适", Actor: engine.Actor{Person: s.ID("guan")}}); err != nil || may("he") {
		t.Errorf("declined: %v", err)
	}
	s.Refused("guan", "base.role_grant", id, "agree", nil)
	s.Person("wen", "admin")
	id, _ = appointed(s, "he", "guan", "chief")
	if r := s.Refused("guan", "base.role_grant", id, "agree", nil); r.Group != "who" || may("guan") {
		t.Errorf("consent to one's own: %s", r.Group)
	}

	// Nobody makes himself a second who consents; that one of the two is taken away is told to all who are left.
	if _, state = appointed(s, "he", "lu", "admin"); state != "asked" {
		t.Errorf("an administrator by an administrator: %s", state)
	}
	// A post that was ended, or is held elsewhere, is not held.
	s.Person("old", "admin", "chief")
	own, _ := appointed(s, "old", "guan", "chief")
	if s.Column("base_role_grant", own, "state") != "held" {
		t.Error("who is chief did not make a chief")
	}
	held := ""
	err := s.DB.Read(t.Context(), func(tx *store.Tx) error {
		rows, err := tx.Select(query.Select{Table: "base_role_grant", Alias: "t", Where: query.And(query.Eq("t", "person", s.ID("old")), query.Eq("t", "role", "chief"))})
		if err == nil {
			held = rows[0]["id"].(string)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Person("jian", "auditor")
	if _, err := s.E.Do(t.Context(), s.Now, engine.Act{Form: "base.person", Record: s.ID("wen"), Action: "deactivate", Reason: "离职", Actor: engine.Actor{Person: s.ID("he")}}); err != nil {
		t.Fatal(err)
	}
	if toldOf(t, s, "jian", s.ID("wen")) != 1 || toldOf(t, s, "guan", s.ID("wen")) != 1 {
		t.Error("an administrator went and nobody was told")
	}
	s.Do("he", "base.role_grant", held, "end_it", map[string]any{"until": "2026-03-01"})
	s.Person("fang")
	if _, state = appointed(s, "old", "fang", "chief"); state != "asked" || may("fang") {
		t.Errorf("by one who was chief: %s", state)
	}
}

// Ensure that who ends another administrator's post, or closes his account, does not become by that the one who appoints alone: not
// within seven days, of which the auditors are told; and that who was left alone by another's own act waits for nothing (S36).
func TestGrant_Cleared(t *testing.T) { testkit.Databases(t, clearedOn) }

func clearedOn(t *testing.T, dsn string) {
	s := testkit.Open(t, testkit.Load(t, finesBook), dsn, "2026-03-02 09:00")
	s.Company("works", "x")
	s.Person("he", "admin")
	s.Person("jian", "auditor")
	s.Person("lu")
	post := func(of string) (id string) {
		t.Helper()
		err := s.DB.Read(t.Context(), func(tx *store.Tx) error {
			rows, err := tx.Select(query.Select{Table: "base_role_grant", Alias: "t", Where: query.And(query.Eq("t", "person", s.ID(of)), query.Eq("t", "role", "admin"))})
			if err == nil {
				id = rows[0]["id"].(string)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return id
	}

	// Who went by himself leaves the other free.
	s.Person("wen", "admin")
	s.Do("wen", "base.role_grant", post("wen"), "end_it", map[string]any{"until": "2026-03-01"})
	if _, state := appointed(s, "he", "lu", "chief"); state != "held" {
		t.Errorf("left alone: %s", state)
	}

	for _, way := range []struct {
		name                string
		on, before, after   string
		form, action, field string
	}{
		{"post", "2026-03-02 10:00", "2026-03-09 09:59", "2026-03-09 10:00", "base.role_grant", "end_it", "until"},
		{"account", "2026-03-16 10:00", "2026-03-23 09:59", "2026-03-23 10:00", "base.person", "deactivate", "left_on"},
	} {
		t.Run(way.name, func(t *testing.T) {
			s.Turn(way.on)
			s.Person(way.name, "admin")
			record := post(way.name)
			if way.form == "base.person" {
				record = s.ID(way.name)
			}
			if _, err := s.E.Do(t.Context(), s.Now, engine.Act{Form: way.form, Record: record, Action: way.action, Reason: "离职", Values: map[string]any{way.field: "2026-03-01"}, Actor: engine.Actor{Person: s.ID("he")}}); err != nil {
				t.Fatal(err)
			}
			id, state := appointed(s, "he", "he", "chief")
			if state != "asked" || toldOf(t, s, "jian", id) != 1 {
				t.Errorf("he cleared the way: %s, the auditor told %d times", state, toldOf(t, s, "jian", id))
			}
			if _, state := appointed(s, "he", "lu", "admin"); state != "asked" {
				t.Errorf("a friend who would consent: %s", state)
			}
			s.Refused("he", "base.role_grant", id, "agree", nil)
			s.Turn(way.before)
			s.Do("he", "base.role_grant", id, "edit", map[string]any{"from": "2026-03-03"})
			if state := s.Column("base_role_grant", id, "state"); state != "asked" {
				t.Errorf("a minute before: %s", state)
			}
			s.Turn(way.after)
			s.Do("he", "base.role_grant", id, "edit", map[string]any{"from": "2026-03-04"})
			if s.Column("base_role_grant", id, "state") != "held" || s.Column("base_role_grant", id, "alone") != "true" {
				t.Error("seven days later he still waits, though nobody is there to consent")
			}
			s.Do("he", "base.role_grant", id, "end_it", map[string]any{"until": "2026-03-04"})
		})
	}
}
