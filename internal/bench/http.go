package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"strings"
	"time"

	"zhanggui/internal/auth"
	"zhanggui/internal/query"
	"zhanggui/internal/store"
)

const password = "luhan-Tangka-2931"

// staff finds the clerks who sign in.
type staff struct{ s *shop }

func (d staff) find(tx *store.Tx, column, value string) (auth.Person, error) {
	rows, err := tx.Select(query.Select{Table: "base_person", Alias: "p", Where: query.Eq("p", column, value), Limit: 1})
	if err != nil || len(rows) == 0 {
		return auth.Person{}, err
	}
	account, _ := rows[0]["account"].(string)
	return auth.Person{ID: rows[0]["id"].(string), Account: account, Name: "陈立", Active: true}, nil
}
func (d staff) ByAccount(tx *store.Tx, _ time.Time, account string) (auth.Person, error) {
	return d.find(tx, "account", account)
}
func (d staff) ByID(tx *store.Tx, _ time.Time, id string) (auth.Person, error) {
	return d.find(tx, "id", id)
}

// http holds acts over HTTP, signed in, against the peer's plain create of a row as wide, in the same run.
func (r *run) http() error {
	s, err := r.shop("sqlite:" + r.file("http.db"))
	if err != nil {
		return err
	}
	const most = 64 // clients at once, each a clerk of his own: one alone is not let have so much in work
	door, who := auth.New(s.db, staff{s}, auth.Options{}), s.clerk
	for i := range most {
		if i > 0 {
			who, err = s.hire(r.ctx, account(i))
		}
		if err == nil {
			err = door.SetPassword(r.ctx, s.now, who, password, false)
		}
		if err != nil {
			return errors.Join(err, s.db.Close())
		}
	}
	if err := s.db.Close(); err != nil {
		return err
	}
	ours, stop, _, err := r.serve(r.program, "--listen", "/api/health", "serve", "--records-a-day", "0", "--database", "sqlite:"+r.file("http.db"), "--key", r.file("http.key"))
	if err != nil {
		return err
	}
	defer stop()
	var clients [most]*http.Client
	var csrf [most]string
	for i := range most {
		clients[i] = clientOf(1)
		if csrf[i], err = signInAs(clients[i], ours, account(i)); err != nil {
			return err
		}
	}
	body, err := json.Marshal(map[string]any{"values": s.values()})
	if err != nil {
		return err
	}
	mine := func(prefer string) func(int) error {
		return func(i int) error {
			return post(clients[i], ours+"/api/form/"+r.form+"/record", body, map[string]string{"X-CSRF-Token": csrf[i], "Prefer": prefer})
		}
	}
	var theirs func(int) error
	if r.peer != "" {
		address, stop, _, err := r.serve(r.peer, "--http", "/api/health", "serve", "--dir", r.file("peer"))
		if err != nil {
			return err
		}
		defer stop()
		row, err := json.Marshal(map[string]any{"customer": "cust000000001", "product": "prod000000001", "salesperson": "pers000000001", "reason": "法兰漏水", "contact": "周工", "detail": "折让", "state": "draft", "note": "", "quantity": 100, "defective": 3, "overseas": false})
		if err != nil {
			return err
		}
		client := clientOf(most)
		theirs = func(int) error { return post(client, address+"/api/collections/things/records", row, nil) }
	}
	for _, at := range []int{1, most} {
		var full, brief, b []float64
		for range r.rounds { // in turn, so that a machine that slows down slows both
			x, err := r.rate(at, mine("return=representation"))
			if err != nil {
				return err
			}
			full = append(full, x)
			if x, err = r.rate(at, mine("return=minimal")); err != nil {
				return err
			}
			brief = append(brief, x)
			if theirs == nil {
				continue
			}
			if x, err = r.rate(at, theirs); err != nil {
				return fmt.Errorf("peer: %w", err)
			}
			b = append(b, x)
		}
		for _, x := range []struct {
			name string
			list []float64
		}{{"the record answered", full}, {"answered briefly", brief}} {
			line := fmt.Sprintf("acts over HTTP, %2d clients, %-19s %8.0f /s", at, x.name, middle(x.list))
			if theirs != nil {
				line += fmt.Sprintf("   %.2f of the peer's plain create (%.0f /s)", middle(x.list)/middle(b), middle(b))
			}
			r.say("%s", line)
		}
	}
	return nil
}

// account names a clerk.
func account(i int) string {
	if i == 0 {
		return "chen"
	}
	return fmt.Sprintf("clerk%d", i)
}

func clientOf(connections int) *http.Client {
	jar, _ := cookiejar.New(nil)
	return &http.Client{Jar: jar, Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections}}
}

func signInAs(c *http.Client, base, account string) (string, error) {
	b, _ := json.Marshal(map[string]string{"account": account, "password": password})
	res, err := c.Post(base+"/api/session", "application/json", bytes.NewReader(b))
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	var me struct {
		CSRF string `json:"csrf"`
	}
	if res.StatusCode >= 300 {
		text, _ := io.ReadAll(res.Body)
		return "", fmt.Errorf("sign-in: %s: %s", res.Status, text)
	}
	err = json.NewDecoder(res.Body).Decode(&me)
	return me.CSRF, err
}

func post(c *http.Client, address string, body []byte, head map[string]string) error {
	req, err := http.NewRequest(http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	for k, v := range head {
		req.Header.Set(k, v)
	}
	_, err = send(c, req)
	return err
}

// send asks, and answers the body; an answer that is none is an error.
func send(c *http.Client, req *http.Request) ([]byte, error) {
	res, err := c.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode >= 300 {
		err = fmt.Errorf("%s: %.300s", res.Status, text)
	}
	return text, err
}

// serve starts a program on a free port, given by flag, and answers once the port does. The third answer is its process.
func (r *run) serve(program, flag, health string, args ...string) (string, func(), int, error) {
	l, err := (&net.ListenConfig{}).Listen(r.ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, 0, err
	}
	address := l.Addr().String()
	_ = l.Close()
	ctx, stop := context.WithCancel(r.ctx)
	c := exec.CommandContext(ctx, program, append(args, flag, address)...)
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	c.WaitDelay = 15 * time.Second
	var said strings.Builder
	c.Stdout, c.Stderr = &said, &said
	if err := c.Start(); err != nil {
		stop()
		return "", nil, 0, err
	}
	end := func() { stop(); _ = c.Wait() }
	for begin := time.Now(); time.Since(begin) < 60*time.Second; time.Sleep(2 * time.Millisecond) {
		if res, err := http.Get("http://" + address + health); err == nil {
			_ = res.Body.Close()
			if res.StatusCode < 300 {
				return "http://" + address, end, c.Process.Pid, nil
			}
		}
	}
	end()
	return "", nil, 0, fmt.Errorf("%s did not start: %s", program, said.String())
}
