package job

import (
	"context"
	"errors"
	"time"

	"zhanggui/internal/fault"
	"zhanggui/internal/query"
	"zhanggui/internal/store"
)

// Run is a job at work.
type Run struct {
	*Job
	q *Queue
}

// Save writes down how far the job is, with what it noted since the last time (nil = nothing). Its error ends the job: the
// person's wish to stop, or the news that another node has it.
func (r *Run) Save(ctx context.Context, note []byte) error {
	sealed := ""
	if note != nil {
		if r.key == "" {
			key, err := r.q.opts.Keep.NewKey(ctx, r.q.opts.Clock())
			if err != nil {
				return err
			}
			r.key = key
		}
		var err error
		if sealed, err = r.q.opts.Keep.Seal(ctx, r.key, place(r.ID, r.Job.Done), string(note)); err != nil {
			return err
		}
	}
	stop := false
	err := r.q.db.Write(ctx, func(tx *store.Tx) error {
		row, err := tx.GetForUpdate("job", r.ID)
		if err != nil {
			return err
		}
		stop, _ = row["stop"].(bool)
		if sealed != "" {
			if err := tx.Upsert("job_note", []string{"job", "pos"}, store.Row{"job": r.ID, "pos": int64(r.Job.Done), "sealed": sealed}); err != nil {
				return err
			}
		}
		_, err = tx.Update("job", store.Row{"id": r.ID}, store.Row{"done": int64(r.Job.Done), "good": int64(r.Good), "refused": int64(r.Refused), "key": r.key})
		return err
	})
	if err == nil && stop {
		return errStop
	}
	return err
}

// Start lets this node do jobs until End. A single process does at once what it left when it was killed.
func (q *Queue) Start(ctx context.Context) error {
	ctx, q.end = context.WithCancel(context.WithoutCancel(ctx))
	if q.db.Dialect() == "sqlite" {
		err := q.db.Write(ctx, func(tx *store.Tx) error {
			rows, err := tx.Select(query.Select{Table: "job", Alias: "j", Where: query.Eq("j", "state", Running)})
			for _, r := range rows {
				if _, err := tx.Update("lease", store.Row{"name": lease(str(r["id"]))}, store.Row{"until": ""}); err != nil {
					return err
				}
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	for range q.opts.Abreast {
		q.wg.Go(func() { q.work(ctx) })
	}
	return nil
}

// End stops after the step at work and leaves the rest to the next start, or to another node.
func (q *Queue) End(ctx context.Context) error {
	q.end()
	done := make(chan struct{})
	go func() { q.wg.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return errors.New("a job was still at work")
	}
}

func (q *Queue) work(ctx context.Context) {
	for {
		some, err := q.next(ctx)
		if err != nil && ctx.Err() == nil {
			q.opts.Log.Error("jobs", "err", err)
		}
		if ctx.Err() != nil {
			return
		}
		if some && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-q.wake:
		case <-time.After(look):
		}
	}
}

func lease(id string) string { return "job/" + id }

// next takes one job that is due and that nobody is at work on, and does it.
func (q *Queue) next(ctx context.Context) (bool, error) {
	now := q.opts.Clock()
	var rows []store.Row
	err := q.db.Read(ctx, func(tx *store.Tx) (err error) {
		next := query.Col{Alias: "j", Name: "next_at"}
		rows, err = tx.Select(query.Select{Table: "job", Alias: "j", Limit: 20, Order: []query.Order{{Expr: next}, {Expr: query.Col{Alias: "j", Name: "id"}}},
			Where: query.Op{Name: "<=", Args: []query.Expr{next, query.Const{Value: instant(now)}}}})
		return err
	})
	if err != nil {
		return false, err
	}
	for _, row := range rows {
		l, ok, err := q.db.TakeLease(ctx, q.opts.Turn(), lease(str(row["id"])), q.opts.Node, q.opts.Lease)
		if err != nil {
			return false, err
		}
		if !ok {
			continue
		}
		q.rouse() // there may be more, for another worker
		err = q.do(ctx, l, str(row["id"]))
		return true, errors.Join(err, q.db.ReturnLease(context.WithoutCancel(ctx), l))
	}
	return false, q.sweep(ctx, now)
}

// do runs a job under its lease: every write, its acts too, is refused once another node has it.
func (q *Queue) do(ctx context.Context, l store.Lease, id string) error {
	mine := q.db.Fenced(ctx, l)
	r := &Run{q: q}
	err := q.db.Read(mine, func(tx *store.Tx) error { // as it stands now that it is ours
		row, err := tx.Get("job", id)
		if err == nil {
			r.Job = jobOf(row)
		}
		return err
	})
	if err != nil || r.State != Running || r.Next.IsZero() || r.Next.After(q.opts.Clock()) {
		return err
	}
	q.mu.Lock()
	h := q.kinds[r.Kind]
	q.mu.Unlock()
	if h == nil {
		return errors.New("job: nobody does the kind " + r.Kind)
	}
	held, drop := context.WithCancel(mine)
	defer drop()
	renewed := make(chan struct{})
	go func() {
		defer close(renewed)
		for {
			select {
			case <-held.Done():
				return
			case <-time.After(q.opts.Lease / 3):
				if _, ok, err := q.db.RenewLease(ctx, q.opts.Turn(), l, q.opts.Lease); err == nil && !ok {
					drop()
				}
			}
		}
	}()
	if r.stop {
		err = errStop
	} else {
		err = h(held, r)
	}
	drop()
	<-renewed
	if ctx.Err() != nil || errors.Is(err, store.ErrFenced) {
		return nil // the next one goes on from what was saved
	}
	return q.finish(mine, r, err)
}

// finish writes down how a job ended, or when it is tried again.
func (q *Queue) finish(ctx context.Context, r *Run, failed error) error {
	now := q.opts.Clock()
	set := store.Row{"state": Done, "next_at": nil, "ended": instant(now)}
	kind := fault.KindOf(failed)
	switch {
	case failed == nil:
	case errors.Is(failed, errStop):
		set["state"] = Stopped
	case (kind == fault.Unavailable || kind == fault.Internal) && r.Tries < len(again):
		set = store.Row{"next_at": instant(now.Add(again[r.Tries])), "tries": int64(r.Tries + 1), "error": string(kind)}
		q.opts.Log.Warn("a job failed and is tried again", "job", r.ID, "kind", r.Kind, "try", r.Tries+1, "err", failed)
	default:
		set["state"], set["error"] = Broken, string(kind)
		if r.Problem != nil {
			set["problem"] = string(r.Problem)
		}
		q.opts.Log.Error("a job is given up", "job", r.ID, "kind", r.Kind, "err", failed)
	}
	err := q.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Update("job", store.Row{"id": r.ID}, set)
		return err
	})
	if errors.Is(err, store.ErrFenced) {
		return nil
	}
	return err
}

// sweep forgets jobs that ended long ago, with the keys of what they noted.
func (q *Queue) sweep(ctx context.Context, now time.Time) error {
	var rows []store.Row
	ended := query.Col{Alias: "j", Name: "ended"}
	err := q.db.Read(ctx, func(tx *store.Tx) (err error) {
		rows, err = tx.Select(query.Select{Table: "job", Alias: "j", Limit: 50, Where: query.Op{Name: "<", Args: []query.Expr{ended, query.Const{Value: instant(now.Add(-keptFor))}}}})
		return err
	})
	if err != nil || len(rows) == 0 {
		return err
	}
	var keys []string
	for _, r := range rows {
		if k := str(r["key"]); k != "" {
			keys = append(keys, k)
		}
	}
	if err := q.opts.Keep.Destroy(ctx, keys, now); err != nil {
		return err
	}
	return q.db.Write(ctx, func(tx *store.Tx) error {
		for _, r := range rows {
			for table, where := range map[string]query.Expr{"job_note": query.Eq("t", "job", r["id"]), "job": query.Eq("t", "id", r["id"]), "lease": query.Eq("t", "name", lease(str(r["id"])))} {
				if _, err := tx.Delete(table, where); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
