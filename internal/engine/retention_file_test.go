package engine_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"zhanggui/internal/engine"
	"zhanggui/internal/fault"
	"zhanggui/internal/testkit"
)

// Ensure that with a record what is attached to it is destroyed, in its rows too, down to its content, and is had by no way any more, by who
// brought it neither; that the proof of the destruction stays, and what another record names until that is destroyed too; and that nothing
// more is done with a destroyed record, while it can be read, searched and printed without what is gone.
func TestRetention_Files(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		book := map[string]string{"k/rulebook.yaml": `rulebook: {id: k, title: 簿 | Book, version: "1.0", needs: [base]}
role: {keeper: {label: 保管员 | Keeper}, clerk: {label: 办事员 | Clerk}}
class: {private: {label: 个人 | Personal, personal: true}}
retention:
  year: {label: 一年 | One year, keep: 12mo, from: done.close.at, destroy: {by: keeper, with: [proof]}}
form:
  paper:
    label: 文书 | Paper
    title: this.subject
    retention: year
    field:
      subject: {label: 题名 | Subject, type: text}
      phone: {label: 电话 | Telephone, type: phone, class: private}
      scans: {label: 扫描件 | Scans, type: files}
      proof: {label: 销毁照片 | Photo, type: files}
    line: {page: {label: 页 | Pages, field: {what: {label: 内容 | What, type: text}, scan: {label: 扫描 | Scan, type: file}}}}
    state: {open: 在办 | Open, closed: {label: 归档 | Filed, final: true}, answered: {label: 已答 | Answered, final: true, path: false}}
    action:
      create: {by: clerk, fill: [subject, phone, scans, page]}
      close: {label: 归档 | File, from: open, to: closed, by: clerk}
      reopen: {label: 重开 | Re-open, from: closed, to: open, by: clerk}
      remark: {label: 批注 | Remark, from: closed, by: clerk, fill: [subject], again: true}
      reply: {label: 答复 | Answer, from: closed, to: answered, by: link, link: {for: 30d, give: clerk, show: [subject]}, fill: [subject]}
`}
		ctx := context.Background()
		s := testkit.Open(t, testkit.Load(t, book), dsn, "2025-03-03 09:00")
		s.Company("office", "k")
		s.Person("bao", "keeper")
		s.Person("kang", "clerk")
		who := func(name string) engine.Actor { return engine.Actor{Person: s.ID(name), Origin: "api"} }
		save := func(by, content string) string {
			t.Helper()
			f, err := s.E.SaveFile(ctx, s.Now, who(by), content+".txt", "text/plain", strings.NewReader(content))
			if err != nil {
				t.Fatal(err)
			}
			return f.ID
		}
		made := func(subject, scan, page string) string {
			t.Helper()
			out, err := s.E.Do(ctx, s.Now, engine.Act{Form: "k.paper", Action: "create", Actor: who("kang"), Values: map[string]any{"subject": subject, "phone": "13812345678", "scans": []any{scan}},
				Lines: map[string][]map[string]any{"page": {{"what": "首页", "scan": page}}}})
			if err != nil {
				t.Fatal(err)
			}
			s.Do("kang", "k.paper", out.Record, "close", nil)
			return out.Record
		}
		own, shared := save("kang", "OWNSCAN"), save("kang", "SHAREDSCAN")
		first, second := made("甲", own, shared), made("乙", shared, shared)
		s.Turn("2026-03-05 09:00")
		photo := save("bao", "PROOF")
		read := func(by, id string) bool {
			t.Helper()
			if _, err := s.E.File(ctx, s.Now, who(by), id); err != nil {
				if fault.KindOf(err) != fault.NotFound {
					t.Fatal(err)
				}
				return false
			}
			var b strings.Builder
			if err := s.E.CopyFile(ctx, id, &b); err != nil {
				t.Fatal(err)
			}
			return b.Len() > 0
		}
		blobs := func(want int) {
			t.Helper()
			for _, table := range []string{"file", "blob", "blob_chunk"} {
				if n := s.Count(table, "", nil); n != want {
					t.Errorf("%d of %s, want %d", n, table, want)
				}
			}
		}
		bearer := engine.Bearer{Form: "k.paper", Record: first, Action: "reply"}
		if _, err := s.E.GiveLink(ctx, s.Now, who("kang"), "k.paper", first, "reply"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.E.LinkView(ctx, s.Now, bearer); err != nil {
			t.Fatal(err)
		}
		found := func(by, q string) (n int) {
			t.Helper()
			res, err := s.E.Search(ctx, s.Now, who(by), q)
			if err != nil {
				t.Fatal(err)
			}
			for _, g := range res.Groups {
				for _, h := range g.Hits {
					if h.Form == "k.paper" {
						n++
					}
				}
			}
			return n
		}
		if found("kang", "甲") != 1 || found("kang", "13812345678") != 2 {
			t.Errorf("found before: %d and %d", found("kang", "甲"), found("kang", "13812345678"))
		}
		blobs(3)
		s.Do("bao", "k.paper", first, "destroy", map[string]any{"proof": []any{photo}})
		blobs(2)
		if read("kang", own) || read("bao", own) {
			t.Error("what was attached can still be had")
		}
		if !read("kang", shared) || !read("bao", photo) {
			t.Error("what another record names, or the proof, is gone")
		}
		if _, err := s.Try("kang", "k.paper", "", "create", map[string]any{"subject": "丙", "phone": "1", "scans": []any{own}}); err == nil {
			t.Error("what is gone is attached anew")
		}
		for _, a := range []string{"reopen", "remark", "void", "edit", "destroy"} {
			by := "kang"
			if a == "destroy" {
				by = "bao"
			}
			if r := s.Refused(by, "k.paper", first, a, map[string]any{"subject": "改", "proof": []any{photo}}); r.Group != "state" {
				t.Errorf("%s: refused by %s", a, r.Group)
			}
		}
		told := func(what string, v any, err error) {
			t.Helper()
			b, _ := json.Marshal(v)
			if text := string(b); err != nil || strings.Contains(text, "OWNSCAN") || strings.Contains(text, "1381234") || strings.Contains(text, own) {
				t.Errorf("%s: %v %s", what, err, text)
			}
		}
		v, err := s.E.Record(ctx, s.Now, who("bao"), "k.paper", first)
		told("record", v, err)
		if err == nil && len(v.Actions.Open) > 0 {
			for _, a := range v.Actions.Open {
				if a.ID != "print" && a.ID != "export" {
					t.Errorf("%s is offered", a.ID)
				}
			}
		}
		p, err := s.E.PrintPreview(ctx, s.Now, who("bao"), "k.paper", first, "")
		told("print", p, err)
		l, err := s.E.List(ctx, s.Now, who("bao"), engine.ListQuery{Form: "k.paper", Filter: "this.subject == '甲'"})
		told("list", l, err)
		h, err := s.E.History(ctx, s.Now, who("bao"), "k.paper", first)
		told("history", h, err)
		if n := found("kang", "13812345678"); n != 1 {
			t.Errorf("%d found by the telephone, want the one that is kept", n)
		}
		if n := found("kang", "5678"); n > 1 {
			t.Errorf("%d found by the end of the telephone", n)
		}
		if _, err := s.E.GiveLink(ctx, s.Now, who("kang"), "k.paper", first, "reply"); err == nil {
			t.Error("a link for what is destroyed")
		}
		if _, err := s.E.LinkView(ctx, s.Now, bearer); err == nil {
			t.Error("a link given before still shows it")
		}
		if _, err := s.E.Do(ctx, s.Now, engine.Act{Form: "k.paper", Record: first, Action: "reply", Actor: engine.Actor{Link: &bearer, Origin: "link"}, Values: map[string]any{"subject": "改"}}); err == nil {
			t.Error("a link given before still acts")
		}
		rows := 0
		err = s.E.Export(ctx, s.Now, who("bao"), engine.ListQuery{Form: "k.paper", Fields: []string{"subject", "phone", "scans", "proof", "state"}}, 100, func(*engine.Leaving) error { return nil }, func(r engine.Row) error {
			rows++
			if r.ID == first {
				told("export", r, nil)
			}
			return nil
		})
		if err != nil || rows == 0 {
			t.Errorf("%d rows exported: %v", rows, err)
		}
		s.Do("bao", "k.paper", second, "destroy", map[string]any{"proof": []any{photo}})
		blobs(1)
		if read("kang", shared) || !read("bao", photo) {
			t.Error("what the last record named is still there, or the proof is not")
		}
		if rep, err := s.DB.Compare(ctx); err != nil || len(rep.Differences) > 0 {
			t.Errorf("the journal does not tell it: %v %v", rep, err)
		}
	})
}
