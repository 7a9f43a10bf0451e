package api_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"zhanggui/internal/engine"
	"zhanggui/internal/fault"
	"zhanggui/internal/query"
	"zhanggui/internal/store"
	"zhanggui/internal/testkit"
)

// ended waits until an export is no longer at work.
func (c *client) ended(id string) *reply {
	c.s.t.Helper()
	for range 4000 {
		if r := c.do("GET", "/api/export/"+id, nil).want(200); r.text("state") != "running" {
			return r
		}
		time.Sleep(5 * time.Millisecond)
	}
	c.s.t.Fatal("the export does not end")
	return nil
}

func (c *client) fetched(id string) [][]string {
	c.s.t.Helper()
	book, err := excelize.OpenReader(bytes.NewReader(c.do("GET", "/api/export/"+id+"/file.xlsx", nil).want(200).body))
	if err != nil {
		c.s.t.Fatal(err)
	}
	rows, err := book.GetRows("Sheet1")
	if err != nil {
		c.s.t.Fatal(err)
	}
	return rows
}

// Ensure that a long list leaves as a job: judged and recorded with its order, shown with the rights its person has when it is
// worked on, fetched by him alone and while he may, for a day; that it goes on where a lost node left it; and that nothing of it
// lies readable in the database.
func TestExport_Job(t *testing.T) { testkit.Databases(t, exportJobOn) }

func exportJobOn(t *testing.T, dsn string) {
	s := openOn(t, dsn)
	wang, ma, he, lone := s.signIn("wang"), s.signIn("ma"), s.signIn("he"), s.signIn("lone")
	const n, phone = 230, "13866210417"
	for i := range n {
		s.Do("wang", "x.matter", "", "create", map[string]any{"subject": fmt.Sprintf("=第%d件", i), "phone": phone, "amount": "12.50"})
	}
	grant := func(role string) string {
		return s.System("base.role_grant", map[string]any{"person": s.ID("lone"), "role": role, "unit": s.Unit, "from": "2000-01-01"})
	}
	grant("clerk")
	chief := grant("chief")
	body := map[string]any{"fields": []any{"subject", "phone", "amount"}, "sort": "subject", "filter": "this.subject.contains('件')", "q": "第"}
	again := func(id string, done int) {
		t.Helper()
		if err := s.DB.Write(t.Context(), func(tx *store.Tx) error {
			if _, err := tx.Delete("job_note", query.And(query.Eq("t", "job", id), query.Op{Name: ">", Args: []query.Expr{query.Col{Alias: "t", Name: "pos"}, query.Const{Value: int64(done)}}})); err != nil {
				return err
			}
			_, err := tx.Update("job", store.Row{"id": id}, store.Row{"state": "broken", "done": int64(done), "tries": int64(5), "error": "unavailable"})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		he.do("POST", "/api/job/"+id+"/again", nil).want(204)
	}
	forward := func(d time.Duration) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.Now = s.Now.Add(d)
	}
	journal := func() int { return s.Count("journal_entry", "action", "export") }

	id := wang.do("POST", "/api/form/x.matter/export", body).want(202).text("id")
	r := wang.ended(id)
	if r.text("state") != "done" || r.text("total") != fmt.Sprint(n) || r.text("done") != fmt.Sprint(n) || r.text("form") != "x.matter" || journal() != 1 {
		t.Fatalf("%s; %d entries", r.body, journal())
	}
	rows := wang.fetched(id)
	if len(rows) != n+2 || !strings.HasPrefix(rows[0][0], "内部文件，不外传　wang　") || !slices.Equal(rows[1], []string{"事由", "电话", "金额"}) {
		t.Fatalf("%d rows, %q", len(rows), rows[:2])
	}
	seen := map[string]bool{}
	for _, x := range rows[2:] {
		seen[x[0]] = true
		if x[1] != "138****0417" || x[2] != "12.50" {
			t.Fatalf("row %q", x)
		}
	}
	if len(seen) != n {
		t.Errorf("%d different rows", len(seen))
	}
	for _, other := range []*client{ma, he, lone} {
		other.do("GET", "/api/export/"+id, nil).want(404)
		other.do("GET", "/api/export/"+id+"/file.xlsx", nil).want(404)
		other.do("DELETE", "/api/export/"+id, nil).want(404)
		if r := other.do("GET", "/api/export", nil).want(200); r.len() != 0 {
			t.Errorf("another's list: %s", r.body)
		}
	}
	wang.do("GET", "/api/import/"+id, nil).want(404)
	if r := wang.do("GET", "/api/export", nil).want(200); r.text(0, "id") != id {
		t.Errorf("%s", r.body)
	}
	if err := s.DB.Read(t.Context(), func(tx *store.Tx) error {
		for _, table := range []string{"job", "job_note"} {
			list, err := tx.Select(query.Select{Table: table, Alias: "t"})
			if err != nil {
				return err
			}
			for _, row := range list {
				if text := fmt.Sprint(row); strings.Contains(text, "件") || strings.Contains(text, "0417") || strings.Contains(text, "subject") {
					t.Errorf("%s lies readable: %s", table, text)
				}
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}

	t.Run("Resumed", func(t *testing.T) {
		again(id, 200)
		if r := wang.ended(id); r.text("state") != "done" || r.text("done") != fmt.Sprint(n) {
			t.Fatalf("%s", r.body)
		}
		if got := wang.fetched(id); len(got) != n+2 || !slices.EqualFunc(got[1:], rows[1:], slices.Equal) {
			t.Errorf("%d rows after it went on", len(got))
		}
	})
	t.Run("Rights", func(t *testing.T) {
		id := lone.do("POST", "/api/form/x.matter/export", body).want(202).text("id")
		lone.ended(id)
		if got := lone.fetched(id); len(got) != n+2 || got[2][1] != phone {
			t.Fatalf("a chief sees %q", got[2])
		}
		if _, err := s.E.Do(context.Background(), s.Now, engine.Act{Form: "base.role_grant", Record: chief, Action: "void", Reason: "不再任主管", Actor: engine.Actor{System: true}}); err != nil {
			t.Fatal(err)
		}
		again(id, 0)
		lone.ended(id)
		for _, x := range lone.fetched(id)[2:] {
			if x[1] != "138****0417" {
				t.Fatalf("who is no chief any more gets %q", x)
			}
		}
		if journal() != 2 {
			t.Errorf("%d entries", journal())
		}
	})
	t.Run("Stopped", func(t *testing.T) {
		id := ma.do("POST", "/api/form/x.matter/export", body).want(202).text("id")
		ma.do("DELETE", "/api/export/"+id, nil).want(204)
		if r := ma.ended(id); r.text("state") == "stopped" { // else it was quicker
			ma.do("GET", "/api/export/"+id+"/file.xlsx", nil).want(404)
		}
	})
	t.Run("Refused", func(t *testing.T) {
		wang.do("POST", "/api/form/x.matter/export", map[string]any{"filter": "this.nothing == 1"}).want(400)
		wang.do("POST", "/api/form/x.nothing/export", map[string]any{}).want(404)
		wang.do("POST", "/api/form/x.matter/export", map[string]any{"fields": []any{"secret_note"}}).want(202)
		err := s.E.Export(context.Background(), s.Now, engine.Actor{Person: s.ID("wang")}, engine.ListQuery{Form: "x.matter"}, n-1, func(*engine.Leaving) error { t.Error("it left"); return nil }, nil)
		if fault.KindOf(err) != fault.Invalid {
			t.Errorf("more rows than leave at once: %v", err)
		}
	})
	t.Run("Late", func(t *testing.T) {
		forward(23 * time.Hour)
		wang.do("GET", "/api/export/"+id+"/file.xlsx", nil).want(200)
		forward(time.Hour)
		wang.do("GET", "/api/export/"+id+"/file.xlsx", nil).want(404)
	})
}
