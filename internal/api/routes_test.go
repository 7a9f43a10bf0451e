package api

import (
	"net/http"
	"testing"
)

// Ensure that a route which does not say whom it lets in keeps the server from starting; so does one that changes
// something and does not say so, and one without a word on what it is for.
func TestRoute_Undeclared(t *testing.T) {
	whole := route{method: http.MethodPost, path: "/api/x", who: person, unsafe: true, do: health, about: "Anything"}
	for name, spoil := range map[string]func(*route){
		"no access":      func(r *route) { r.who = "" },
		"unknown access": func(r *route) { r.who = "everybody" },
		"hidden change":  func(r *route) { r.unsafe = false },
		"read as change": func(r *route) { r.method = http.MethodGet },
		"no purpose":     func(r *route) { r.about = "" },
		"no handler":     func(r *route) { r.do = nil },
	} {
		r := whole
		spoil(&r)
		if !panics(r.check) {
			t.Errorf("%s: the server would start", name)
		}
	}
	if panics(whole.check) {
		t.Error("a whole route is refused")
	}
	// All that is served under /api comes from the table: what is in no line of it is not there.
	s := &server{Deps: Deps{}}
	for _, r := range s.table() {
		if panics(r.check) {
			t.Errorf("%s %s", r.method, r.path)
		}
	}
}

func panics(f func()) (yes bool) {
	defer func() { yes = recover() != nil }()
	f()
	return false
}
