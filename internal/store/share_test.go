package store_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"zhanggui/internal/fault"
	"zhanggui/internal/query"
	"zhanggui/internal/store"
	"zhanggui/internal/store/faulty"
	"zhanggui/internal/store/pgtest"
)

// inTurn lets writers that share commits run, all asked for before the first has ended, and answers what became of each.
func inTurn(t *testing.T, db *store.DB, list ...func(*store.Tx) error) []error {
	t.Helper()
	ctx, all := store.Share(t.Context()), make(chan struct{})
	got := make([]chan error, len(list))
	for i, fn := range list {
		got[i] = make(chan error, 1)
		turn := make(chan struct{})
		go func() {
			got[i] <- db.Write(store.AtTurn(ctx, func() { close(turn) }), func(tx *store.Tx) error {
				if db.Dialect() == "postgres" { // on SQLite the next asks once this one runs
					<-all
				}
				return fn(tx)
			})
		}()
		<-turn
	}
	close(all)
	out := make([]error, len(list))
	for i := range got {
		out[i] = <-got[i]
	}
	return out
}

// numbered writes a part with the next number of a series, as acts do.
func numbered(id string) func(*store.Tx) error {
	return func(tx *store.Tx) error {
		tx.Pipe()
		n, err := tx.Next("p", "")
		if err != nil {
			return err
		}
		return tx.Insert("part", store.Row{"id": id, "pos": n})
	}
}

// parts are the ids of all parts by their number, which must be 1, 2, 3 …
func parts(t *testing.T, db *store.DB) (ids []string) {
	t.Helper()
	read(t, db, func(tx *store.Tx) error {
		rows, err := tx.Select(query.Select{Table: "part", Alias: "t", Order: []query.Order{{Expr: col("t", "pos")}}})
		ids = nil
		for i, r := range rows {
			if r["pos"] != int64(i+1) {
				t.Errorf("part %v is numbered %v, want %d", r["id"], r["pos"], i+1)
			}
			ids = append(ids, r["id"].(string))
		}
		return err
	})
	return ids
}

// Ensure that writers who share commits run in their order, and that on PostgreSQL one commit keeps what all of them wrote.
func TestShare(t *testing.T) {
	store.Patient(t)
	each(t, func(t *testing.T, db *store.DB) {
		var list []func(*store.Tx) error
		var want []string
		for i := range 60 {
			want = append(want, fmt.Sprint("n", i))
			list = append(list, numbered(want[i]))
		}
		before := db.Stats()
		for i, err := range inTurn(t, db, list...) {
			if err != nil {
				t.Errorf("%d: %v", i, err)
			}
		}
		if got := parts(t, db); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		now := db.Stats()
		if acts, commits := now.Acts-before.Acts, now.Commits-before.Commits; acts != 60 || db.Dialect() == "postgres" && (commits != 1 || now.Groups[6]-before.Groups[6] != 1) {
			t.Errorf("%d acts, %d commits, in groups %v", acts, commits, now.Groups)
		}
	})
}

// Ensure that one who shares a commit on PostgreSQL sends no more than he asks: what he writes goes along with what the next asks.
func TestShare_Journeys(t *testing.T) {
	store.Patient(t)
	wire := &faulty.Storage{}
	db := openThrough(t, wire)
	took := func(fn func()) int {
		wire.Arm(1<<30, faulty.Fault{})
		fn()
		n, _ := wire.Heal()
		return n
	}
	for _, round := range []string{"a", "b"} { // at first each statement is made known to the server
		var list []func(*store.Tx) error
		for i := range 20 {
			list = append(list, numbered(fmt.Sprint(round, i)))
		}
		alone := took(func() { write(t, db, numbered(round)) })
		shared := took(func() {
			for _, err := range inTurn(t, db, list...) {
				if err != nil {
					t.Error(err)
				}
			}
		})
		if round == "b" && (alone != 2 || shared != 21) { // the number, and what is written with the commit
			t.Errorf("one alone sent %d times, 20 who share %d times", alone, shared)
		}
	}
}

func openThrough(t *testing.T, wire *faulty.Storage) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), pgtest.DSN(t), wire.Through())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	apply(t, db, append(store.SystemTables(), thing, part)...)
	return db
}

// Ensure that a writer who fails takes nobody down who shares his commit, whether he is refused, breaks a unique index with what he has said last
// and nobody waits for, is fenced or panics, as the first, in the middle and as the last; that nothing of him remains and his number goes to the next.
func TestShare_Fails(t *testing.T) {
	store.Patient(t)
	refused := errors.New("refused")
	bad := map[string]struct {
		fn   func(*store.Tx) error
		told func(error) bool
	}{
		"refused":                          {func(tx *store.Tx) error { return errors.Join(numbered("x")(tx), refused) }, func(err error) bool { return errors.Is(err, refused) }},
		"refused before anything is asked": {func(*store.Tx) error { return refused }, func(err error) bool { return errors.Is(err, refused) }},
		"same": {numbered("kept"), func(err error) bool {
			d := store.AsDuplicate(err)
			return d != nil && d.Table == "part" && d.Index == "primary"
		}},
		"gone": {func(tx *store.Tx) error {
			return errors.Join(numbered("x")(tx), tx.Change("part", "none", store.Row{"pos": 1}))
		}, func(err error) bool { return fault.KindOf(err) == fault.Conflict }},
		"swallowed": {func(tx *store.Tx) error {
			_ = numbered("kept")(tx)
			_, _ = tx.Count("part", nil)
			return nil
		}, func(err error) bool { return store.AsDuplicate(err) != nil }},
		"panic": {func(tx *store.Tx) error { _ = numbered("x")(tx); panic("x") }, func(err error) bool { var p *store.Panic; return errors.As(err, &p) }},
	}
	each(t, func(t *testing.T, db *store.DB) {
		for name, x := range bad {
			for _, at := range [][]int{{0}, {2}, {5}, {2, 3}, {0, 1, 2, 3, 4, 5}} {
				write(t, db, func(tx *store.Tx) error {
					_, err := tx.Delete("part", query.Op{Name: "not", Args: []query.Expr{query.Op{Name: "isnull", Args: []query.Expr{col("t", "id")}}}})
					return errors.Join(err, tx.Skip("p", "", 0), numbered("kept")(tx))
				})
				var list []func(*store.Tx) error
				want := []string{"kept"}
				for i := range 6 {
					if slices.Contains(at, i) {
						list = append(list, x.fn)
						continue
					}
					list, want = append(list, numbered(fmt.Sprint("n", i))), append(want, fmt.Sprint("n", i))
				}
				for i, err := range inTurn(t, db, list...) {
					if slices.Contains(at, i) && (err == nil || !x.told(err)) || !slices.Contains(at, i) && err != nil {
						t.Errorf("%s at %v: %d is told %v", name, at, i, err)
					}
				}
				if got := parts(t, db); !slices.Equal(got, want) {
					t.Errorf("%s at %v: got %v, want %v", name, at, got, want)
				}
			}
		}
	})
}

// Ensure that where writers who share a commit and another stand in each other's way, all of them come through in their order.
func TestShare_Deadlock(t *testing.T) {
	store.Patient(t)
	db := open(t, pgtest.DSN(t))
	write(t, db, func(tx *store.Tx) error {
		return tx.InsertMany("thing", []store.Row{{"id": "a", "at": "x", "open": false}, {"id": "b", "at": "x", "open": false}})
	})
	held, first := make(chan struct{}), make(chan struct{})
	other := make(chan error, 1)
	go func() {
		n := 0
		other <- db.Write(t.Context(), func(tx *store.Tx) error {
			if _, err := tx.GetForUpdate("thing", "b"); err != nil {
				return err
			}
			if n++; n == 1 {
				close(held)
				<-first
			}
			_, err := tx.GetForUpdate("thing", "a")
			return err
		})
	}()
	<-held
	ran := 0
	locks := func(id, part string) func(*store.Tx) error {
		return func(tx *store.Tx) error {
			tx.Pipe()
			if _, err := tx.GetForUpdate("thing", id); err != nil {
				return err
			}
			if ran++; ran == 1 {
				close(first)
			}
			return numbered(part)(tx)
		}
	}
	for i, err := range append(inTurn(t, db, locks("a", "n0"), locks("b", "n1"), numbered("n2")), <-other) {
		if err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
	if got := parts(t, db); !slices.Equal(got, []string{"n0", "n1", "n2"}) {
		t.Errorf("got %v", got)
	}
}

// Ensure that wherever the connection breaks under writers who share commits, before or after the server has what was sent, what was answered is
// kept, the numbers have no gap, and who is told of the breach is told to try again.
func TestShare_ConnectionLost(t *testing.T) {
	store.Patient(t)
	disk := &faulty.Storage{}
	db := openThrough(t, disk)
	for _, lost := range []bool{false, true} {
		for n := 1; ; n++ {
			name := func(i int) string { return fmt.Sprint(lost, n, "/", i) }
			var list []func(*store.Tx) error
			for i := range 4 {
				list = append(list, numbered(name(i)))
			}
			list = append(list, numbered(name(1))) // this one breaks the index
			disk.Arm(n, faulty.Fault{Lost: lost})
			told := inTurn(t, db, list...)
			_, hits := disk.Heal()
			have := parts(t, db)
			for i, err := range told[:4] {
				if err == nil && !slices.Contains(have, name(i)) {
					t.Errorf("step %d, lost %t: %d was confirmed and is gone", n, lost, i)
				}
				if err != nil && fault.KindOf(err) != fault.Unavailable {
					t.Errorf("step %d, lost %t: %d is told %v", n, lost, i, err)
				}
			}
			if told[4] == nil {
				t.Errorf("step %d, lost %t: two of one id", n, lost)
			}
			if hits == 0 {
				break
			}
		}
	}
}
