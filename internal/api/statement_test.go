package api_test

import (
	"bytes"
	"maps"
	"slices"
	"testing"

	"github.com/xuri/excelize/v2"

	"zhanggui/internal/testkit"
)

// Ensure that the month's statement for payroll, unpacked, has a sheet of persons and one of departments with the figures the page shows,
// as numbers; that what is only proposed or was taken back does not stand in it; and that nobody takes along what is not his to see.
func TestStatementSheet(t *testing.T) { testkit.Databases(t, statementOn) }

func statementOn(t *testing.T, dsn string) {
	files := maps.Clone(shopBook)
	files["x/offence.yaml"] = `
offence:
  slow: {label: 看过逾期 | Late look, upon: [errand.stay.late], fine: "money('120.50')", confirm: boss}
`
	s := openWith(t, dsn, testkit.Load(t, files))
	s.System("base.role_grant", map[string]any{"person": s.ID("zong"), "role": "auditor", "from": "2000-01-01"})
	for range 3 {
		s.Do("wang", "x.errand", "", "create", map[string]any{"what": "送样", "owner": s.ID("ma")})
	}
	s.Shop.Turn("2026-03-20 09:00")
	zong, lone := s.signIn("zong"), s.signIn("lone")
	list := zong.do("GET", "/api/form/base.sanction/record?limit=50&fields=person", nil).want(200)
	var mine []string
	for i := range list.len("rows") {
		mine = append(mine, list.text("rows", i, "id"))
	}
	if len(mine) != 3 {
		t.Fatalf("%d proposals: %s", len(mine), list.body)
	}
	for _, id := range mine[:2] {
		zong.do("POST", "/api/form/base.sanction/record/"+id+"/confirm", map[string]any{"values": map[string]any{}}).want(200)
	}
	zong.do("POST", "/api/form/base.sanction/record/"+mine[1]+"/revoke", map[string]any{"values": map[string]any{}, "reason": "查错了人"}).want(200)

	book := func(c *client) *excelize.File {
		t.Helper()
		f, err := excelize.OpenReader(bytes.NewReader(c.do("GET", "/api/statement.xlsx?month=2026-03", nil).want(200).body))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	f := book(zong)
	if got := f.GetSheetList(); !slices.Equal(got, []string{"个人", "单位"}) {
		t.Fatalf("sheets %v", got)
	}
	for sheet, want := range map[string][]string{"个人": {"ma", "工厂", "罚款", "3", "241.00", "120.50", "120.50"}, "单位": {"工厂", "罚款", "3", "241.00", "120.50", "120.50"}} {
		rows, err := f.GetRows(sheet)
		if err != nil {
			t.Fatal(err)
		}
		last := rows[len(rows)-1]
		if len(last) < len(want) || !slices.Equal(last[:len(want)], want) {
			t.Errorf("%s: %v, want %v", sheet, last, want)
			continue
		}
		net, err := excelize.CoordinatesToCellName(len(want), len(rows))
		if err != nil {
			t.Fatal(err)
		}
		if kind, err := f.GetCellType(sheet, net); err != nil || kind != excelize.CellTypeUnset && kind != excelize.CellTypeNumber {
			t.Errorf("%s %s is no number: %v, %v", sheet, net, kind, err)
		}
	}
	page := zong.do("GET", "/api/statement?month=2026-03", nil).want(200)
	if page.text("persons", 0, "net") != "120.50" || page.text("units", 0, "net") != "120.50" {
		t.Errorf("the page says %s", page.body)
	}
	rows, err := book(lone).GetRows("个人")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if slices.Contains(r, "ma") || slices.Contains(r, "120.50") {
			t.Errorf("somebody of another unit reads %v", r)
		}
	}
}
