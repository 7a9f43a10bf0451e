package app_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"zhanggui/internal/query"
	"zhanggui/internal/store"
	"zhanggui/rulebooks"
)

// victim is the real program on a database in a folder, with clients that write to it and remember, outside of it, what
// was acknowledged. It is killed, its power is cut, and what it said is then compared with what is there.
type victim struct {
	t      *testing.T
	dir    string   // of the database, if it is a file, and of the journal's key
	dsn    string   // of a database that is no file
	prefix []string // a program that runs it, such as a tracer
	common []string // of every command, beside those of the victim
	keys   []string // where those of personal data are, if not beside the database
	args   []string // of each start
	log    lockedBuffer
	cmd    *exec.Cmd
	url    string
	token  string
	http   *http.Client
	ready  []time.Duration

	cut   atomic.Bool // what is answered from now on nobody heard
	mu    sync.Mutex
	acked map[string]string // name of the record → its number
	open  map[int]string    // by client: what was sent and not answered
	count map[int]int
	sums  [2]int64 // cents and grams that the ledgers must hold after the last look
}

// sale is what the victim's clients file: each moves a ledger of money and one of quantity.
const sale = `form:
  sale:
    label: 销售 | Sale
    title: this.name
    number: {pattern: "K{n:5}"}
    field:
      name: {type: text, label: 名称 | Name, required: "true"}
      amount: {type: money, label: 金额 | Amount, required: "true"}
      qty: {type: quantity, label: 数量 | Quantity, scale: 3, required: "true"}
    action:
      create:
        by: admin
        fill: [name, amount, qty]
        do: [{post: till.paid, amount: this.amount}, {post: till.fee, amount: "money('0.01')"}, {post: stock.out, amount: this.qty}]
  till:
    label: 账上 | In the books
    field:
      money: {type: money, label: 余额 | Balance, default: "ledger('till').balance"}
      goods: {type: quantity, label: 存量 | In stock, scale: 3, default: "ledger('stock').quantity"}
    action:
      create: {by: admin}
ledger:
  till: {label: 钱箱 | Till, unit: money, per: {}, kind: {paid: add, fee: take}, check: [{that: "balance >= money('0')", say: 钱箱不够 | Not enough in the till}]}
  stock: {label: 库存 | Stock, unit: quantity, per: {}, kind: {in: add, out: take}}
`

func newVictim(t *testing.T, dir string) *victim {
	t.Helper()
	return &victim{t: t, dir: dir, common: []string{"--rulebooks", booksWith(t, map[string]string{"sale": sale, "call": call})}, acked: map[string]string{}, open: map[int]string{}, count: map[int]int{}, http: &http.Client{Timeout: time.Minute}}
}

// at is the address of the database.
func (v *victim) at() string { return cmp.Or(v.dsn, "sqlite:"+v.file("a.db")) }

func (v *victim) file(name string) string { return filepath.Join(v.dir, name) }

// found makes the company and a machine token for the clients.
func (v *victim) found() {
	v.t.Helper()
	found(v.t, append([]string{"--database", v.at()}, v.common...)...)
	v.start()
	v.token = machineToken(v.t, v.url)
}

// booksWith is a folder with the base and forms of a test.
func booksWith(t *testing.T, forms map[string]string) string {
	t.Helper()
	books := filepath.Join(t.TempDir(), "books")
	base, err := fs.Sub(rulebooks.FS, "base")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(books, "base"), base); err != nil {
		t.Fatal(err)
	}
	for name, text := range forms {
		if err := os.WriteFile(filepath.Join(books, "base", name+".yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return books
}

// found makes a company and its founder.
func found(t *testing.T, more ...string) {
	t.Helper()
	make := exec.Command("zhanggui", append([]string{"admin", "create", "--account", "he", "--name", "何静", "--company", "小店"}, more...)...)
	make.Stdin = strings.NewReader("Haystack-42-lamp\n")
	if out, err := make.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// machineToken signs the founder in and makes a token for the clients.
func machineToken(t *testing.T, address string) string {
	t.Helper()
	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar}
	call := func(path string, head map[string]string, body, into any) {
		b, _ := json.Marshal(body)
		r, err := http.NewRequest("POST", address+path, bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		for k, x := range head {
			r.Header.Set(k, x)
		}
		res, err := browser.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, _ = io.ReadAll(res.Body)
		if err := json.Unmarshal(b, into); res.StatusCode != 201 || err != nil {
			t.Fatalf("%s: %d %s", path, res.StatusCode, b)
		}
	}
	var me struct{ CSRF string }
	call("/api/session", nil, map[string]string{"account": "he", "password": "Haystack-42-lamp"}, &me)
	var tok struct{ Token string }
	call("/api/token", map[string]string{"X-CSRF-Token": me.CSRF}, map[string]any{"name": "clients", "scope": []string{"read", "write"}}, &tok)
	return tok.Token
}

// launch starts the program, whose first lines are still to be read.
func (v *victim) launch() io.Reader {
	v.t.Helper()
	args := append(slices.Clone(v.prefix), "zhanggui", "serve", "--database", v.at(), "--key", v.file("journal.key"), "--listen", "127.0.0.1:0", "--records-a-day", "0")
	args = slices.Concat(args, v.common, v.keys, v.args)
	v.cmd = exec.Command(args[0], args[1:]...)
	v.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	out, err := v.cmd.StdoutPipe()
	if err != nil {
		v.t.Fatal(err)
	}
	v.log.Reset()
	v.cmd.Stderr = &v.log
	if err := v.cmd.Start(); err != nil {
		v.t.Fatal(err)
	}
	return out
}

// dieSaying kills the program as soon as its log says something, which may be in the middle of its start.
func (v *victim) dieSaying(words string) {
	v.t.Helper()
	out := v.launch()
	go func() { _, _ = io.Copy(io.Discard, out) }()
	for end := time.Now().Add(3 * time.Minute); !strings.Contains(v.log.String(), words); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			v.t.Fatalf("it never says %q:\n%s", words, v.log.String())
		}
	}
	v.kill()
}

// start runs the program until it says that it is ready, and remembers how long that took.
func (v *victim) start() {
	v.t.Helper()
	begin := time.Now()
	out := v.launch()
	v.url = ""
	for s := bufio.NewScanner(out); s.Scan(); {
		if _, address, ok := strings.Cut(s.Text(), "address"); ok {
			v.url = strings.TrimSpace(address)
			break
		}
	}
	if v.url == "" {
		_ = v.cmd.Wait()
		v.t.Fatalf("it does not start again:\n%s", v.log.String())
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	for time.Since(begin) < 3*time.Minute { // on a busy machine
		if res, err := v.http.Get(v.url + "/api/ready"); err == nil {
			res.Body.Close()
			if res.StatusCode == 200 {
				v.ready = append(v.ready, time.Since(begin))
				return
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	v.t.Fatal("it is never ready")
}

// kill ends the program as kill -9 does, and whatever runs it.
func (v *victim) kill() {
	_ = syscall.Kill(-v.cmd.Process.Pid, syscall.SIGKILL)
	_ = v.cmd.Wait()
}

// write lets four clients file records until stop is closed. A client that got no answer sends the same again, under the
// same key, before anything else.
func (v *victim) write(stop <-chan struct{}) *sync.WaitGroup {
	var wg sync.WaitGroup
	v.cut.Store(false)
	for client := range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				name := v.next(client)
				number, ok := v.send(name)
				if !ok {
					return
				}
				if v.cut.Load() {
					return
				}
				v.mu.Lock()
				v.acked[name] = number
				delete(v.open, client)
				v.mu.Unlock()
			}
		})
	}
	return &wg
}

// settle sends again what was not answered, until everything that was ever sent is acknowledged.
func (v *victim) settle() {
	v.t.Helper()
	for client, name := range v.open {
		number, ok := v.send(name)
		if !ok {
			v.t.Fatal("not acknowledged: " + name)
		}
		v.acked[name] = number
		delete(v.open, client)
	}
}

func (v *victim) next(client int) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.open[client] == "" {
		v.count[client]++
		v.open[client] = fmt.Sprintf("c%d-%d", client, v.count[client])
	}
	return v.open[client]
}

func (v *victim) send(name string) (number string, ok bool) {
	r, err := http.NewRequest("POST", v.url+"/api/form/base.sale/record", strings.NewReader(fmt.Sprintf(`{"values":{"name":%q,"amount":%q,"qty":%q}}`, name, decimal(cents(name), 2), decimal(grams(name), 3))))
	if err != nil {
		return "", false
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+v.token)
	r.Header.Set("Idempotency-Key", name)
	res, err := v.http.Do(r)
	if err != nil {
		return "", false
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != 201 {
		return "", false
	}
	var a struct{ Number string }
	if json.Unmarshal(b, &a) != nil {
		return "", false
	}
	return a.Number, true
}

// cents and grams are what a sale is of, by its name: no two neighbours move the ledgers by the same.
func cents(name string) int64 {
	var client, n int64
	_, _ = fmt.Sscanf(name, "c%d-%d", &client, &n)
	return 2 + 7*n + client
}

func grams(name string) int64 { return 13*cents(name) + 1 }

func decimal(n int64, scale int) string {
	if n < 0 {
		return "-" + decimal(-n, scale)
	}
	digits := fmt.Sprintf("%0*d", scale+1, n)
	return digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
}

// toll is what a look at the database after a restart found.
type toll struct{ lost, doubled, half, holes, unbalanced int }

func (a toll) plus(b toll) toll {
	return toll{a.lost + b.lost, a.doubled + b.doubled, a.half + b.half, a.holes + b.holes, a.unbalanced + b.unbalanced}
}

func (a toll) bad() bool { return a != toll{} }

// look compares what was acknowledged with what is there. It reads a copy: recovery is the program's own business.
func (v *victim) look() toll {
	v.t.Helper()
	copyDir := v.t.TempDir()
	for _, n := range []string{"a.db", "a.db-wal"} {
		b, err := os.ReadFile(v.file(n))
		if os.IsNotExist(err) {
			continue
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(copyDir, n), b, 0o600)
		}
		if err != nil {
			v.t.Fatal(err)
		}
	}
	ctx := context.Background()
	db, err := store.Open(ctx, "sqlite:"+filepath.Join(copyDir, "a.db"))
	if err != nil {
		v.t.Fatal(err)
	}
	defer db.Close()
	var a toll
	err = db.Read(ctx, func(tx *store.Tx) error {
		rows, err := tx.Select(query.Select{Table: "base_sale", Alias: "s"})
		if err != nil {
			return err
		}
		entries, err := tx.Select(query.Select{Table: "journal_entry", Alias: "j", Where: query.And(query.Eq("j", "form", "base.sale"), query.Eq("j", "action", "create"))})
		if err != nil {
			return err
		}
		posted, err := tx.Select(query.Select{Table: "base_posting", Alias: "p"})
		if err != nil {
			return err
		}
		told := map[string]int{}
		for _, e := range entries {
			told[e["record"].(string)]++
		}
		seen, numbers := map[string]string{}, map[string]bool{}
		for _, r := range rows {
			name, number := r["name"].(string), fmt.Sprint(r["number"])
			if seen[name] != "" || numbers[number] {
				a.doubled++
			}
			seen[name], numbers[number] = number, true
			if told[r["id"].(string)] != 1 {
				a.half++
			}
			delete(told, r["id"].(string))
		}
		a.half += len(told) // entries without a record
		a.unbalanced = v.balance(rows, posted)
		for n := 1; n <= len(rows); n++ {
			if !numbers[fmt.Sprintf("K%05d", n)] {
				a.holes++
			}
		}
		v.mu.Lock()
		defer v.mu.Unlock()
		for name, number := range v.acked {
			if seen[name] != number {
				a.lost++
			}
		}
		return nil
	})
	if err != nil {
		v.t.Fatal(err)
	}
	return a
}

// balance compares the ledgers with the sales, one by one and in sum, and counts what is wrong.
// What the ledgers must hold stays in v.
func (v *victim) balance(sales, posted []store.Row) (wrong int) {
	sums, moves := [2]int64{}, map[string]int64{}
	for _, p := range posted {
		kind, amount, number := fmt.Sprint(p["kind"]), p["amount"], 0
		switch kind {
		case "out":
			amount, number = p["quantity"], 1
		case "paid", "fee":
		default:
			wrong++
			continue
		}
		n, ok := amount.(int64)
		if !ok {
			wrong++
			continue
		}
		key := fmt.Sprint(p["of_id"], " ", kind)
		if _, twice := moves[key]; twice {
			wrong++
		}
		moves[key] = n
		if kind != "paid" {
			n = -n
		}
		sums[number] += n
	}
	v.sums = [2]int64{}
	for _, r := range sales {
		id, name := fmt.Sprint(r["id"]), r["name"].(string)
		for kind, want := range map[string]int64{"paid": cents(name), "fee": 1, "out": grams(name)} {
			if got, ok := moves[id+" "+kind]; !ok || got != want {
				wrong++
			}
			delete(moves, id+" "+kind)
		}
		v.sums[0] += cents(name) - 1
		v.sums[1] -= grams(name)
	}
	wrong += len(moves) // postings of no sale
	if sums != v.sums {
		wrong++
	}
	return wrong
}

// says is what the running program answers for its two ledgers.
func (v *victim) says() (money, goods string) {
	v.t.Helper()
	r, err := http.NewRequest("POST", v.url+"/api/form/base.till/record", strings.NewReader(`{"values":{}}`))
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+v.token)
	res, err := v.http.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	var a struct{ Values struct{ Money, Goods string } }
	if err := json.NewDecoder(res.Body).Decode(&a); err != nil || res.StatusCode != 201 {
		v.t.Fatal(res.StatusCode, err)
	}
	return a.Values.Money, a.Values.Goods
}

// stop ends the program in order.
func (v *victim) stop() {
	v.t.Helper()
	if err := v.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		v.t.Fatal(err)
	}
	if err := v.cmd.Wait(); err != nil {
		v.t.Fatalf("it does not stop in order: %v\n%s", err, v.log.String())
	}
}

// verify lets the program check its own journal, as an auditor would, on a stopped database.
func (v *victim) verify(more ...string) (string, error) {
	out, err := exec.Command("zhanggui", slices.Concat([]string{"verify", "--database", v.at(), "--key", v.file("journal.key")}, v.common, more)...).CombinedOutput()
	return string(out), err
}

func (v *victim) verified(more ...string) {
	v.t.Helper()
	if out, err := v.verify(more...); err != nil {
		v.t.Errorf("verify: %v\n%s", err, out)
	}
}

func percentile(list []time.Duration, p int) time.Duration {
	list = slices.Clone(list)
	slices.Sort(list)
	if len(list) == 0 {
		return 0
	}
	return list[min(len(list)-1, len(list)*p/100)]
}
