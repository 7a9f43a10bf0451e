package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"zhanggui/internal/auth"
)

// crowd measures what people wait for a small act while one among them, or somebody outside, takes all he can get. The generator shares
// the machine with the server, so what is printed are the waits beside those of the same run without him.
func (r *run) crowd() error {
	s, err := r.shop("sqlite:" + r.file("crowd.db"))
	if err != nil {
		return err
	}
	other, err := s.hire(r.ctx, "wu")
	door := auth.New(s.db, staff{s}, auth.Options{})
	for _, id := range []string{s.clerk, other} {
		err = errors.Join(err, door.SetPassword(r.ctx, s.now, id, password, false))
	}
	if err := errors.Join(err, s.db.Close()); err != nil {
		return err
	}
	address, stop, pid, err := r.serve(r.program, "--listen", "/api/health", "serve", "--database", "sqlite:"+r.file("crowd.db"), "--key", r.file("crowd.key"))
	if err != nil {
		return err
	}
	defer stop()
	c := &crowded{r: r, address: address, host: strings.TrimPrefix(address, "http://"), pid: pid}
	if c.body, err = json.Marshal(map[string]any{"values": s.values()}); err != nil {
		return err
	}
	chen, wu := clientOf(256), clientOf(256)
	if c.csrf, err = signInAs(chen, address, "chen"); err != nil {
		return err
	}
	wuCSRF, err := signInAs(wu, address, "wu")
	if err != nil {
		return err
	}
	heavy := "/api/form/" + r.form + "/record?limit=200&sort=-number&filter=" + url.QueryEscape("this.customer_reason.contains('法') && this.quantity > 1")
	for range 500 { // something to look through
		if err := post(chen, address+"/api/form/"+r.form+"/record", c.body, map[string]string{"X-CSRF-Token": c.csrf, "Prefer": "return=minimal"}); err != nil {
			return err
		}
	}
	alone := c.wait("alone", chen, nil)
	for _, x := range []struct {
		name string
		do   func(end <-chan struct{}, n *counts)
	}{
		{"one person, 128 lists at once", c.many(128, func(n *counts) { n.ask(wu, "GET", address+heavy, nil, nil) })},
		{"one person, 128 acts at once", c.many(128, func(n *counts) {
			n.ask(wu, "POST", address+"/api/form/"+r.form+"/record", c.body, map[string]string{"X-CSRF-Token": wuCSRF, "Prefer": "return=minimal"})
		})},
		{"200 sign-ins at once", c.many(200, func(n *counts) {
			n.ask(http.DefaultClient, "POST", address+"/api/session", []byte(`{"account":"nobody","password":"wrong-wrong"}`), nil)
		})},
		{"1,000 connections that never finish their head", c.slow(1000)},
		{"200 event streams", c.many(200, func(n *counts) { n.ask(wu, "GET", address+"/api/event", nil, nil) })},
	} {
		end, n := make(chan struct{}), &counts{}
		go x.do(end, n)
		time.Sleep(time.Second) // making so many connections takes the machine that the server shares
		p99 := c.wait(x.name, chen, n)
		close(end)
		if alone > 0 {
			r.say("   %.1f times the wait alone", float64(p99)/float64(alone))
		}
	}
	c.wait("alone again", chen, nil)
	return nil
}

type crowded struct {
	r                   *run
	address, host, csrf string
	body                []byte
	pid                 int
}

// counts are the answers that who crowds the house got, by status; 0 = none.
type counts struct {
	mu   sync.Mutex
	list map[int]int
}

func (n *counts) add(status int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.list == nil {
		n.list = map[int]int{}
	}
	n.list[status]++
}

func (n *counts) ask(c *http.Client, method, address string, body []byte, head map[string]string) {
	req, err := http.NewRequest(method, address, bytes.NewReader(body))
	if err != nil {
		return
	}
	req.Header.Set("Content-Type", "application/json")
	for k, v := range head {
		req.Header.Set(k, v)
	}
	res, err := c.Do(req)
	if err != nil {
		n.add(0)
		return
	}
	if strings.HasSuffix(address, "/event") {
		time.Sleep(500 * time.Millisecond) // a page that stays
	} else {
		_, _ = io.Copy(io.Discard, res.Body)
	}
	_ = res.Body.Close()
	n.add(res.StatusCode)
}

func (c *crowded) many(at int, do func(*counts)) func(<-chan struct{}, *counts) {
	return func(end <-chan struct{}, n *counts) {
		for range at {
			go func() {
				for {
					select {
					case <-end:
						return
					default:
						do(n)
					}
				}
			}()
		}
	}
}

// slow opens connections and sends their head a byte at a time.
func (c *crowded) slow(at int) func(<-chan struct{}, *counts) {
	return func(end <-chan struct{}, _ *counts) {
		for range at {
			go func() {
				conn, err := (&net.Dialer{}).DialContext(c.r.ctx, "tcp", c.host)
				if err != nil {
					return
				}
				defer conn.Close()
				_, _ = io.WriteString(conn, "GET /api/me HTTP/1.1\r\nHost: x\r\nX-Slow: ")
				for {
					select {
					case <-end:
						return
					case <-time.After(time.Second):
						if _, err := conn.Write([]byte("x")); err != nil {
							return
						}
					}
				}
			}()
		}
	}
}

// wait lets four people file twenty cases a second together for a while, and says how long they waited.
func (c *crowded) wait(name string, client *http.Client, n *counts) (p99 time.Duration) {
	var mu sync.Mutex
	var took []time.Duration
	var failed, most atomic.Int64
	var wg sync.WaitGroup
	begin := time.Now()
	length := 5 * c.r.length
	wg.Go(func() {
		for time.Since(begin) < length {
			most.Store(max(most.Load(), int64(resident(c.pid))))
			time.Sleep(50 * time.Millisecond)
		}
	})
	for range 4 {
		wg.Go(func() {
			for time.Since(begin) < length {
				at := time.Now()
				if err := post(client, c.address+"/api/form/"+c.r.form+"/record", c.body, map[string]string{"X-CSRF-Token": c.csrf, "Prefer": "return=minimal"}); err != nil {
					failed.Add(1)
				}
				mu.Lock()
				took = append(took, time.Since(at))
				mu.Unlock()
				time.Sleep(200*time.Millisecond - min(time.Since(at), 200*time.Millisecond))
			}
		})
	}
	wg.Wait()
	slices.Sort(took)
	p99 = took[min(len(took)-1, len(took)*99/100)]
	line := fmt.Sprintf("%-48s p50 %v p99 %v of %d acts, %d failed; at most %d MB", name, took[len(took)/2].Round(time.Millisecond), p99.Round(time.Millisecond), len(took), failed.Load(), most.Load())
	if n != nil {
		n.mu.Lock()
		line += fmt.Sprintf("; he got %v", n.list)
		n.mu.Unlock()
	}
	c.r.say("%s", line)
	return p99
}
