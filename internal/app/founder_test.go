package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"zhanggui/internal/api"
	"zhanggui/internal/auth"
	"zhanggui/internal/store"
	"zhanggui/rulebooks"
)

// fresh is a server on a database nobody has used, without its listener.
func fresh(t *testing.T) *server {
	t.Helper()
	return freshOn(t, "sqlite:"+filepath.Join(t.TempDir(), "zg.db"))
}

func freshOn(t *testing.T, address string) *server {
	t.Helper()
	ctx := context.Background()
	p := &program{ctx: ctx, out: io.Discard, err: io.Discard, log: slog.New(slog.DiscardHandler)}
	lib, err := p.load(rulebooks.FS)
	if err != nil {
		t.Fatal(err)
	}
	db, err := p.open(ctx, address, lib)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	keys, err := p.keyring(ctx, Keys{Keystore: "sqlite:" + filepath.Join(t.TempDir(), "keys.db"), MasterKey: filepath.Join(t.TempDir(), "master.key")}, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = keys.Close() })
	c := &serveCommand{}
	c.Password = 12
	s := &server{p: p, c: c, db: db, keys: keys, alerts: &alerts{}}
	if s.clock, err = newClock(ctx, db, "", s); err != nil {
		t.Fatal(err)
	}
	c.Idle, c.Absolute, c.Fresh, c.Second, c.Grace = 15*time.Minute, 12*time.Hour, 5*time.Minute, "officers", 72*time.Hour
	c.Key = filepath.Join(t.TempDir(), "journal.key")
	if _, _, err := makeKey(c.Key); err != nil {
		t.Fatal(err)
	}
	s.codes = make([]byte, 32)
	s.auth = s.newAuth(lib)
	if s.first, err = newFirstRun(ctx, s); err != nil || s.first == nil {
		t.Fatal("nobody can sign in, yet there is no first run", err)
	}
	if s.alerts, err = openAlerts(s); err != nil {
		t.Fatal(err)
	}
	if err := s.use(lib); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *server) ask(method, path, body string) (int, string) {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept-Language", "en")
	w := httptest.NewRecorder()
	s.now.Load().api.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func TestFirstRun(t *testing.T) {
	s := fresh(t)
	founder := func(code, company, account, password string) string {
		return `{"code":"` + code + `","company":"` + company + `","name":"何静","account":"` + account + `","password":"` + password + `"}`
	}
	const good = "slate harbour 12 echoes"
	expect := func(what, body string, status int, says string) {
		t.Helper()
		if code, answer := s.ask(http.MethodPost, "/api/first-run", body); code != status || !strings.Contains(answer, says) {
			t.Errorf("%s: %d %s", what, code, answer)
		}
	}
	open := func(yes bool) {
		t.Helper()
		want := `"first_run":false`
		if yes {
			want = `"first_run":true`
		}
		if _, answer := s.ask(http.MethodGet, "/api/company", ""); !strings.Contains(answer, want) {
			t.Errorf("want %s: %s", want, answer)
		}
	}
	people := func(want int64) {
		t.Helper()
		err := s.db.Read(s.p.ctx, func(tx *store.Tx) error {
			n, err := tx.Count(s.now.Load().lib.Form("base.person").Table, nil)
			if n != want {
				t.Errorf("%d people, not %d", n, want)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}

	open(true)
	code := s.first.shown()
	expect("wrong code", founder("AAAA-AAAA-AAAA-AAAA", "恒泰机械", "he", good), 400, `set-up code is wrong`)
	expect("no code", founder("", "恒泰机械", "he", good), 400, `set-up code is wrong`)
	expect("one letter wrong", founder(code[:18]+string('A'+(code[18]-'A'+1)%2), "恒泰机械", "he", good), 400, `set-up code is wrong`)
	expect("no company", founder(code, " ", "he", good), 400, `name of the company`)
	expect("no account", founder(code, "恒泰机械", " ", good), 400, `account to sign in with`)
	expect("no name", strings.ReplaceAll(founder(code, "恒泰机械", "he", good), "何静", " "), 400, `name of the administrator`)
	expect("a character short", founder(code, "恒泰机械", "he", "slate 12 ech"[:11]), 400, `12`)
	expect("weak", founder(code, "恒泰机械", "he", "password1234"), 400, `too common`)
	expect("company in it", founder(code, "恒泰机械", "he", "恒泰机械 slate 12 echoes"), 400, `Keep the account`)
	people(0)
	open(true)

	// Read aloud and typed in small letters without its lines, it is the same code.
	expect("right", founder(strings.ToLower(strings.ReplaceAll(code, "-", " ")), "恒泰机械", "He", good), 204, "")
	people(1)
	open(false)
	expect("again", founder(code, "别家", "she", good), 403, `administrator already`)
	if status, answer := s.ask(http.MethodPost, "/api/session", `{"account":"he","password":"`+good+`"}`); status != 201 || !strings.Contains(answer, "恒泰机械") {
		t.Errorf("the founder cannot sign in: %d %s", status, answer)
	}
	if again, err := newFirstRun(s.p.ctx, s); again != nil || err != nil {
		t.Error("a restart offers the first run again", err)
	}
}

// What was interrupted before the password was set is taken up where it stopped.
func TestFirstRunInterrupted(t *testing.T) {
	s := fresh(t)
	h := house{db: s.db, lib: s.now.Load().lib, engine: s.now.Load().engine, now: s.clock.Now()}
	unit, err := h.create(s.p.ctx, "base.unit", map[string]any{"name": "恒泰机械", "kind": "company"})
	if err != nil {
		t.Fatal(err)
	}
	person, err := h.create(s.p.ctx, "base.person", map[string]any{"name": "何静", "account": "he", "unit": unit, "active": true})
	if err != nil {
		t.Fatal(err)
	}
	body := `{"code":"` + s.first.shown() + `","company":"恒泰机械","name":"何静","account":"he","password":"slate harbour 12 echoes"}`
	if status, answer := s.ask(http.MethodPost, "/api/first-run", body); status != 204 {
		t.Fatalf("%d %s", status, answer)
	}
	if id, err := h.find(s.p.ctx, "base.role_grant", map[string]any{"person": person, "role": "admin"}); id == "" || err != nil {
		t.Error("he is no administrator", err)
	}
}

// Two who hold the code press at once: one company, one administrator.
func TestFirstRunTwice(t *testing.T) {
	s := fresh(t)
	var wg sync.WaitGroup
	status := make([]int, 8)
	for i := range status {
		wg.Go(func() {
			body := fmt.Sprintf(`{"code":%q,"company":"恒泰机械","name":"何静","account":"he%d","password":"slate harbour 12 echoes"}`, s.first.shown(), i)
			status[i], _ = s.ask(http.MethodPost, "/api/first-run", body)
		})
	}
	wg.Wait()
	made := 0
	for _, x := range status {
		if x == 204 {
			made++
		} else if x != 403 {
			t.Errorf("status %d", x)
		}
	}
	if made != 1 {
		t.Errorf("%d administrators: %v", made, status)
	}
}

// Who makes the administrator by command while the server runs ends the first run, and the server knows the company.
func TestFirstRunByCommand(t *testing.T) {
	s := fresh(t)
	h := house{db: s.db, lib: s.now.Load().lib, engine: s.now.Load().engine, now: s.clock.Now()}
	by := api.Founder{Company: "恒泰机械", Name: "何静", Account: "he", Password: "slate harbour 12 echoes"}
	if err := h.found(s.p.ctx, by, auth.Policy{Min: 12}); err != nil {
		t.Fatal(err)
	}
	if _, answer := s.ask(http.MethodGet, "/api/company", ""); !strings.Contains(answer, "恒泰机械") || !strings.Contains(answer, `"first_run":false`) {
		t.Error(answer)
	}
}
