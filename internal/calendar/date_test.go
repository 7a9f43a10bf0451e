package calendar_test

import (
	"encoding/json"
	"testing"
	"time"

	"zhanggui/internal/calendar"
)

func TestParseDate(t *testing.T) {
	if d := date("2024-02-29"); d != (calendar.Date{Year: 2024, Month: time.February, Day: 29}) || d.String() != "2024-02-29" {
		t.Errorf("%v", d)
	}
	for _, s := range []string{"", "2026-02-29", "2026-13-01", "2026-3-2", "2026-03-02T00:00", "20260302"} {
		if d, err := calendar.ParseDate(s); err == nil {
			t.Errorf("%q reads as %s", s, d)
		}
	}
}

func TestDateArithmetic(t *testing.T) {
	for _, v := range []struct{ from, span, want string }{
		{"2026-01-31", "1mo", "2026-02-28"},
		{"2024-01-31", "1mo", "2024-02-29"},
		{"2026-01-31", "2mo", "2026-03-31"},
		{"2024-02-29", "1y", "2025-02-28"},
		{"2024-02-29", "4y", "2028-02-29"},
		{"2025-11-30", "1q", "2026-02-28"},
		{"2026-12-31", "1d", "2027-01-01"},
		{"2026-02-27", "1w", "2026-03-06"},
		{"2026-03-06", "1wd", "2026-03-09"}, // Friday
		{"2026-03-07", "1wd", "2026-03-09"}, // Saturday
		{"2026-03-06", "8wh", "2026-03-09"}, // 7.5 hours on Friday, the rest on Monday
		{"2026-03-06", "30h", "2026-03-07"},
	} {
		t.Run(v.from+" + "+v.span, func(t *testing.T) {
			if got := calendar.Standard().AddDate(date(v.from), span(v.span)); got != date(v.want) {
				t.Errorf("%s, want %s", got, v.want)
			}
		})
	}
	if got := date("2026-03-31").AddMonths(-1); got != date("2026-02-28") {
		t.Errorf("a month before 31 March is %s", got)
	}
	if got := date("2026-03-31").AddMonths(-15); got != date("2024-12-31") {
		t.Errorf("15 months before is %s", got)
	}
}

func TestDateOrder(t *testing.T) {
	a, b := date("2025-12-31"), date("2026-01-01")
	if !a.Before(b) || a.After(b) || !b.After(a) || a.Compare(a) != 0 || a.DaysUntil(b) != 1 || b.DaysUntil(a) != -1 {
		t.Error("31 December is the day before 1 January")
	}
	if a.Weekday() != 3 || date("2026-03-02").Weekday() != 1 || date("2026-03-08").Weekday() != 7 {
		t.Error("weekdays are 1 for Monday to 7 for Sunday")
	}
	// 16:00 UTC is midnight in Shanghai
	if d := calendar.DateOf(time.Date(2025, 12, 31, 16, 0, 0, 0, time.UTC), zone); d != b {
		t.Errorf("it is already %s", b)
	}
	if !b.Start(zone).Equal(a.End(zone)) {
		t.Error("a day ends where the next begins")
	}
}

func TestDateJSON(t *testing.T) {
	type row struct {
		D calendar.Date
		M map[calendar.Date]int
	}
	in := row{date("2026-03-02"), map[calendar.Date]int{date("2026-03-03"): 1}}
	text, err := json.Marshal(in)
	if err != nil || string(text) != `{"D":"2026-03-02","M":{"2026-03-03":1}}` {
		t.Fatal(string(text), err)
	}
	var out row
	if err := json.Unmarshal(text, &out); err != nil || out.D != in.D || out.M[date("2026-03-03")] != 1 {
		t.Error(out, err)
	}
	if err := json.Unmarshal([]byte(`{"D":""}`), &out); err != nil || !out.D.IsZero() {
		t.Error("an empty text is no date", out, err)
	}
	if err := json.Unmarshal([]byte(`{"D":"soon"}`), &out); err == nil {
		t.Error("soon is not a date")
	}
}

func TestParseSpan(t *testing.T) {
	for _, v := range []struct {
		text    string
		n       int64
		working bool
		exact   bool
		cyclic  bool
	}{
		{"30m", 30, false, true, true}, {"24h", 24, false, true, true}, {"15d", 15, false, false, true},
		{"2w", 2, false, false, true}, {"6mo", 6, false, false, true}, {"1q", 1, false, false, true},
		{"1y", 1, false, false, true}, {"30wm", 30, true, true, false}, {"4wh", 4, true, true, false},
		{"3wd", 3, true, false, true}, {"0d", 0, false, false, false}, {"0m", 0, false, true, false},
	} {
		t.Run(v.text, func(t *testing.T) {
			s := span(v.text)
			if s.N != v.n || s.String() != v.text || s.Working() != v.working || s.Exact() != v.exact || s.Periodic() != v.cyclic {
				t.Errorf("%+v working %v exact %v periodic %v", s, s.Working(), s.Exact(), s.Periodic())
			}
		})
	}
	if span("workday") != span("1wd") {
		t.Error("workday is one working day")
	}
	for _, s := range []string{"", "d", "15", "15 d", "-1d", "1.5h", "3x", "3mon", "1d2h", "workdays", "99999999999999999999d", "1000001d", "１d"} {
		if v, err := calendar.ParseSpan(s); err == nil {
			t.Errorf("%q reads as %s", s, v)
		}
	}
}
