package engine_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"zhanggui/internal/engine"
	"zhanggui/internal/store"
	"zhanggui/internal/testkit"
)

// Ensure that what a register's views are sorted by, and the amounts they show, have an index each that also orders equals,
// once however many views name them; and that nothing else pays for one.
func TestTables_Sorted(t *testing.T) {
	book := maps.Clone(shopBook)
	book["x/matter.yaml"] = strings.Replace(book["x/matter.yaml"], "approval:\n", `    view:
      all: {label: 全部 | All, column: [subject, slow, amount], sort: "-amount"}
      slow_ones: {label: 缓办 | Slow, column: [amount], sort: subject}
      newest: {label: 新近 | Newest, column: [slow], sort: "-at"}
approval:
`, 1)
	tables := engine.Tables(testkit.Load(t, book))
	i := slices.IndexFunc(tables, func(x store.Table) bool { return x.Name == "fx_matter" })
	var got []string
	for _, x := range tables[i].Indexes {
		if strings.Contains(x.Name, "_by_") {
			got = append(got, strings.Join(x.Columns, "+"))
		}
	}
	if want := []string{"amount+id", "subject+id"}; !slices.Equal(got, want) {
		t.Errorf("indexes %v, want %v", got, want)
	}
}
