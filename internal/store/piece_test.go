package store_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"zhanggui/internal/query"
	"zhanggui/internal/store"
	"zhanggui/internal/testkit"
)

var cards = []store.Table{{Name: "card", Primary: []string{"id"}, Columns: []store.Column{
	{Name: "id", Kind: store.Text, NotNull: true}, {Name: "search", Kind: store.Text}, {Name: "note", Kind: store.Text}}}}

// hits are the cards found by words, each asked as people's words are; few tells whether the pieces narrowed the question.
func hits(t *testing.T, db *store.DB, words ...string) (ids []string, few bool) {
	t.Helper()
	err := db.Read(context.Background(), func(tx *store.Tx) error {
		var ways [][][]string
		var all query.Expr
		for _, word := range words {
			ways = append(ways, [][]string{{word}})
			all = query.And(all, query.Op{Name: "contains", Args: []query.Expr{query.Col{Alias: "c", Name: "search"}, query.Const{Value: word}}})
		}
		narrow, err := tx.Narrow("card", "c", ways)
		if err != nil {
			return err
		}
		few = narrow != nil
		rows, err := tx.Select(query.Select{Table: "card", Alias: "c", Where: query.And(narrow, all), Order: []query.Order{{Expr: query.Col{Alias: "c", Name: "id"}}}})
		for _, row := range rows {
			ids = append(ids, row["id"].(string))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids, few
}

func cardsOf(t *testing.T, dsn string) *store.DB {
	t.Helper()
	db, err := store.Open(context.Background(), dsn, store.AllowUnsafe())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	applyCards(t, db)
	return db
}

func applyCards(t *testing.T, db *store.DB) {
	t.Helper()
	plan, err := db.Plan(context.Background(), append(store.SystemTables(), cards...))
	if err == nil {
		err = db.Apply(context.Background(), plan)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Ensure that pieces find exactly what looking through the column finds, whatever happened to the rows: added, changed, set
// free, deleted, put in place of another, undone, or written one after the other in one transaction.
func TestNarrow(t *testing.T) { testkit.Databases(t, narrowOn) }

func narrowOn(t *testing.T, dsn string) {
	db := cardsOf(t, dsn)
	ctx := context.Background()
	write := func(fn func(tx *store.Tx) error) {
		t.Helper()
		if err := db.Write(ctx, fn); err != nil {
			t.Fatal(err)
		}
	}
	write(func(tx *store.Tx) error {
		return tx.InsertMany("card", []store.Row{
			{"id": "a", "search": "260307-1 泰和泵业 taihebengye thby ABCDEFGHIJ"}, {"id": "b", "search": "和泰贸易 hetaimaoyi htmy 0417"},
			{"id": "c", "search": "x"}, {"id": "d"}, {"id": "e", "search": "αβγ c-1 泰a和"}})
	})
	want := func(list []string, words ...string) {
		t.Helper()
		if got, _ := hits(t, db, words...); !slices.Equal(got, list) {
			t.Errorf("%q: found %v, want %v", words, got, list)
		}
	}
	want([]string{"a"}, "泰和")
	want([]string{"a"}, "泵业", "thb")
	want([]string{"a", "b"}, "tai")
	want([]string{"b"}, "0417")
	want([]string{"a"}, "260307-1")
	want([]string{"a"}, "7-1")
	want([]string{"a"}, "ABCDEFGHIJ")
	want(nil, "ABCDEFGHIK")
	want([]string{"a", "b", "e"}, "泰")
	want([]string{"c"}, "x")
	want([]string{"e"}, "βγ")
	want([]string{"e"}, "c-1")
	want(nil, "鑫淼")
	want(nil, `"`, "泰和")
	want(nil, "泰和", "鑫淼")
	if _, few := hits(t, db, "泰和"); !few {
		t.Error("the pieces were not asked")
	}

	write(func(tx *store.Tx) error {
		_, err := tx.Update("card", store.Row{"id": "b"}, store.Row{"search": "泰和二厂"})
		return err
	})
	want([]string{"a", "b"}, "泰和")
	want(nil, "贸易")
	write(func(tx *store.Tx) error {
		_, err := tx.Update("card", store.Row{"id": "b"}, store.Row{"note": "泰"})
		return err
	})
	want([]string{"a", "b"}, "泰和")
	write(func(tx *store.Tx) error {
		_, err := tx.Update("card", store.Row{"id": "b"}, store.Row{"search": nil})
		return err
	})
	want([]string{"a"}, "泰和")
	write(func(tx *store.Tx) error {
		for _, text := range []string{"鑫淼", "垚森"} {
			if err := tx.Upsert("card", []string{"id"}, store.Row{"id": "f", "search": text}); err != nil {
				return err
			}
		}
		return nil
	})
	want(nil, "鑫淼")
	want([]string{"f"}, "垚森")
	write(func(tx *store.Tx) error { _, err := tx.Delete("card", query.Eq("x", "id", "f")); return err })
	want(nil, "垚森")
	undone := errors.New("no")
	if err := db.Write(ctx, func(tx *store.Tx) error {
		_ = tx.Insert("card", store.Row{"id": "g", "search": "鑫淼"})
		return undone
	}); !errors.Is(err, undone) {
		t.Fatal(err)
	}
	write(func(tx *store.Tx) error {
		_ = tx.Try(func() error {
			_ = tx.Insert("card", store.Row{"id": "h", "search": "鑫淼"})
			return undone
		})
		return tx.Insert("card", store.Row{"id": "i", "search": "垚森"})
	})
	write(func(tx *store.Tx) error { return tx.Insert("card", store.Row{"id": "h", "search": "垚森"}) })
	want(nil, "鑫淼")
	want([]string{"h", "i"}, "垚森")
}

// Ensure that a search that goes through several tables finds in each what is there and nothing of another, few or very many.
func TestNarrow_Tables(t *testing.T) { testkit.Databases(t, narrowTables) }

func narrowTables(t *testing.T, dsn string) {
	db := cardsOf(t, dsn)
	slips := cards[0]
	slips.Name = "slip"
	plan, err := db.Plan(context.Background(), append(store.SystemTables(), cards[0], slips))
	if err == nil {
		err = db.Apply(context.Background(), plan)
	}
	if err != nil {
		t.Fatal(err)
	}
	var many []store.Row
	for i := range 2100 {
		many = append(many, store.Row{"id": strconv.Itoa(i), "search": "恒泰机械"})
	}
	if err := db.Write(context.Background(), func(tx *store.Tx) error {
		return errors.Join(tx.InsertMany("card", append(many, store.Row{"id": "a", "search": "泰和泵业"})), tx.InsertMany("slip", []store.Row{{"id": "a", "search": "和泰贸易"}, {"id": "b", "search": "泰和恒泰"}}))
	}); err != nil {
		t.Fatal(err)
	}
	for word, want := range map[string][3]int{"泰和": {1, 1, 1}, "恒泰": {2100, 1, 2100}, "贸易": {0, 1, 0}, "鑫淼": {0, 0, 0}} {
		if err := db.Read(context.Background(), func(tx *store.Tx) error {
			for i, table := range []string{"card", "slip", "card"} {
				narrow, err := tx.Narrow(table, "c", [][][]string{{{word}}})
				if err != nil {
					return err
				}
				rows, err := tx.Select(query.Select{Table: table, Alias: "c", Where: query.And(narrow, query.Op{Name: "contains", Args: []query.Expr{query.Col{Alias: "c", Name: "search"}, query.Const{Value: word}}})})
				if err != nil || len(rows) != want[i] {
					t.Errorf("%s: %d in %s, not %d (%v)", word, len(rows), table, want[i], err)
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// Ensure that of very many candidates none is left out.
func TestNarrow_Many(t *testing.T) { testkit.Databases(t, narrowMany) }

func narrowMany(t *testing.T, dsn string) {
	db := cardsOf(t, dsn)
	var rows []store.Row
	for i := range 4100 {
		rows = append(rows, store.Row{"id": strconv.Itoa(10000 + i), "search": "泰和" + strings.Repeat("泵", i/4000)})
	}
	if err := db.Write(context.Background(), func(tx *store.Tx) error { return tx.InsertMany("card", rows) }); err != nil {
		t.Fatal(err)
	}
	if got, _ := hits(t, db, "泰和"); len(got) != 4100 {
		t.Errorf("found %d", len(got))
	}
	if got, few := hits(t, db, "和泵"); len(got) != 100 || !few {
		t.Errorf("found %d, narrowed %v", len(got), few)
	}
}

// Ensure that the rows of one commit make one segment of the index for searching: each is written, read and merged with others by itself.
func TestNarrow_Segments(t *testing.T) {
	ctx := context.Background()
	db := cardsOf(t, "sqlite:"+t.TempDir()+"/a.db")
	if err := db.Write(ctx, func(tx *store.Tx) error {
		return tx.InsertMany("card", []store.Row{{"id": "a", "search": "泰和泵业"}, {"id": "b", "search": "和泰贸易"}, {"id": "c", "search": "恒泰机械"}})
	}); err != nil {
		t.Fatal(err)
	}
	if n, err := store.Segments(ctx, db); n != 1 || err != nil {
		t.Errorf("%d segments, %v", n, err)
	}
}

// unpiece leaves a database as a program from before the pieces does, or one of generation 1.
func unpiece(t *testing.T, db *store.DB) {
	t.Helper()
	steps := []string{`DROP TABLE search_pieces`, `CREATE TABLE search_piece (p)`, `CREATE TABLE search_entry (n)`}
	if db.Dialect() == "postgres" {
		steps = []string{`DROP TABLE search_pieces_entry`, `DROP TABLE search_pieces_table`,
			`CREATE FUNCTION search_pieces(s text) RETURNS text[] LANGUAGE sql IMMUTABLE AS 'SELECT string_to_array(s, '' '')'`,
			`CREATE INDEX px_card ON card USING gin (search_pieces(search))`}
	}
	for _, sql := range steps {
		if err := store.Exec(context.Background(), db, sql); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Refresh(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// Ensure that a database from before the pieces gets them with the next start, and nothing is left of what served searching before.
func TestNarrow_Upgrade(t *testing.T) { testkit.Databases(t, narrowUpgrade) }

func narrowUpgrade(t *testing.T, dsn string) {
	db := cardsOf(t, dsn)
	if err := db.Write(context.Background(), func(tx *store.Tx) error {
		return tx.Insert("card", store.Row{"id": "a", "search": "泰和 thby"})
	}); err != nil {
		t.Fatal(err)
	}
	unpiece(t, db)
	applyCards(t, db)
	if got, few := hits(t, db, "泰和"); !few || !slices.Equal(got, []string{"a"}) {
		t.Errorf("found %v, narrowed %v", got, few)
	}
	for _, sql := range []string{`CREATE TABLE px_card (a TEXT)`, `CREATE TABLE search_piece (a TEXT)`} {
		if err := store.Exec(context.Background(), db, sql); err != nil {
			t.Errorf("something of before is left: %v", err)
		}
	}
}

// Ensure that what was erased is not left in the file.
func TestNarrow_Erased(t *testing.T) {
	file := t.TempDir() + "/a.db"
	db := cardsOf(t, "sqlite:"+file)
	if err := db.Write(context.Background(), func(tx *store.Tx) error {
		return tx.Insert("card", store.Row{"id": "a", "search": "泰和 thby"})
	}); err != nil {
		t.Fatal(err)
	}
	left := func() bool {
		t.Helper()
		if err := db.Scrub(context.Background(), "card"); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Contains(b, []byte("泰和"))
	}
	if !left() {
		t.Fatal("it was never in the file: the test shows nothing")
	}
	if err := db.Write(context.Background(), func(tx *store.Tx) error {
		_, err := tx.Update("card", store.Row{"id": "a"}, store.Row{"search": "和"})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if left() {
		t.Error("what was erased is still in the file")
	}
}

// Ensure that a large table of an older database is filled in beside the work: found until then by looking, whole afterwards
// whatever was written meanwhile, wherever it was ended, and with what was written last before what was there.
func TestNarrow_Fill(t *testing.T) { testkit.Databases(t, narrowFill) }

func narrowFill(t *testing.T, dsn string) {
	store.FillSmall(t, 10)
	ctx := context.Background()
	db := cardsOf(t, dsn)
	var rows []store.Row
	for i := range 600 {
		rows = append(rows, store.Row{"id": strconv.Itoa(1000 + i), "search": "泰和" + strings.Repeat("泵", i%2)})
	}
	write := func(fn func(tx *store.Tx) error) {
		t.Helper()
		if err := db.Write(ctx, fn); err != nil {
			t.Fatal(err)
		}
	}
	write(func(tx *store.Tx) error { return tx.InsertMany("card", rows) })
	unpiece(t, db)
	applyCards(t, db)
	found := func(word string, want int, narrowed bool) {
		t.Helper()
		if got, few := hits(t, db, word); len(got) != want || few != narrowed {
			t.Errorf("%s: found %d, narrowed %v; wanted %d, %v", word, len(got), few, want, narrowed)
		}
	}
	change := func(id, text string) {
		t.Helper()
		write(func(tx *store.Tx) error {
			n, err := tx.Update("card", store.Row{"id": id}, store.Row{"search": text})
			if n != 1 {
				t.Errorf("%d rows changed", n)
			}
			return err
		})
	}
	found("和泵", 300, false)
	change("1001", "鑫淼")
	write(func(tx *store.Tx) error { _, err := tx.Delete("card", query.Eq("x", "id", "1003")); return err })
	write(func(tx *store.Tx) error { return tx.Insert("card", store.Row{"id": "1", "search": "和泵二厂"}) })
	change("1001", "垚森")
	found("和泵", 299, false)

	ended, end := context.WithCancel(ctx)
	end()
	if _, err := db.FillSearch(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("an ended filling answers %v", err)
	}
	if err := store.FillOnce(ctx, db, "card"); err != nil { // one part, then the power fails
		t.Fatal(err)
	}
	found("和泵", 299, false)
	change("1599", "鑫森") // filled in already
	change("1005", "鑫森") // not yet
	n, err := db.FillSearch(ctx)
	if err != nil || n == 0 || n >= 600 {
		t.Errorf("%d rows filled in, %v", n, err)
	}
	found("和泵", 297, true)
	found("鑫森", 2, true)
	found("鑫淼", 0, true)
	found("垚森", 1, true)
	if again, err := db.FillSearch(ctx); again != 0 || err != nil {
		t.Errorf("again %d, %v", again, err)
	}
	if err := db.Read(ctx, func(tx *store.Tx) error {
		few, whole, err := tx.Newest("card", "c", [][][]string{{{"和泵"}}}, 3)
		if err != nil || whole {
			t.Errorf("whole %v, %v", whole, err)
		}
		got, err := tx.Select(query.Select{Table: "card", Alias: "c", Where: few, Order: []query.Order{{Expr: query.Col{Alias: "c", Name: "id"}}}})
		var ids []string
		for _, row := range got {
			ids = append(ids, row["id"].(string))
		}
		if !slices.Equal(ids, []string{"1", "1595", "1597"}) {
			t.Errorf("the newest are %v", ids)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// Ensure that of a frequent piece the newest few are taken from the end of its list, in each table, and the rest of the list is
// not gone through: the index itself takes the bounds and the order, nothing is sorted afterwards.
func TestNewest_Plan(t *testing.T) {
	db := cardsOf(t, "sqlite:"+t.TempDir()+"/a.db")
	plan, err := store.ExplainPieces(context.Background(), db)
	if err != nil || strings.Contains(plan, "TEMP B-TREE") || !strings.Contains(plan, "M1") || !strings.Contains(plan, "<") || !strings.Contains(plan, ">") {
		t.Errorf("%v: %s", err, plan)
	}
}

// Ensure that one character is asked of the index, and digits by their longest pieces.
func TestNewest_Short(t *testing.T) { testkit.Databases(t, newestShort) }

func newestShort(t *testing.T, dsn string) {
	db := cardsOf(t, dsn)
	if err := db.Write(context.Background(), func(tx *store.Tx) error {
		return tx.InsertMany("card", []store.Row{{"id": "a", "search": "260307-17 橡胶垫"}, {"id": "b", "search": "垫 603070 a26030x"}, {"id": "c", "search": "2603 0307 a垫b"}})
	}); err != nil {
		t.Fatal(err)
	}
	for word, want := range map[string]string{"垫": "a b c", "胶": "a", "鑫": "", "260307": "a", "60307": "a b", "2603": "a b c", "0307": "a b c", "260307-17": "a", "26030x": "b", "a26030x": "b", "030x": "b", "1234567": ""} {
		if got, few := hits(t, db, word); strings.Join(got, " ") != want || !few {
			t.Errorf("%s: found %v, narrowed %v", word, got, few)
		}
	}
}

// Ensure that a search through all tables passes over those that hold nothing with one question for all, and finds what comes into one of them later.
func TestTogether_Empty(t *testing.T) { testkit.Databases(t, togetherEmpty) }

func togetherEmpty(t *testing.T, dsn string) {
	ctx := context.Background()
	db := cardsOf(t, dsn)
	slips := cards[0]
	slips.Name = "slip"
	plan, err := db.Plan(ctx, append(store.SystemTables(), cards[0], slips))
	if err == nil {
		err = db.Apply(ctx, plan)
	}
	if err != nil {
		t.Fatal(err)
	}
	parts := [][][]string{{{"泰和"}}}
	found := func() (never []bool, asked int64) {
		before := db.Stats().Statements
		if err := db.Read(ctx, func(tx *store.Tx) error {
			tx.Together(parts)
			for _, table := range []string{"card", "slip"} {
				few, whole, err := tx.Newest(table, "c", parts, store.FewPieces)
				if err != nil || !whole {
					t.Errorf("%s: whole %v, %v", table, whole, err)
				}
				never = append(never, query.Never(few))
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return never, db.Stats().Statements - before
	}
	write := func(table, id string) {
		if err := db.Write(ctx, func(tx *store.Tx) error { return tx.Insert(table, store.Row{"id": id, "search": "泰和泵业"}) }); err != nil {
			t.Fatal(err)
		}
	}
	write("card", "a")
	found()
	never, one := found()
	if never[0] || !never[1] {
		t.Errorf("one table is empty: %v", never)
	}
	write("slip", "b")
	if never, _ := found(); never[0] || never[1] {
		t.Errorf("neither is empty: %v", never)
	}
	if _, both := found(); db.Dialect() == "postgres" && both != one || both > one+1 {
		t.Errorf("%d questions are asked of one table that holds something, %d of two", one, both)
	}
}

// Ensure that the index of pieces is merged in small steps: no commit writes many more pages than others, however many came before it, of one row
// or of many, also in a database of a program under which the index merged by itself.
func TestPieces_Merged(t *testing.T) {
	for _, rows := range []int{1, 20} {
		t.Run(strconv.Itoa(rows), func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "a.db")
			db := cardsOf(t, "sqlite:"+file+"?wal_autocheckpoint=0")
			if err := store.MergeAlone(t.Context(), db); err != nil {
				t.Fatal(err)
			}
			r := rand.New(rand.NewPCG(1, 2))
			size := func() int64 {
				info, err := os.Stat(file + "-wal")
				if err != nil {
					t.Fatal(err)
				}
				return info.Size()
			}
			most, sum, commits := int64(0), int64(0), 1500/(1+rows/7)
			for i := range commits {
				before := size()
				if err := db.Write(t.Context(), func(tx *store.Tx) error {
					var list []store.Row
					for n := range rows {
						var text strings.Builder
						for range 300 {
							text.WriteRune(rune(0x4e00 + r.IntN(3000)))
						}
						list = append(list, store.Row{"id": strconv.Itoa(i*rows + n), "search": text.String()})
					}
					return tx.InsertMany("card", list)
				}); err != nil {
					t.Fatal(err)
				}
				pages := (size() - before) / 4120
				most, sum = max(most, pages), sum+pages
			}
			if most > 90+int64(rows)*20 {
				t.Errorf("a commit wrote %d pages, the usual one %d", most, sum/int64(commits))
			}
			t.Logf("at most %d pages, %d", most, sum/int64(commits))
		})
	}
}
