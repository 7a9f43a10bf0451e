package api_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"zhanggui/internal/store"
	"zhanggui/internal/testkit"
)

// P22, A31: Ensure that when more comes than can be done, those who are not served hear 503 or 429, in words and with a time to come
// back, before anything was done for them; that signs of life are answered all the while; that what was acknowledged is there
// afterwards, and nothing else; and that the next act goes through at once.
func TestLoad_Sheds(t *testing.T) {
	w := openWide(t, "sqlite:"+t.TempDir()+"/shop.db", testkit.Load(t, shopBook))
	people := []string{"own/clerk", "own/chief", "own/boss", "own/admin", "own/auditor", "own/"}
	for _, who := range people { // when a token was last used is written down once a minute: not while nothing can be
		if a := w.ask(who, "GET", "/api/me", ""); a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	held, on, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	stop := errors.New("enough")
	go func() { // nobody can write: everybody's act takes long
		defer close(ended)
		err := w.DB.Write(context.Background(), func(*store.Tx) error {
			close(held)
			<-on
			return stop
		})
		if !errors.Is(err, stop) {
			t.Error(err)
		}
	}()
	<-held
	var mu sync.Mutex
	answers, kept, refused := map[int]int{}, map[string]bool{}, map[string]bool{}
	var wg sync.WaitGroup
	send := func(who, name string) hit {
		a := w.ask(who, "POST", "/api/form/x.errand/record", fmt.Sprintf(`{"values":{"what":%q}}`, name))
		mu.Lock()
		defer mu.Unlock()
		answers[a.status]++
		switch a.status {
		case 201:
			kept[name] = true
		case 429, 503:
			refused[name] = true
			if c := sentAway(a); c != "" || a.head.Get("Retry-After") == "" {
				t.Errorf("%s: %d %v %s", name, a.status, a.head, a.body)
			}
		default:
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
		return a
	}
	for _, who := range people {
		for i := range testkit.Long(t, 80, 150) {
			wg.Go(func() { send(who, fmt.Sprint(who, i)) })
		}
	}
	for shed := 0; shed < 100; { // they come to their answers while nothing can be written
		mu.Lock()
		shed = answers[429] + answers[503]
		mu.Unlock()
		if a := w.ask("", "GET", "/api/health", ""); a.status != 200 {
			t.Fatalf("health: %d %s", a.status, a.body)
		}
		time.Sleep(5 * time.Millisecond)
	}
	close(on)
	wg.Wait()
	<-ended
	if a := send("own/clerk", "afterwards"); a.status != 201 {
		t.Errorf("afterwards: %d", a.status)
	}
	if answers[201] < 60 || answers[429] == 0 || answers[503] == 0 {
		t.Errorf("answers %v", answers)
	}
	for name := range kept {
		if n := w.Count("fx_errand", "what", name); n != 1 {
			t.Errorf("%s was acknowledged and is there %d times", name, n)
		}
	}
	for name := range refused {
		if n := w.Count("fx_errand", "what", name); n != 0 {
			t.Errorf("%s was refused and is there", name)
		}
	}
	t.Logf("answers %v", answers)
}

// sentAway tells what is wrong with an answer that sends somebody away.
func sentAway(a hit) string {
	if a.status == 503 {
		a.status, a.body = 429, strings.Replace(a.body, `"status":503`, `"status":429`, 1)
	}
	return complaint(a)
}

// Ensure that event streams are few of each person and bounded of each address, that one more is refused in words, and that a place is
// free again as soon as a stream ends.
func TestLoad_Streams(t *testing.T) {
	s := open(t)
	wang := s.signIn("wang")
	var close []func() error
	listen := func() *http.Response {
		r := newRequest(t, "GET", s.srv.URL+"/api/event", nil)
		r.Header.Set("Accept", "text/event-stream")
		res, err := wang.http.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	for n := 0; ; n++ {
		res := listen()
		if res.StatusCode == 200 {
			close = append(close, res.Body.Close)
			if n > 8 {
				t.Fatal("there is no end of them")
			}
			continue
		}
		b, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if c := complaint(hit{res.StatusCode, res.Header, string(b)}); n != 8 || res.StatusCode != 429 || c != "" || res.Header.Get("Retry-After") == "" {
			t.Errorf("stream %d: %d %s %s", n, res.StatusCode, c, b)
		}
		break
	}
	_ = close[0]()
	for try := 0; ; try++ { // the server learns of it a moment later
		res := listen()
		ok := res.StatusCode == 200
		defer res.Body.Close()
		if ok {
			break
		}
		if try == 200 {
			t.Fatal("the place of a closed stream is not given back")
		}
		time.Sleep(10 * time.Millisecond)
	}
	for _, end := range close[1:] {
		_ = end()
	}
}

// Ensure that those who send their request a byte at a time, or never to its end, keep no place from others, and that a body beyond its
// limit is refused whether or not its length was announced.
func TestLoad_Slow(t *testing.T) {
	s := open(t)
	wang := s.signIn("wang")
	cookie := wang.http.Jar.Cookies(newRequest(t, "GET", s.srv.URL, nil).URL)[0]
	address := strings.TrimPrefix(s.srv.URL, "http://")
	top := "POST " + at + " HTTP/1.1\r\nHost: " + address + "\r\nCookie: zg_session=" + cookie.Value + "\r\nX-CSRF-Token: " + wang.csrf + "\r\nContent-Type: application/json\r\n"
	for range testkit.Long(t, 200, 2000) { // more than there are places, of one person
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, top+"Content-Length: 1000\r\n\r\n{"); err != nil {
			t.Fatal(err)
		}
	}
	wang.file(map[string]any{"subject": "照办"})
	for name, head := range map[string]string{"announced": "Content-Length: 2000000\r\n\r\n", "in chunks": "Transfer-Encoding: chunked\r\n\r\n"} {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		go func() {
			_, _ = io.WriteString(c, top+head)
			for range 200 {
				part := strings.Repeat(" ", 10_000)
				if name == "in chunks" {
					part = "2710\r\n" + part + "\r\n"
				}
				if _, err := io.WriteString(c, part); err != nil {
					return
				}
			}
		}()
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if res.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %d", name, res.StatusCode)
		}
	}
}
