package journal_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"zhanggui/internal/journal"
)

var at = time.Date(2026, 3, 2, 9, 0, 0, 123_000_000, time.FixedZone("", 8*3600))

func full() *journal.Entry {
	return &journal.Entry{ID: "e1", At: at, Recorded: at.Add(time.Second), Actor: "p1", ActorName: "张三", Origin: "web", Unit: "u", Form: "f.case",
		Record: "r1", Number: "TS-2026-0001", Action: "close", Book: "14", Version: "1.0", Request: "q",
		Asked:   map[string]any{"reason": "a \"b\"\\\n\t\r\x01<&>\u2028", "n": 5, "list": []any{int64(1), nil, true}, "when": at, "bytes": []byte{1, 2}, "rate": 0.5, "big": float64(1 << 40), "tags": []string{"x"}},
		Changed: []journal.Change{{Form: "f.case", Record: "r1", Field: "state", Old: "open", New: "closed"}},
		Clauses: []string{"14-1.2a"}, Facts: map[string]any{"this.amount": json.Number("12")},
		Effects: []journal.Effect{{Kind: "notify", Text: "李四", Clause: "14-1.2a", Ref: "f.case/r1"}, {Kind: "set", Text: "x"}}}
}

// The bytes of one entry, letter by letter: an auditor's own verifier depends on them. They may never
// change for layout 1.
func TestCanonical(t *testing.T) {
	const want = `{"action":"close","actor":"p1","actor_name":"张三","asked":{"big":1099511627776,"bytes":"AQI=","list":[1,null,true],"n":5,"rate":"0.5",` +
		`"reason":"a \"b\"\\\n\t\r\u0001<&>` + "\u2028" + `","tags":["x"],"when":"2026-03-02T01:00:00.123Z"},"at":"2026-03-02T01:00:00.123Z","book":"14",` +
		`"changed":[{"field":"state","form":"f.case","new":"closed","old":"open","record":"r1"}],"clauses":["14-1.2a"],` +
		`"effects":[{"clause":"14-1.2a","kind":"notify","ref":"f.case/r1","text":"李四"},{"kind":"set","text":"x"}],"facts":{"this.amount":12},` +
		`"form":"f.case","id":"e1","number":"TS-2026-0001","origin":"web","record":"r1","recorded":"2026-03-02T01:00:01.123Z","request":"q","unit":"u","v":1,"version":"1.0"}`
	if got := string(full().Canonical()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got, want := string((&journal.Entry{ID: "x", Refused: true}).Canonical()), `{"at":"0001-01-01T00:00:00.000Z","id":"x","recorded":"0001-01-01T00:00:00.000Z","refused":true,"v":1}`; got != want {
		t.Errorf("got %s", got)
	}
	if h := journal.LeafHash([]byte("x")); h != sha256.Sum256([]byte("\x00x")) { // RFC 6962: a leaf begins with 0
		t.Errorf("leaf hash %s", h)
	}
}

// Anything an act may ask becomes JSON that reads back to the same bytes, without a float.
func TestCanonical_RoundTrip(t *testing.T) {
	var value func(depth int) *rapid.Generator[any]
	value = func(depth int) *rapid.Generator[any] {
		list := []*rapid.Generator[any]{
			rapid.String().AsAny(), rapid.Int64().AsAny(), rapid.Float64().AsAny(), rapid.Bool().AsAny(), rapid.Just[any](nil), rapid.SliceOf(rapid.Byte()).AsAny(),
			rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) any { return string(b) }),
			rapid.SampledFrom([]any{math.Inf(1), math.NaN(), json.Number("1e3"), json.Number("-0"), uint8(7), struct{ A, B any }{1, 2.5}, make(chan int), time.Unix(0, 1)}),
		}
		if depth > 0 {
			list = append(list, rapid.SliceOfN(value(depth-1), 0, 3).AsAny(), rapid.MapOfN(rapid.String(), value(depth-1), 0, 3).AsAny())
		}
		return rapid.OneOf(list...)
	}
	rapid.Check(t, func(t *rapid.T) {
		e := full()
		e.Asked = rapid.MapOfN(rapid.String(), value(2), 0, 4).Draw(t, "asked")
		e.Changed[0].New = string(rapid.SliceOf(rapid.Byte()).Draw(t, "new"))
		first := e.Canonical()
		again, err := journal.Parse(first)
		if err != nil {
			t.Fatalf("%v\n%s", err, first)
		}
		if !bytes.Equal(again.Canonical(), first) {
			t.Fatalf("%s\n%s", first, again.Canonical())
		}
	})
}

func TestParse_Refused(t *testing.T) {
	good := string(full().Canonical())
	for want, text := range map[string]string{
		"EOF":                      "",
		"unknown field":            strings.Replace(good, `"unit"`, `"unix"`, 1),
		"something follows":        good + "{}",
		"has layout 2":             strings.Replace(good, `"v":1`, `"v":2`, 1),
		"not in canonical form":    strings.Replace(good, `"unit":"u"`, `"unit": "u"`, 1),
		"e1 is not in canonical":   strings.Replace(good, `"n":5`, `"n":5.0`, 1),
		"cannot parse":             strings.Replace(good, "01:00:00.123Z\",\"book", "01:00:00Z\",\"book", 1),
		"is not in canonical form": strings.Replace(good, `"refused"`, `"refused"`, 1) + "\n",
	} {
		if _, err := journal.Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	if e, err := journal.Parse([]byte(good)); err != nil || !e.At.Equal(at) || e.Changed[0].New != "closed" || e.Effects[0].Ref != "f.case/r1" {
		t.Errorf("%+v %v", e, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(full().Canonical())
	f.Add([]byte(`{"v":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if e, err := journal.Parse(data); err == nil && !bytes.Equal(e.Canonical(), data) {
			t.Errorf("two spellings of one entry: %q", data)
		}
	})
}
