package app_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// Ensure that the program holds people to the number of records its settings name, and says so to them in their language.
func TestFlood(t *testing.T) {
	v := newVictim(t, t.TempDir())
	v.args = []string{"--records-a-day", "2"}
	v.found()
	for _, name := range []string{"c0-1", "c0-2"} {
		number, ok := v.send(name)
		if !ok {
			t.Fatal(name, "was not taken")
		}
		v.acked[name] = number
	}
	for language, words := range map[string]string{"zh": "“销售”一天里最多登记 2 份，你已经登满", "en": "At most 2 records of “Sale” a person a day"} {
		r, err := http.NewRequest("POST", v.url+"/api/form/base.sale/record", strings.NewReader(`{"values":{"name":"一笔","amount":"1.00","qty":"1.000"}}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+v.token)
		r.Header.Set("Accept-Language", language)
		res, err := v.http.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(res.Body)
		if res.Body.Close(); err != nil || res.StatusCode != 429 || !strings.Contains(string(b), words) {
			t.Errorf("%s: %d %s %v", language, res.StatusCode, b, err)
		}
	}
	v.stop()
	if found := v.look(); found.bad() {
		t.Errorf("what was refused left something: %+v", found)
	}
}
