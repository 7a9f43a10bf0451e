package api_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"zhanggui/internal/query"
	"zhanggui/internal/store"
	"zhanggui/internal/testkit"
)

// Ensure that rows of a sheet are numbered in its order, though they share commits, that each refused one is told of in its place, and that
// of two rows with one code the first comes in.
func TestImport_Order(t *testing.T) { testkit.Databases(t, importOrderOn) }

func importOrderOn(t *testing.T, dsn string) {
	book := maps.Clone(shopBook)
	book["x/parcel.yaml"] = strings.Replace(parcel, "    field:", "    number: {pattern: \"P{n:5}\"}\n    field:", 1)
	s := openWith(t, dsn, testkit.Load(t, book))
	wang := s.signIn("wang")
	rows, want, refused := [][]any{{"名称", "代码"}}, []string{}, 0
	for i := range 200 {
		name, code := fmt.Sprint("第 ", i), fmt.Sprint("C", i)
		switch {
		case i%10 == 3:
			name = ""
		case i%10 == 7:
			code = fmt.Sprint("C", i-1) // that of the row before
		default:
			want = append(want, name)
		}
		if i%10 == 3 || i%10 == 7 {
			refused++
		}
		rows = append(rows, []any{name, code})
	}
	done := wang.bring("x.parcel", map[string]any{"file": wang.upload("包裹.xlsx", workbook(t, rows...)), "columns": []any{"name", "code"}})
	if n := done.len("rows"); n != refused || done.text("good") != fmt.Sprint(len(want)) {
		t.Fatalf("%d rows are refused, want %d; %s came in, want %d", n, refused, done.text("good"), len(want))
	}
	for i := range refused {
		at := fmt.Sprint(i/2*10 + 5 + i%2*4) // the third and seventh of each ten, the first of them in row 2
		if got := done.text("rows", i, "row"); got != at {
			t.Fatalf("refused row %d is told as %s, want %s", i, got, at)
		}
	}
	var got []string
	if err := s.DB.Read(t.Context(), func(tx *store.Tx) error {
		list, err := tx.Select(query.Select{Table: s.lib.Form("x.parcel").Table, Alias: "t", Order: []query.Order{{Expr: query.Col{Alias: "t", Name: "number"}}}})
		for _, row := range list {
			got = append(got, row["name"].(string))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("numbered as %v, want %v", got, want)
	}
}
