package api_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
)

// Ensure that a display's link opens its board and nothing else, that only an administrator makes, sees and revokes links, that its
// secret is shown once, and that a revoked one shows nothing any more.
func TestWall_Link(t *testing.T) {
	s := open(t)
	wang, he := s.signIn("wang"), s.signIn("he")
	body := map[string]any{"name": "大厅", "unit": s.Unit}
	wang.do("POST", "/api/wall", body).want(403)
	wang.do("GET", "/api/wall", nil).want(403)
	he.do("POST", "/api/wall", map[string]any{"name": "", "unit": s.Unit}).want(400)
	he.do("POST", "/api/wall", map[string]any{"name": "大厅", "unit": "none"}).want(400)
	made := he.do("POST", "/api/wall", body).want(201)
	token := made.text("token")
	if list := he.do("GET", "/api/wall", nil).want(200); strings.Contains(string(list.body), token) || list.text(0, "unit") != "工厂" {
		t.Errorf("links %s", list.body)
	}
	ask := func(path, token string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, s.srv.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		a, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		a.Body.Close()
		return a.StatusCode
	}
	if n := ask("/api/wall-board", token); n != 200 {
		t.Fatalf("the display is answered %d", n)
	}
	for _, path := range []string{"/api/board", "/api/task", "/api/me", "/api/form/x.matter/record", "/api/wall"} {
		if n := ask(path, token); n != 401 {
			t.Errorf("%s answers the display %d", path, n)
		}
	}
	wang.do("GET", "/api/wall-board", nil).want(401)
	if n := ask("/api/wall-board", "zgw_nonsense"); n != 401 {
		t.Errorf("a made-up link is answered %d", n)
	}
	wang.do("DELETE", "/api/wall/"+made.text("id"), nil).want(403)
	he.do("DELETE", "/api/wall/"+made.text("id"), nil).want(204)
	if n := ask("/api/wall-board", token); n != 401 {
		t.Errorf("a revoked link is answered %d", n)
	}
	he.do("DELETE", "/api/wall/"+made.text("id"), nil).want(404)
}
