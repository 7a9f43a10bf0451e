package app_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"zhanggui/internal/query"
	"zhanggui/internal/store"
	"zhanggui/internal/store/pgtest"
)

// nodes are real programs on one PostgreSQL, each with a folder of its own, as on machines of their own.
type nodes struct {
	t        *testing.T
	database string
	args     []string // of every command
	db       *store.DB
	list     []*node
	token    string
	http     *http.Client

	mu    sync.Mutex
	acked map[string]string // name → number
	ids   map[string]string // name → record
	due   time.Time         // when the last errand is late
}

type node struct {
	dir string
	cmd *exec.Cmd
	url string
	log lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) Reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.b.Reset()
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// errand is a form whose limit ends a minute after an instant that the client chooses.
const errand = `form:
  errand:
    label: 差事 | Errand
    title: this.name
    number: {pattern: "C{n:5}"}
    field:
      name: {type: text, label: 名称 | Name, required: "true"}
      begins: {type: datetime, label: 起算 | Begins, required: "true"}
    state: {open: 待办 | Open, done: {label: 已办 | Done, final: true}}
    action:
      create: {by: admin, fill: [name, begins]}
      finish: {label: 办结 | Finish, from: open, to: done, by: admin}
    deadline:
      soon: {label: 办结 | Finish, from: this.begins, to: finish, within: 1m, late: [{notify: admin, text: 逾期 | Late}]}
`

const leaseLength = 2 * time.Second

func newNodes(t *testing.T, database string, n int) *nodes {
	t.Helper()
	c := &nodes{t: t, database: database, acked: map[string]string{}, ids: map[string]string{}, http: &http.Client{Timeout: 10 * time.Second}}
	c.args = []string{"--rulebooks", booksWith(t, map[string]string{"errand": errand}), "--database", database, "--keystore", pgtest.DSN(t)}
	first := t.TempDir()
	found(t, append(c.args, "--master-key", filepath.Join(first, "master.key"))...)
	for i := range n {
		one := &node{dir: first}
		if i > 0 {
			one.dir = t.TempDir()
			for _, name := range []string{"master.key", "journal.key"} {
				b, err := os.ReadFile(filepath.Join(first, name))
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(one.dir, name), b, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
		c.list = append(c.list, one)
		c.start(one)
	}
	t.Cleanup(func() {
		for _, one := range c.list {
			_ = one.cmd.Process.Kill()
			_ = one.cmd.Wait()
			if t.Failed() {
				t.Logf("%s:\n%s", one.url, one.log.String())
			}
		}
	})
	var err error
	if c.db, err = store.Open(t.Context(), database, store.AllowUnsafe()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.db.Close() })
	c.token = machineToken(t, c.list[0].url)
	return c
}

func (c *nodes) start(one *node) {
	c.t.Helper()
	one.cmd = exec.Command("zhanggui", append([]string{"serve", "--lease", leaseLength.String(), "--leave", "1s", "--listen", "127.0.0.1:0",
		"--key", filepath.Join(one.dir, "journal.key"), "--master-key", filepath.Join(one.dir, "master.key")}, c.args...)...)
	one.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	one.cmd.Stderr = &one.log
	out, err := one.cmd.StdoutPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	if err := one.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	url := ""
	for s := bufio.NewScanner(out); url == "" && s.Scan(); {
		if _, address, ok := strings.Cut(s.Text(), "address"); ok {
			url = strings.TrimSpace(address)
		}
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	if url == "" {
		c.t.Fatalf("a node does not start:\n%s", one.log.String())
	}
	c.mu.Lock()
	one.url = url
	c.mu.Unlock()
	c.until("it is ready", func() bool { return c.ready(one) })
}

func (c *nodes) at(one *node) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return one.url
}

func (c *nodes) ready(one *node) bool {
	res, err := c.http.Get(c.at(one) + "/api/ready")
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == 200
}

// until waits for what other processes do.
func (c *nodes) until(what string, ok func() bool) {
	c.t.Helper()
	for end := time.Now().Add(3 * time.Minute); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatal("waited in vain until " + what)
		}
	}
}

// leader is the node that has the timers, nil while none has.
func (c *nodes) leader() (one *node, fence int64) { return c.holder("house") }

func (c *nodes) holder(lease string) (one *node, fence int64) {
	c.t.Helper()
	err := c.db.Read(context.Background(), func(tx *store.Tx) error {
		rows, err := tx.Select(query.Select{Table: "lease", Alias: "l", Where: query.Eq("l", "name", lease)})
		if err != nil || len(rows) == 0 {
			return err
		}
		fence, _ = rows[0]["fence"].(int64)
		for _, x := range c.list {
			if strings.Contains(x.log.String(), fmt.Sprintf("node=%s", rows[0]["holder"])) {
				one = x
			}
		}
		return nil
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return one, fence
}

func (c *nodes) do(one *node, method, path, key string, body any) (int, []byte, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return 0, nil, err
	}
	r, err := http.NewRequest(method, c.at(one)+path, bytes.NewReader(b))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+c.token)
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	res, err := c.http.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	b, err = io.ReadAll(res.Body)
	return res.StatusCode, b, err
}

// upload keeps an attachment and answers its id.
func (c *nodes) upload(one *node, name, content string) string {
	c.t.Helper()
	body := fmt.Sprintf("--x\r\nContent-Disposition: form-data; name=\"file\"; filename=%q\r\nContent-Type: text/plain\r\n\r\n%s\r\n--x--\r\n", name, content)
	r, err := http.NewRequest("POST", c.at(one)+"/api/file", strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	r.Header.Set("Authorization", "Bearer "+c.token)
	res, err := c.http.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	var f struct{ ID string }
	if err := json.NewDecoder(res.Body).Decode(&f); err != nil || res.StatusCode != 201 {
		c.t.Fatal(res.StatusCode, err)
	}
	return f.ID
}

// file files an errand that is late after due, and remembers what was acknowledged.
func (c *nodes) file(one *node, name string, due time.Time) error {
	status, b, err := c.do(one, "POST", "/api/form/base.errand/record", name, map[string]any{"values": map[string]any{"name": name, "begins": due.Add(-time.Minute).UTC().Format("2006-01-02T15:04:05Z")}})
	if err != nil {
		return err
	}
	var a struct{ Number, Record, ID string }
	if err := json.Unmarshal(b, &a); err != nil || status != 201 || a.Number == "" {
		return fmt.Errorf("status %d: %s", status, b)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.acked[name], c.ids[name] = a.Number, a.Record+a.ID
	if due.After(c.due) {
		c.due = due
	}
	return nil
}

// load files errands on all nodes at once until stop is closed; a client whose node died sends the same again to the next.
func (c *nodes) load(stop <-chan struct{}, tag string) *sync.WaitGroup {
	var wg sync.WaitGroup
	for client := range 3 {
		wg.Go(func() {
			for n := 0; ; n++ {
				name, due := fmt.Sprintf("%s-%d-%d", tag, client, n), time.Now().Add(time.Duration(n%7)*time.Second)
				for try := n; ; try++ {
					select {
					case <-stop:
						return
					default:
					}
					if c.file(c.list[(client+try)%len(c.list)], name, due) == nil {
						break
					}
				}
			}
		})
	}
	return &wg
}

// breaches counts how often each errand was late, by record.
func (c *nodes) breaches() map[string]int {
	c.t.Helper()
	n := map[string]int{}
	err := c.db.Read(context.Background(), func(tx *store.Tx) error {
		rows, err := tx.Select(query.Select{Table: "base_breach", Alias: "b", Where: query.Eq("b", "name", "soon")})
		for _, r := range rows {
			n[fmt.Sprint(r["of_id"])]++
		}
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return n
}

func (c *nodes) missed() (n int) {
	late := c.breaches()
	for _, id := range c.ids {
		if late[id] == 0 {
			n++
		}
	}
	return n
}

// wrong compares what the clients were told with what is there.
func (c *nodes) wrong() (list []string) {
	late := c.breaches()
	err := c.db.Read(context.Background(), func(tx *store.Tx) error {
		rows, err := tx.Select(query.Select{Table: "base_errand", Alias: "e"})
		if err != nil {
			return err
		}
		number, named := map[string]bool{}, map[string]string{}
		for _, r := range rows {
			id, name, no := fmt.Sprint(r["id"]), fmt.Sprint(r["name"]), fmt.Sprint(r["number"])
			if number[no] || named[name] != "" {
				list = append(list, fmt.Sprintf("%s %s twice", name, no))
			}
			number[no], named[name] = true, no
			if late[id] != 1 {
				list = append(list, fmt.Sprintf("%s was late %d times", name, late[id]))
			}
		}
		for n := 1; n <= len(rows); n++ {
			if !number[fmt.Sprintf("C%05d", n)] {
				list = append(list, fmt.Sprintf("number %d is missing", n))
			}
		}
		for name, no := range c.acked {
			if named[name] != no {
				list = append(list, fmt.Sprintf("%s was acknowledged as %s and is %q", name, no, named[name]))
			}
		}
		return nil
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return list
}
