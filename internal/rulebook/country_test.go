package rulebook_test

import (
	"testing"

	"zhanggui/internal/rulebook"
	"zhanggui/rulebooks"
)

// Ensure that a country is chosen from the public list by names that a Chinese company writes, its own first, and that each stands there once.
func TestCountry(t *testing.T) {
	lib, issues := rulebook.Load(rulebooks.FS)
	if len(issues) > 0 {
		t.Fatal(issues)
	}
	fd := lib.Form("base.customer").Field("country")
	if fd == nil || fd.Type.Name != "choice" || fd.Type.Options[0].ID != "CN" {
		t.Fatalf("the field is %+v", fd)
	}
	names, seen := map[string]rulebook.Label{}, map[rulebook.Label]string{}
	for _, o := range fd.Type.Options {
		if other, twice := seen[o.Label]; twice || o.Label.ZH == "" || o.Label.EN == "" || len(o.ID) != 2 {
			t.Errorf("%s is said %v, as %q", o.ID, o.Label, other)
		}
		names[o.ID], seen[o.Label] = o.Label, o.ID
	}
	for code, want := range map[string]string{"CN": "中国", "DE": "德国", "SE": "瑞典", "TW": "中国台湾", "HK": "中国香港", "MO": "中国澳门"} {
		if names[code].ZH != want {
			t.Errorf("%s is said %q", code, names[code].ZH)
		}
	}
	for _, none := range []string{"XX", "ZZ", "EU", "UN", "UK", "SU", "QO"} {
		if _, there := names[none]; there {
			t.Errorf("%s is no country", none)
		}
	}
	if n := len(names); n < 240 || n > 260 {
		t.Errorf("%d countries and regions", n)
	}
}
