// Package job does bit by bit what takes longer than a request waits: imports, long exports. A job is put into its table in the transaction
// of the act that orders it, is done by whichever node takes its lease, says how far it is, can be stopped, is tried again
// after failures that pass, and is shown to the administrator when they do not. It knows store, keep, query and fault.
package job

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"zhanggui/internal/fault"
	"zhanggui/internal/keep"
	"zhanggui/internal/query"
	"zhanggui/internal/store"
)

// The states of a job.
const (
	Running = "running" // or waiting for a node, or for its next try
	Done    = "done"
	Stopped = "stopped" // by its person
	Broken  = "broken"  // given up; the administrator may begin it again
)

// again are the pauses between tries; after the last one a job is broken.
var again = []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, time.Hour}

const (
	keptFor = 7 * 24 * time.Hour // after it has ended
	look    = 2 * time.Second    // for jobs that other nodes took in or left
)

// Job is one.
type Job struct {
	ID, Kind, Person string
	State            string
	Input            json.RawMessage // what its kind needs to know; nothing personal
	Private          []byte          // what of that may be personal: given to Add, kept sealed, read by Private
	At, Ended, Next  time.Time       // Next is when it is tried again, of one that failed
	Total, Done      int
	Good, Refused    int
	Tries            int
	Problem          json.RawMessage // why it is broken, as its kind says it to its person
	Error            string          // the same for the operator
	key              string
	stop             bool
}

// Handler does a job from where r stands. An error that may pass is tried again: unavailable and internal ones.
type Handler func(ctx context.Context, r *Run) error

// Options of a queue.
type Options struct {
	Clock   func() time.Time // required
	Turn    func() time.Time // by which leases end; default Clock
	Keep    *keep.Keeper     // seals what jobs note; required
	Node    string           // of this process, for leases; required
	Lease   time.Duration    // default 10 s
	Log     *slog.Logger
	Abreast int // jobs at once on this node; default 2
}

// Queue takes jobs in and does them.
type Queue struct {
	db   *store.DB
	opts Options
	wake chan struct{}
	end  context.CancelFunc
	wg   sync.WaitGroup

	mu    sync.Mutex
	kinds map[string]Handler
}

// New makes a queue that does nothing yet, on a database to which Tables have been applied.
func New(db *store.DB, o Options) *Queue {
	if o.Turn == nil {
		o.Turn = o.Clock
	}
	if o.Lease <= 0 {
		o.Lease = 10 * time.Second
	}
	if o.Abreast <= 0 {
		o.Abreast = 2
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Queue{db: db, opts: o, wake: make(chan struct{}, 1), kinds: map[string]Handler{}}
}

// Tables are what the package keeps.
func Tables() []store.Table {
	text := func(name string) store.Column { return store.Column{Name: name, Kind: store.Text} }
	number := func(name string) store.Column { return store.Column{Name: name, Kind: store.Int} }
	need := func(c store.Column) store.Column { c.NotNull = true; return c }
	return []store.Table{
		{Name: "job", Apart: true, Label: "后台任务", Primary: []string{"id"}, Columns: []store.Column{
			need(text("id")), need(text("kind")), need(text("person")), need(text("state")), {Name: "input", Kind: store.JSON, NotNull: true}, need(text("at")),
			text("next_at"), text("ended"), number("total"), number("done"), number("good"), number("refused"), number("tries"),
			{Name: "stop", Kind: store.Bool}, {Name: "problem", Kind: store.JSON}, text("error"), text("key")},
			Indexes: []store.Index{{Name: "job_next", Columns: []string{"next_at", "id"}, Where: `"next_at" IS NOT NULL`},
				{Name: "job_person", Columns: []string{"person", "state"}}, {Name: "job_ended", Columns: []string{"ended"}}}},
		// What a job notes on its way, sealed under a key of the job: refused rows repeat what stood in them.
		{Name: "job_note", Apart: true, Label: "后台任务记录", Primary: []string{"job", "pos"}, Columns: []store.Column{
			need(text("job")), need(number("pos")), need(text("sealed"))}},
	}
}

// Handle says who does the jobs of a kind.
func (q *Queue) Handle(kind string, h Handler) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.kinds[kind] = h
}

// Add puts a job in: the function runs in the transaction of the act that orders it. A person has one of a kind at a time.
func (q *Queue) Add(j *Job) func(tx *store.Tx) error {
	return func(tx *store.Tx) error {
		if err := tx.Lock("job " + j.Person); err != nil {
			return err
		}
		n, err := tx.Count("job", query.And(query.Eq("j", "person", j.Person), query.Eq("j", "kind", j.Kind), query.Eq("j", "state", Running)))
		if err != nil {
			return err
		}
		if n > 0 {
			return fault.New(fault.TooMany, "你还有一份没有办完，等它办完或停下", "One of yours is not done yet; wait for it or stop it")
		}
		j.ID, j.State, j.At = newID(), Running, q.opts.Clock()
		if j.Private != nil {
			if err := q.hide(tx, j); err != nil {
				return err
			}
		}
		tx.OnCommit(q.rouse)
		return tx.Insert("job", store.Row{"id": j.ID, "kind": j.Kind, "person": j.Person, "state": Running, "input": string(j.Input), "at": instant(j.At), "next_at": instant(j.At),
			"total": int64(j.Total), "done": int64(0), "good": int64(0), "refused": int64(0), "tries": int64(0), "stop": false, "key": j.key})
	}
}

// ordered is the place among a job's notes of what was sealed with its order.
const ordered = -1

// hide seals what of an order may be personal.
func (q *Queue) hide(tx *store.Tx, j *Job) (err error) {
	ctx := tx.Context()
	if j.key, err = q.opts.Keep.NewKey(ctx, j.At); err != nil {
		return err
	}
	sealed, err := q.opts.Keep.Seal(ctx, j.key, place(j.ID, ordered), string(j.Private))
	if err != nil {
		return err
	}
	return tx.Insert("job_note", store.Row{"job": j.ID, "pos": int64(ordered), "sealed": sealed})
}

// Private is what was sealed with the order of a job; nil = nothing.
func (q *Queue) Private(ctx context.Context, j *Job) ([]byte, error) {
	list, err := q.notes(ctx, j, query.Eq("n", "pos", int64(ordered)), 1)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return list[0], nil
}

func (q *Queue) rouse() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// Mine are a person's jobs of a kind, the newest first; 20 at most.
func (q *Queue) Mine(ctx context.Context, person, kind string) ([]*Job, error) {
	list := []*Job{}
	err := q.db.Read(ctx, func(tx *store.Tx) error {
		rows, err := tx.Select(query.Select{Table: "job", Alias: "j", Limit: 20, Where: query.And(query.Eq("j", "person", person), query.Eq("j", "kind", kind)),
			Order: []query.Order{{Expr: query.Col{Alias: "j", Name: "at"}, Desc: true}, {Expr: query.Col{Alias: "j", Name: "id"}}}})
		list = list[:0]
		for _, r := range rows {
			list = append(list, jobOf(r))
		}
		return err
	})
	return list, err
}

// Of is a person's job of a kind; that of another does not exist.
func (q *Queue) Of(ctx context.Context, person, kind, id string) (*Job, error) {
	var j *Job
	err := q.db.Read(ctx, func(tx *store.Tx) error {
		row, err := tx.Get("job", id)
		if err == nil {
			j = jobOf(row)
		}
		return err
	})
	if err == nil && (j.Person != person || j.Kind != kind) {
		return nil, fault.Missing("job", id)
	}
	return j, err
}

// Notes are what a job noted, in order; limit 0 = all.
func (q *Queue) Notes(ctx context.Context, j *Job, limit int) ([][]byte, error) {
	return q.notes(ctx, j, query.Op{Name: ">", Args: []query.Expr{query.Col{Alias: "n", Name: "pos"}, query.Const{Value: int64(ordered)}}}, limit)
}

func (q *Queue) notes(ctx context.Context, j *Job, which query.Expr, limit int) ([][]byte, error) {
	var rows []store.Row
	err := q.db.Read(ctx, func(tx *store.Tx) (err error) {
		rows, err = tx.Select(query.Select{Table: "job_note", Alias: "n", Where: query.And(query.Eq("n", "job", j.ID), which), Order: []query.Order{{Expr: query.Col{Alias: "n", Name: "pos"}}}, Limit: limit})
		return err
	})
	if err != nil {
		return nil, err
	}
	list := make([][]byte, len(rows))
	for i, r := range rows {
		pos, _ := r["pos"].(int64)
		plain, err := q.opts.Keep.Open(ctx, str(r["sealed"]), place(j.ID, int(pos)))
		if err != nil {
			return nil, err
		}
		list[i] = []byte(plain)
	}
	return list, nil
}

// Stop asks a job to end; what it did stays.
func (q *Queue) Stop(ctx context.Context, j *Job) error {
	return q.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Update("job", store.Row{"id": j.ID, "state": Running}, store.Row{"stop": true})
		tx.OnCommit(q.rouse)
		return err
	})
}

// Unfinished are the jobs that failed at least once, the given-up ones first, newest first; 200 at most.
func (q *Queue) Unfinished(ctx context.Context) ([]*Job, error) {
	list := []*Job{}
	err := q.db.Read(ctx, func(tx *store.Tx) error {
		list = list[:0]
		for _, state := range []string{Broken, Running} {
			rows, err := tx.Select(query.Select{Table: "job", Alias: "j", Limit: 200 - len(list), Order: []query.Order{{Expr: query.Col{Alias: "j", Name: "at"}, Desc: true}},
				Where: query.And(query.Eq("j", "state", state), query.Op{Name: "not", Args: []query.Expr{query.Op{Name: "isnull", Args: []query.Expr{query.Col{Alias: "j", Name: "error"}}}}})})
			if err != nil {
				return err
			}
			for _, r := range rows {
				list = append(list, jobOf(r))
			}
			if len(list) == 200 {
				break
			}
		}
		return nil
	})
	return list, err
}

// Again begins a broken job once more, from where it stands.
func (q *Queue) Again(ctx context.Context, id string) error {
	return q.db.Write(ctx, func(tx *store.Tx) error {
		r, err := tx.GetForUpdate("job", id)
		if err != nil {
			return err
		}
		if str(r["state"]) != Broken {
			return fault.Missing("job", id)
		}
		tx.OnCommit(q.rouse)
		_, err = tx.Update("job", store.Row{"id": id}, store.Row{"state": Running, "next_at": instant(q.opts.Clock()), "ended": nil, "tries": int64(0), "problem": nil})
		return err
	})
}

func jobOf(r store.Row) *Job {
	n := func(name string) int { v, _ := r[name].(int64); return int(v) }
	j := &Job{ID: str(r["id"]), Kind: str(r["kind"]), Person: str(r["person"]), State: str(r["state"]), Input: json.RawMessage(str(r["input"])),
		At: moment(r["at"]), Ended: moment(r["ended"]), Next: moment(r["next_at"]), Total: n("total"), Done: n("done"), Good: n("good"), Refused: n("refused"), Tries: n("tries"),
		Error: str(r["error"]), key: str(r["key"])}
	j.stop, _ = r["stop"].(bool)
	if p := str(r["problem"]); p != "" {
		j.Problem = json.RawMessage(p)
	}
	return j
}

func place(job string, pos int) keep.Place {
	return keep.Place{Table: "job_note", Column: "sealed", Record: job + "/" + strconv.Itoa(pos)}
}

func newID() string {
	var b [10]byte
	_, _ = rand.Read(b[:])
	return strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))
}

const instantForm = "2006-01-02T15:04:05.000Z"

func instant(t time.Time) string { return t.UTC().Format(instantForm) }

func moment(v any) time.Time {
	t, _ := time.Parse(instantForm, str(v))
	return t
}

func str(v any) string { s, _ := v.(string); return s }

// errStop ends a job whose person asked for it.
var errStop = errors.New("stopped by its person")

// Over tells an error of Save that ends the job without anything being wrong with it: it was stopped, or another node has it.
func Over(err error) bool { return errors.Is(err, errStop) || errors.Is(err, store.ErrFenced) }
