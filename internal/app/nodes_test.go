package app_test

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"zhanggui/internal/query"
	"zhanggui/internal/store"
	"zhanggui/internal/store/pgtest"
)

// Ensure that three nodes on one database are one house: whichever is asked, whichever dies or stands still, every number is
// given out once, everything due happens once, and pages on every node hear of it.
func TestNodes(t *testing.T) {
	dsn := pgtest.DSN(t)
	c := newNodes(t, dsn, 3)
	stop := make(chan struct{})
	wg := c.load(stop, "load")

	t.Run("PagesOnEveryNodeHear", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		var hear [3]chan string
		for i, one := range c.list {
			hear[i] = make(chan string, 1000)
			r, _ := http.NewRequestWithContext(ctx, "GET", c.at(one)+"/api/event", nil)
			r.Header.Set("Authorization", "Bearer "+c.token)
			r.Header.Set("Accept", "text/event-stream")
			res, err := http.DefaultClient.Do(r)
			if err != nil || res.StatusCode != 200 {
				t.Fatal(err, res)
			}
			go func() {
				defer res.Body.Close()
				for s := bufio.NewScanner(res.Body); s.Scan(); {
					hear[i] <- s.Text()
				}
			}()
		}
		for from, one := range c.list {
			name := fmt.Sprintf("told-%d", from)
			if err := c.file(one, name, time.Now()); err != nil {
				t.Fatal(err)
			}
			for i := range hear {
				for found := false; !found; {
					select {
					case line := <-hear[i]:
						found = strings.Contains(line, `"`+c.ids[name]+`"`)
					case <-ctx.Done():
						t.Fatalf("node %d did not hear what happened on node %d", i, from)
					}
				}
			}
		}
	})

	t.Run("FilesAreOnEveryNode", func(t *testing.T) {
		id := c.upload(c.list[0], "a.txt", "hello")
		for i, one := range c.list {
			if status, b, err := c.do(one, "GET", "/api/file/"+id, "", nil); err != nil || status != 200 || string(b) != "hello" {
				t.Errorf("node %d: %d %q %v", i, status, b, err)
			}
		}
	})

	// What a node keeps in memory of the house is that of all: who may sign in, who is locked, who holds which post.
	t.Run("OneDoor", func(t *testing.T) {
		for n := range 12 {
			res, err := c.http.Post(c.at(c.list[n%3])+"/api/session", "application/json", strings.NewReader(`{"account":"nobody","password":"wrong-wrong-wrong"}`))
			if err != nil {
				t.Fatal(err)
			}
			b, _ := io.ReadAll(res.Body)
			res.Body.Close()
			if n >= 10 && !strings.Contains(string(b), "锁") && !strings.Contains(string(b), "locked") {
				t.Errorf("try %d: %s", n, b)
			}
		}
		status, b, err := c.do(c.list[0], "POST", "/api/form/base.unit/record", "unit", map[string]any{"values": map[string]any{"name": "二部", "kind": "department"}})
		if err != nil || status >= 300 {
			t.Fatal(status, string(b), err)
		}
		for i, one := range c.list {
			if _, b, err := c.do(one, "GET", "/api/form/base.unit/record", "", nil); err != nil || !bytes.Contains(b, []byte("二部")) {
				t.Errorf("node %d does not know the new unit: %s %v", i, b, err)
			}
		}
	})

	// A session that its owner ends on one node is over on all: the next request, and the streams that are open.
	t.Run("OutOnEveryNode", func(t *testing.T) {
		jar, _ := cookiejar.New(nil) // which tells no ports apart
		browser := &http.Client{Jar: jar}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
		defer cancel()
		send := func(one *node, method, path, csrf, body string) *http.Response {
			t.Helper()
			r, err := http.NewRequestWithContext(ctx, method, c.at(one)+path, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("X-CSRF-Token", csrf)
			res, err := browser.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { res.Body.Close() })
			return res
		}
		var me struct{ CSRF string }
		if err := json.NewDecoder(send(c.list[0], "POST", "/api/session", "", `{"account":"he","password":"Haystack-42-lamp"}`).Body).Decode(&me); err != nil {
			t.Fatal(err)
		}
		var open [3]*http.Response
		for i, one := range c.list {
			if open[i] = send(one, "GET", "/api/event", "", ""); open[i].StatusCode != 200 {
				t.Fatalf("node %d: %d", i, open[i].StatusCode)
			}
		}
		cookies := jar.Cookies(open[0].Request.URL)
		if res := send(c.list[1], "DELETE", "/api/session", me.CSRF, ""); res.StatusCode != 204 {
			t.Fatal(res.StatusCode)
		}
		jar.SetCookies(open[0].Request.URL, cookies) // as somebody would who had taken it
		for i, one := range c.list {
			if res := send(one, "GET", "/api/me", "", ""); res.StatusCode != 401 {
				t.Errorf("node %d still answers: %d", i, res.StatusCode)
			}
			if _, err := io.Copy(io.Discard, open[i].Body); err != nil { // to its end, or to the test's
				t.Errorf("node %d: the stream goes on: %v", i, err)
			}
		}
	})

	t.Run("KilledAndTakenOver", func(t *testing.T) {
		dead, fence := c.leader()
		if dead == nil {
			t.Fatal("nobody leads")
		}
		if err := dead.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = dead.cmd.Wait()
		c.until("another has taken over", func() bool { one, f := c.leader(); return one != nil && one != dead && f > fence })
		c.start(dead)
	})

	t.Run("ImportGoesOnElsewhere", func(t *testing.T) {
		const rows = 800
		var sheet strings.Builder
		sheet.WriteString("客户名称,简称\n")
		for n := range rows {
			if n%40 == 39 {
				sheet.WriteString(",少了名称\n")
			} else {
				fmt.Fprintf(&sheet, "第 %d 家,x\n", n)
			}
		}
		type view struct {
			ID, State           string
			Done, Good, Refused int
		}
		var v view
		ask := func(one *node, method, path string, body any) error {
			status, b, err := c.do(one, method, path, "", body)
			if err != nil {
				return err
			}
			if status >= 300 {
				return fmt.Errorf("%d %s", status, b)
			}
			return json.Unmarshal(b, &v)
		}
		file := c.upload(c.list[0], "客户.csv", sheet.String())
		if err := ask(c.list[1], "POST", "/api/form/base.customer/import", map[string]any{"file": file, "columns": []string{"name", "short_name"}}); err != nil {
			t.Fatal(err)
		}
		path := "/api/import/" + v.ID
		c.until("some rows came in", func() bool { return ask(c.list[0], "GET", path, nil) == nil && v.Done > 0 })
		dead, fence := c.holder("job/" + v.ID)
		if dead == nil || v.Done == rows {
			t.Fatalf("nobody is caught at it: %+v", v)
		}
		if err := dead.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = dead.cmd.Wait()
		alive := c.list[0]
		if alive == dead {
			alive = c.list[1]
		}
		c.until("another node has finished it", func() bool { return ask(alive, "GET", path, nil) == nil && v.State == "done" })
		if _, f := c.holder("job/" + v.ID); v.Good != rows-rows/40 || v.Refused != rows/40 || f <= fence {
			t.Errorf("%+v, fence %d after %d", v, f, fence)
		}
		// Rows share commits: whichever was lost with the node, none came in twice, none before one that stands above it, no number is left out.
		err := c.db.Read(t.Context(), func(tx *store.Tx) error {
			list, err := tx.Select(query.Select{Table: "base_customer", Alias: "t", Order: []query.Order{{Expr: query.Col{Alias: "t", Name: "number"}}}})
			if len(list) != rows-rows/40 {
				t.Errorf("%d customers", len(list))
			}
			for i, row := range list {
				if number, name := fmt.Sprintf("K%05d", i+1), fmt.Sprintf("第 %d 家", i+i/39); row["number"] != number || row["name"] != name {
					t.Fatalf("%v %v stands where %s %s should", row["number"], row["name"], number, name)
				}
			}
			n, failed := tx.Count("journal_entry", query.And(query.Eq("e", "form", "base.customer"), query.Eq("e", "action", "create"), query.Eq("e", "refused", false)))
			if n != rows-rows/40 {
				t.Errorf("%d entries", n)
			}
			return errors.Join(err, failed)
		})
		if err != nil {
			t.Fatal(err)
		}
		c.start(dead)
	})

	// What the server does by itself about who is silent does not always help (store.TestEndSilent), and here it does nothing about one
	// session that holds the lease's row.
	t.Run("FrozenAndTakenOver", func(t *testing.T) {
		defer waiting(c.t, dsn)
		frozen, fence := c.leader()
		db := asked(t, dsn, "zhanggui frozen")
		held, err := db.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = held.Rollback() }()
		if _, err := held.Exec(`SELECT "fence" FROM "lease" WHERE "name" = 'house' FOR KEY SHARE`); err != nil {
			t.Fatal(err)
		}
		if err := frozen.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		c.until("another has taken over", func() bool { one, f := c.leader(); return one != nil && one != frozen && f > fence })
		_, fence = c.leader()
		if err := frozen.cmd.Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		c.until("it notices", func() bool { return strings.Contains(frozen.log.String(), "another node has taken over") })
		c.until("it works again", func() bool { return c.ready(frozen) })
		if one, f := c.leader(); one == frozen || f != fence {
			t.Errorf("the frozen node leads again, fence %d after %d", f, fence)
		}
	})
	close(stop)
	wg.Wait()

	t.Run("RollingRestartFailsNoRequest", func(t *testing.T) {
		var sent atomic.Int64
		var up [3]atomic.Bool
		for i := range up {
			up[i].Store(true)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for i, one := range c.list { // the balancer's look at each node
			wg.Go(func() {
				for ctx.Err() == nil {
					up[i].Store(c.ready(one))
					time.Sleep(50 * time.Millisecond)
				}
			})
		}
		for client := range 4 {
			wg.Go(func() {
				for n := 0; ctx.Err() == nil; n++ {
					i := (client + n) % 3
					if !up[i].Load() {
						continue
					}
					if err := c.file(c.list[i], fmt.Sprintf("roll-%d-%d", client, n), time.Now()); err != nil {
						t.Errorf("node %d: %v", i, err)
						return
					}
					sent.Add(1)
				}
			})
		}
		for _, one := range c.list {
			before := sent.Load()
			c.until("requests flow", func() bool { return sent.Load() > before+20 })
			if err := one.cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if err := one.cmd.Wait(); err != nil {
				t.Errorf("it did not stop in order: %v", err)
			}
			c.start(one)
		}
		cancel()
		wg.Wait()
		t.Logf("%d requests, three nodes restarted", sent.Load())
	})

	t.Run("OnceEach", func(t *testing.T) {
		c.until("everything due is done", func() bool { return time.Now().After(c.due) && c.missed() == 0 })
		for _, w := range c.wrong() {
			t.Error(w)
		}
		t.Logf("%d errands, each with one number and late once", len(c.acked))
		if len(c.acked) < 100 {
			t.Error("so few prove little")
		}
	})
	for _, one := range c.list {
		if err := one.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
	}
	for _, one := range c.list {
		_ = one.cmd.Wait()
	}
	out, err := exec.Command("zhanggui", append([]string{"verify", "--key", filepath.Join(c.list[0].dir, "journal.key")}, c.args[:4]...)...).CombinedOutput()
	if err != nil {
		t.Errorf("verify: %v\n%s", err, out)
	}
}

// asked is the database as PostgreSQL itself is asked, with none of the terms that the nodes set.
func asked(t *testing.T, dsn, program string) *sql.DB {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Del("allow_unsafe") // ours, and none of the server's
	q.Set("application_name", program)
	u.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20") // pgx takes a plus for a plus
	db, err := sql.Open("pgx", u.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// waiting says after a failure what each session of the database waits for, and behind whom.
func waiting(t *testing.T, dsn string) {
	if !t.Failed() {
		return
	}
	db := asked(t, dsn, "psql")
	rows, err := db.Query(`SELECT concat_ws(' | ', pid, state, wait_event_type, wait_event, pg_blocking_pids(pid)::text, now() - xact_start, left(query, 160)) FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL`)
	if err != nil {
		t.Log(err)
		return
	}
	defer rows.Close()
	for rows.Next() {
		var line string
		if rows.Scan(&line) == nil {
			t.Log(line)
		}
	}
	t.Log(rows.Err())
}
