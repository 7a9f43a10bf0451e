package app_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"zhanggui/internal/query"
	"zhanggui/internal/store"
	"zhanggui/internal/testkit"
)

// call is a form whose filing tells the administrator, and whose refusal would have told him, too.
const call = `form:
  call:
    label: 来电 | Call
    title: this.caller
    number: {pattern: "L{n:5}"}
    field:
      caller: {type: text, label: 来电人 | Caller, required: "true"}
    action:
      create: {by: admin, fill: [caller], do: [{notify: admin, text: 来电}]}
      fail: {label: 不成 | Fail, by: admin, do: [{notify: admin, text: 不成}], require: [{that: "this.caller == 'nobody'", say: 不成 | It cannot be}]}
`

// receiver is a program of the house that is told by a signed call, on a server that may be killed while it listens.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	calls  map[string]int    // delivery id → how often
	bodies map[string]string // delivery id → what it said
	differ []string          // ids under which two different things were said

	before, after func() // done once, before the next answer or when it is on its way
	instead       func() // done once, and the call is neither answered nor remembered
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{calls: map[string]int{}, bodies: map[string]string{}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		b, _ := io.ReadAll(q.Body)
		r.mu.Lock()
		defer r.mu.Unlock() // a death is waited for, so what comes meanwhile is of the dead
		if r.instead != nil {
			r.instead()
			r.instead = nil
			return
		}
		var said struct{ Data struct{ Text string } }
		_ = json.Unmarshal(b, &said)
		id := q.Header.Get("Webhook-Id")
		r.calls[id]++
		if old, ok := r.bodies[id]; ok && old != said.Data.Text || q.Header.Get("X-Delivery-Id") != id {
			r.differ = append(r.differ, id)
		}
		r.bodies[id] = said.Data.Text
		if r.before != nil {
			r.before()
			r.before = nil
		}
		w.WriteHeader(http.StatusNoContent)
		if r.after != nil {
			_ = http.NewResponseController(w).Flush()
			r.after()
			r.after = nil
		}
	}))
	t.Cleanup(r.Close)
	return r
}

// about is how many delivery ids told of a record's number, and how many calls there were under them.
func (r *receiver) about(number string) (ids, calls int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, text := range r.bodies {
		if strings.Contains(text, number) {
			ids, calls = ids+1, calls+r.calls[id]
		}
	}
	return ids, calls
}

// tolled is a victim whose administrator is told by a receiver.
type tolled struct {
	*handed
	filed  []string // numbers
	record string   // the last one
}

func newTolled(t *testing.T, r *receiver) *tolled {
	t.Helper()
	v := &tolled{handed: newHanded(t, newVictim(t, t.TempDir()))}
	v.post("/api/alert", map[string]any{"kind": "webhook", "address": r.URL + "/told", "secret": "a-secret-of-the-house"}, 201)
	return v
}

// ring files a call and answers its number.
func (v *tolled) ring(name string) string {
	v.t.Helper()
	var a struct{ Number, ID string }
	if err := json.Unmarshal(v.post("/api/form/base.call/record", map[string]any{"values": map[string]any{"caller": name}}, 201), &a); err != nil || a.Number == "" {
		v.t.Fatal(a, err)
	}
	v.filed, v.record = append(v.filed, a.Number), a.ID
	return a.Number
}

// Ensure that a notice whose sender dies between the sending and the marking is sent again under the same delivery id: never
// lost, never under a second id, whether the receiver's answer was on its way or not; and that a refused act tells nobody.
func TestResend(t *testing.T) {
	r := newReceiver(t)
	v := newTolled(t, r)
	for n := range testkit.Long(t, 2, 40) {
		number := v.dies(r, func(kill func()) {
			if n%2 == 0 {
				r.before = kill
			} else {
				r.after = kill
			}
		})
		if ids, _ := r.about(number); ids != 1 {
			t.Fatalf("round %d: %s was told of under %d ids before the restart: %q", n, number, ids, r.bodies)
		}
		v.lives()
		if n%2 == 0 { // nobody had answered, so it cannot have been marked
			v.until("it is told again", func() bool { _, calls := r.about(number); return calls > 1 })
		}
	}
	v.post("/api/form/base.call/record/"+v.record+"/fail", map[string]any{}, 422)
	last := v.ring("last")
	v.until("the last is told", func() bool { ids, _ := r.about(last); return ids > 0 })
	v.kill()
	v.verified()
	if wrong := v.wrong(r); len(wrong) > 0 {
		t.Errorf("%q", wrong)
	}
}

// Ensure that the comparison would see what it is made to find: a sender who marks before he sends, so that his death loses the
// notice; one who gives a repetition an id of its own; one who tells of what nobody did.
func TestResend_Sees(t *testing.T) {
	r := newReceiver(t)
	v := newTolled(t, r)
	lost := v.dies(r, func(kill func()) { r.instead = kill })
	v.rows(func(tx *store.Tx) error { // as it would be, had it been marked first
		n, err := tx.Delete("outbox", query.Eq("o", "kind", "delivery"))
		if err == nil && n != 1 {
			err = fmt.Errorf("%d deliveries were on their way", n)
		}
		return err
	})
	v.lives()
	told := v.ring("told")
	v.until("what is due is told", func() bool { ids, _ := r.about(told); return ids > 0 })
	v.kill()
	if wrong := v.wrong(r); !slices.Equal(wrong, []string{lost + " was lost"}) {
		t.Errorf("%q", wrong)
	}
	v.filed = []string{told}
	r.bodies["another"] = "掌柜：" + told
	if wrong := v.wrong(r); !slices.Equal(wrong, []string{told + " was told under 2 ids"}) {
		t.Errorf("%q", wrong)
	}
	r.bodies["another"] = "掌柜：L09999"
	if wrong := v.wrong(r); !slices.Equal(wrong, []string{"another is about nothing that was filed"}) {
		t.Errorf("%q", wrong)
	}
}

// dies files a call and waits until its telling has killed the server.
func (v *tolled) dies(r *receiver, way func(kill func())) string {
	v.t.Helper()
	filed, died := make(chan struct{}), make(chan struct{})
	r.mu.Lock()
	way(func() { <-filed; v.kill(); close(died) })
	r.mu.Unlock()
	number := v.ring("caller")
	close(filed)
	<-died
	return number
}

// lives starts the server again and turns its clock past the time that one sender may take.
func (v *tolled) lives() {
	v.t.Helper()
	v.start()
	v.signIn()
	v.turn("3m")
}

// wrong compares what was told with what was filed.
func (v *tolled) wrong(r *receiver) (list []string) {
	for _, number := range v.filed {
		if ids, _ := r.about(number); ids == 0 {
			list = append(list, number+" was lost")
		} else if ids > 1 {
			list = append(list, fmt.Sprintf("%s was told under %d ids", number, ids))
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, text := range r.bodies {
		if !slices.ContainsFunc(v.filed, func(number string) bool { return strings.Contains(text, number) }) {
			list = append(list, id+" is about nothing that was filed")
		}
	}
	for _, id := range r.differ {
		list = append(list, id+" said two things, or has two names")
	}
	return list
}
