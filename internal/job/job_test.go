package job_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"zhanggui/internal/fault"
	"zhanggui/internal/job"
	"zhanggui/internal/keep"
	"zhanggui/internal/query"
	"zhanggui/internal/store"
	"zhanggui/internal/testkit"
)

// house is a database with a clock turned by hand, on which queues of several nodes work.
type house struct {
	t    *testing.T
	db   *store.DB
	keep *keep.Keeper
	mu   sync.Mutex
	now  time.Time
}

func open(t *testing.T, dsn string) *house {
	t.Helper()
	ctx := context.Background()
	db, err := store.Open(ctx, dsn, store.AllowUnsafe())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	plan, err := db.Plan(ctx, append(store.SystemTables(), job.Tables()...))
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Apply(ctx, plan); err != nil {
		t.Fatal(err)
	}
	return &house{t: t, db: db, keep: testkit.Keys(t, t.TempDir()), now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
}

func (h *house) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *house) turn(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

// node does one job at a time: the one that stands still cannot take its own work over.
func (h *house) node(name string, do job.Handler) *job.Queue {
	h.t.Helper()
	q := job.New(h.db, job.Options{Clock: h.clock, Keep: h.keep, Node: name, Lease: 3 * time.Second, Abreast: 1})
	q.Handle("count", do)
	if err := q.Start(context.Background()); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = q.End(context.Background()) })
	return q
}

func (h *house) order(q *job.Queue, person string, total int) (*job.Job, error) {
	j := &job.Job{Kind: "count", Person: person, Input: json.RawMessage(`{}`), Total: total}
	return j, h.db.Write(context.Background(), q.Add(j))
}

func (h *house) until(q *job.Queue, j *job.Job, what string, ok func(*job.Job) bool) *job.Job {
	h.t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		x, err := q.Of(context.Background(), j.Person, "count", j.ID)
		if err != nil {
			h.t.Fatal(err)
		}
		if ok(x) {
			return x
		}
	}
	h.t.Fatal("waited in vain until " + what)
	return nil
}

func is(state string) func(*job.Job) bool { return func(j *job.Job) bool { return j.State == state } }

// Ensure that a job is ordered with its act or not at all, says how far it is, keeps what it notes unreadable in the database,
// is one a person, and is nobody else's.
func TestJob(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		h := open(t, dsn)
		ctx := context.Background()
		step := make(chan bool)
		q := h.node("a", func(ctx context.Context, r *job.Run) error {
			for r.Done < r.Total {
				<-step
				r.Done++
				r.Good++
				if err := r.Save(ctx, []byte("row "+strings.Repeat("x", r.Done))); err != nil {
					return err
				}
			}
			return nil
		})
		lost := errors.New("the act failed")
		if err := h.db.Write(ctx, func(tx *store.Tx) error {
			j := &job.Job{Kind: "count", Person: "wang", Input: json.RawMessage(`{}`)}
			return errors.Join(q.Add(j)(tx), lost)
		}); !errors.Is(err, lost) {
			t.Fatal(err)
		}
		j, err := h.order(q, "wang", 3) // would be one too many, had the first been kept
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.order(q, "wang", 3); fault.KindOf(err) != fault.TooMany {
			t.Errorf("a second one answered %v", err)
		}
		step <- true
		x := h.until(q, j, "one is done", func(j *job.Job) bool { return j.Done == 1 })
		if x.State != job.Running || x.Total != 3 {
			t.Errorf("%+v", x)
		}
		step <- true
		step <- true
		x = h.until(q, j, "it is done", is(job.Done))
		notes, err := q.Notes(ctx, x, 0)
		if err != nil || len(notes) != 3 || string(notes[2]) != "row xxx" {
			t.Errorf("%q %v", notes, err)
		}
		if err := h.db.Read(ctx, func(tx *store.Tx) error {
			rows, err := tx.Select(query.Select{Table: "job_note", Alias: "n"})
			for _, r := range rows {
				if strings.Contains(r["sealed"].(string), "row x") {
					t.Error("a note lies readable in the database")
				}
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := q.Of(ctx, "ma", "count", j.ID); fault.KindOf(err) != fault.NotFound {
			t.Errorf("another's job: %v", err)
		}
		h.turn(8 * 24 * time.Hour)
		j, err = h.order(q, "wang", 0)
		if err != nil {
			t.Fatal(err)
		}
		h.until(q, j, "it is done", is(job.Done))
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			if _, err := q.Of(ctx, "wang", "count", x.ID); fault.KindOf(err) == fault.NotFound {
				break
			}
			if time.Now().After(end) {
				t.Fatal("a job of last week is still known")
			}
		}
	})
}

// Ensure that what fails for a while is tried again with growing pauses, that what is given up is shown and can be begun again,
// and that a rule's no is not tried again.
func TestJob_TriedAgain(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		h := open(t, dsn)
		ctx := context.Background()
		var mu sync.Mutex
		fail := error(fault.New(fault.Unavailable, "不在", "away"))
		q := h.node("a", func(context.Context, *job.Run) error {
			mu.Lock()
			defer mu.Unlock()
			return fail
		})
		j, err := h.order(q, "wang", 1)
		if err != nil {
			t.Fatal(err)
		}
		for n, pause := range []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, time.Hour} {
			x := h.until(q, j, "it failed", func(j *job.Job) bool { return j.Tries == n+1 })
			if want := h.clock().Add(pause); x.State != job.Running || !x.Next.Equal(want) {
				t.Fatalf("try %d: %s, next %v, want %v", n+1, x.State, x.Next, want)
			}
			h.turn(pause)
		}
		h.until(q, j, "it is given up", is(job.Broken))
		if list, err := q.Unfinished(ctx); err != nil || len(list) != 1 || list[0].Error != "unavailable" {
			t.Errorf("%v %v", list, err)
		}
		mu.Lock()
		fail = nil
		mu.Unlock()
		if err := q.Again(ctx, j.ID); err != nil {
			t.Fatal(err)
		}
		h.until(q, j, "it is done", is(job.Done))
		if err := q.Again(ctx, j.ID); fault.KindOf(err) != fault.NotFound {
			t.Errorf("a done one was begun again: %v", err)
		}
		mu.Lock()
		fail = fault.New(fault.Forbidden, "不许", "no")
		mu.Unlock()
		if j, err = h.order(q, "ma", 1); err != nil {
			t.Fatal(err)
		}
		if x := h.until(q, j, "it is given up", is(job.Broken)); x.Tries != 0 {
			t.Errorf("a no was tried %d times more", x.Tries)
		}
	})
}

// Ensure that a job whose node stands still longer than its lease goes on elsewhere from where it was saved, and that nothing
// the old node does afterwards counts: neither its writes nor its end.
func TestJob_TakenOver(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		h := open(t, dsn)
		frozen, thaw, late := make(chan bool), make(chan bool), make(chan error, 1)
		a := h.node("a", func(ctx context.Context, r *job.Run) error {
			r.Done = 1
			if err := r.Save(ctx, nil); err != nil {
				return err
			}
			close(frozen)
			<-thaw
			r.Done = 99
			err := r.Save(context.WithoutCancel(ctx), nil)
			late <- err
			return err
		})
		j, err := h.order(a, "wang", 3)
		if err != nil {
			t.Fatal(err)
		}
		<-frozen
		h.turn(4 * time.Second) // the clock goes on while it stands still
		from := make(chan int, 1)
		b := job.New(h.db, job.Options{Clock: h.clock, Keep: h.keep, Node: "b", Lease: time.Hour})
		b.Handle("count", func(ctx context.Context, r *job.Run) error {
			from <- r.Done
			r.Done = 3
			return r.Save(ctx, nil)
		})
		if err := b.Start(context.Background()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = b.End(context.Background()) })
		x := h.until(b, j, "the other node did it", is(job.Done))
		if got := <-from; got != 1 || x.Done != 3 {
			t.Errorf("it went on from %d to %d", got, x.Done)
		}
		close(thaw)
		if err := <-late; !errors.Is(err, store.ErrFenced) {
			t.Errorf("the late write answered %v", err)
		}
		if x := h.until(b, j, "", is(job.Done)); x.Done != 3 {
			t.Errorf("the late write counted: %+v", x)
		}
	})
}

// Ensure that a queue that stops in order leaves its job to the next, which need not wait for the lease.
func TestJob_StoppedInOrder(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		h := open(t, dsn)
		begun := make(chan bool)
		a := h.node("a", func(ctx context.Context, r *job.Run) error {
			close(begun)
			<-ctx.Done()
			return ctx.Err()
		})
		j, err := h.order(a, "wang", 1)
		if err != nil {
			t.Fatal(err)
		}
		<-begun
		if err := a.End(context.Background()); err != nil {
			t.Fatal(err)
		}
		b := h.node("b", func(context.Context, *job.Run) error { return nil })
		if x := h.until(b, j, "it is done", is(job.Done)); x.Tries != 0 {
			t.Errorf("%+v", x)
		}
	})
}
