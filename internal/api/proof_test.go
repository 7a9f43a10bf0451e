package api_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"zhanggui/internal/api"
	"zhanggui/internal/auth"
	"zhanggui/internal/engine"
	"zhanggui/internal/query"
	"zhanggui/internal/store"
	"zhanggui/internal/testkit"
)

// vowBook has an act that may be done again and changes nothing, so that of two proofs only the using up makes a difference.
const vowBook = `
form:
  vow:
    label: 声明 | Vow
    field: {what: {label: 内容 | What, type: text}}
    state: {made: 在册 | Made}
    action: {swear: {label: 再次声明 | Swear, by: chief, again: true, fresh: each}}
`

// provingDoor is the shop where every signature of an approval wants a proof of its own. A payment of a thousand waits for ma.
func provingDoor(t *testing.T, dsn string) *shop {
	t.Helper()
	books := maps.Clone(shopBook)
	books["x/vow.yaml"] = vowBook
	s := openDoor(t, dsn, testkit.Load(t, books), auth.Options{Idle: -1, Absolute: -1, Second: auth.Nobody})
	e, err := engine.New(s.DB, s.lib, engine.Options{Keep: s.Keep, ProveSignatures: true})
	if err != nil {
		t.Fatal(err)
	}
	s.E = e
	s.srv.Config.Handler = api.New(api.Deps{Engine: e, Auth: s.auth, Alert: s.alert, Jobs: s.jobs, Lib: s.lib, Clock: s.clock, Company: api.Company{Name: "小店"}, Version: "test", ManualClock: s})
	return s
}

// owed files a payment and answers its id.
func (c *client) owed(amount string) string {
	c.s.t.Helper()
	id := c.file(map[string]any{"subject": "法兰", "amount": amount})
	c.do("POST", at+"/"+id+"/register", nil).want(200)
	return id
}

// wants expects the problem that asks for a proof, and answers what it must be given for.
func (r *reply) wants(words string) string {
	r.t.Helper()
	if r.want(403); r.text("kind") != "stale" || !strings.Contains(r.text("title"), words) {
		r.t.Fatalf("%s: %s", r.what, r.body)
	}
	return r.text("prove", "for")
}

// Ensure that a proof is given for one decision on one content: that it opens neither another record, another action, another answer
// nor anything else that must be fresh, that it is used once, ends with its time and with its session, and that a change between
// proof and signature is refused in words (S93, S94, A33).
func TestProof(t *testing.T) { testkit.Databases(t, proofOn) }

func proofOn(t *testing.T, dsn string) {
	s := provingDoor(t, dsn)
	wang, ma := s.signIn("wang"), s.signIn("ma")
	one, two := wang.owed("1000"), wang.owed("1000")
	decide := func(id string, body any) *reply { return ma.do("POST", at+"/"+id+"/decide", body) }
	prove := func(c *client, of string) *reply {
		return c.do("POST", "/api/session/fresh", map[string]any{"password": password, "for": of})
	}
	quiet := func() (then func()) { // what follows changes no record
		before := s.digest()
		return func() {
			t.Helper()
			if s.digest() != before {
				t.Error("something changed")
			}
		}
	}

	same := quiet()
	of := decide(one, nil).wants("再确认一次")
	if what := ma.do("POST", at+"/"+one+"/decide", nil).at("prove", "what", "zh"); what == "" || of == "" {
		t.Errorf("what is proved is not said: %v", what)
	}
	if again := decide(one, nil).wants(""); again != of {
		t.Errorf("the same content has two digests: %s %s", of, again)
	}
	ma.do("POST", at+"/"+one+"/decide?dry=1", nil).want(200)
	for name, bad := range map[string]string{"no": "1", "not hexadecimal": strings.Repeat("z", 32) + "." + strings.Repeat("0", 64), "longer": of + "0"} {
		if r := prove(ma, bad); r.status != 400 {
			t.Errorf("a proof for %s: %d", name, r.status)
		}
	}
	ma.do("POST", "/api/session/fresh", map[string]any{"password": "wrong", "for": of}).want(401)
	decide(one, nil).wants("再确认一次")
	same()

	// Of ma's proof for one: nothing but that act on that content in that session.
	s.Now = s.Now.Add(5 * time.Minute) // the sign-in is no longer fresh
	prove(ma, of).want(200)
	elsewhere := s.signIn("ma")
	same = quiet()
	decide(two, nil).wants("再确认一次")
	decide(one, map[string]any{"comment": "同意"}).wants("内容变了")
	decide(one, map[string]any{"refuse": true, "comment": "不"}).wants("内容变了")
	elsewhere.do("POST", at+"/"+one+"/decide", nil).wants("再确认一次")
	if r := ma.do("GET", at+".xlsx", nil).want(403); r.text("kind") != "stale" {
		t.Errorf("a decision's proof opened an export: %s", r.body)
	}
	same()
	wang.do("PATCH", at+"/"+one, map[string]any{"values": map[string]any{"amount": "9000"}}).want(200)
	same = quiet()
	r := decide(one, nil)
	changed := r.wants("内容变了")
	if changed == of || r.at("prove", "changed") != true {
		t.Error("another amount has the same digest")
	}
	same()
	prove(ma, changed).want(200)
	s.Now = s.Now.Add(5 * time.Minute)
	decide(one, nil).wants("再确认一次") // it has grown old
	prove(ma, changed).want(200)
	if r := decide(one, nil).want(200); r.text("record", "state") != "closed" {
		t.Errorf("%s", r.body)
	}
	if how := s.proofs(); len(how) != 1 || how[0]["means"] != "password" || how[0]["of"] != changed {
		t.Errorf("the journal says %v", how)
	}

	// Eight at once with one proof: one of them uses it.
	vow := ma.do("POST", "/api/form/x.vow/record", map[string]any{"values": map[string]any{"what": "属实"}}).want(201).text("id")
	swear := func() *reply { return ma.do("POST", "/api/form/x.vow/record/"+vow+"/swear", nil) }
	of = swear().wants("")
	prove(ma, of).want(200)
	var wg sync.WaitGroup
	got := make([]int, 8)
	for i := range got {
		wg.Go(func() { got[i] = swear().status })
	}
	wg.Wait()
	if n := len(slices.DeleteFunc(slices.Clone(got), func(status int) bool { return status != 200 })); n != 1 {
		t.Errorf("eight at once with one proof: %v", got)
	}
	if again := swear().wants("再确认一次"); again != of {
		t.Error("the act changed what is signed: this test proves nothing")
	}

	// Nobody sits behind a machine, and many at once are none of them looked at.
	three := wang.owed("1000")
	tok := s.signIn("ma").do("POST", "/api/token", map[string]any{"name": "erp", "scope": []string{"read", "write"}}).want(201).text("token")
	m := (&client{s: s, http: &http.Client{}}).with("Authorization", "Bearer "+tok)
	if r := m.do("POST", at+"/"+three+"/decide", nil).want(403); r.text("kind") != "forbidden" {
		t.Errorf("a machine token: %s", r.body)
	}
}

// Ensure that whoever has one-time codes gives one besides his password, and that one opens one proof.
func TestProof_Code(t *testing.T) { testkit.Databases(t, proofCodeOn) }

func proofCodeOn(t *testing.T, dsn string) {
	s := provingDoor(t, dsn)
	wang, ma := s.signIn("wang"), s.signIn("ma")
	key := ma.do("POST", "/api/factor/totp", nil).want(200).text("secret")
	ma.do("POST", "/api/factor/totp/confirm", map[string]any{"code": codeOf(t, key, s.Now)}).want(204)
	s.Now = s.Now.Add(30 * time.Second)
	id := wang.owed("1000")
	of := ma.do("POST", at+"/"+id+"/decide", nil).wants("")
	give := func(code string) *reply {
		return ma.do("POST", "/api/session/fresh", map[string]any{"password": password, "code": code, "for": of})
	}
	if r := give("").want(400); r.text("items", 0, "field") != "code" {
		t.Errorf("%s", r.body)
	}
	give("000000").want(401)
	ma.do("POST", at+"/"+id+"/decide", nil).wants("再确认一次")
	code := codeOf(t, key, s.Now)
	give(code).want(200)
	ma.do("POST", at+"/"+id+"/decide", nil).want(200)
	if how := s.proofs(); len(how) != 1 || how[0]["means"] != "password and code" {
		t.Errorf("the journal says %v", how)
	}
	other := wang.owed("1000")
	of = ma.do("POST", at+"/"+other+"/decide", nil).wants("")
	give(code).want(401)
	ma.do("POST", at+"/"+other+"/decide", nil).wants("再确认一次")
}

// proofs are what the journal says of how people proved their decisions, oldest first.
func (s *shop) proofs() (list []map[string]any) {
	s.t.Helper()
	err := s.DB.Read(s.t.Context(), func(tx *store.Tx) error {
		rows, err := tx.Select(query.Select{Table: "journal_entry", Alias: "j", Where: query.Eq("j", "action", "decide"), Order: []query.Order{{Expr: query.Col{Alias: "j", Name: "id"}}}})
		for _, r := range rows {
			var e struct{ Asked map[string]any }
			if err := json.Unmarshal([]byte(r["body"].(string)), &e); err != nil {
				return err
			}
			if how, ok := e.Asked["proof"].(map[string]any); ok {
				list = append(list, how)
			}
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

// Ensure that a passkey's challenge for a decision is the digest of what is signed with a nonce, so that another's and another
// decision's have others.
func TestProof_Challenge(t *testing.T) {
	s := provingDoor(t, "sqlite:"+t.TempDir()+"/shop.db")
	ma := s.signIn("ma")
	of := strings.Repeat("a", 32) + "." + strings.Repeat("b", 64)
	ask := func() (challenge, ticket string) {
		r := ma.do("POST", "/api/session/fresh/passkey", map[string]any{"for": of}).want(200)
		return r.text("options", "challenge"), r.text("ticket")
	}
	first, ticket := ask()
	second, _ := ask()
	if first == second {
		t.Error("the challenge comes twice")
	}
	var kept struct{ Nonce string }
	err := s.DB.Read(t.Context(), func(tx *store.Tx) error {
		sum := sha256.Sum256([]byte(ticket))
		row, err := tx.Get("auth_ticket", hex.EncodeToString(sum[:]))
		if err == nil {
			err = json.Unmarshal([]byte(row["data"].(string)), &kept)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte("zhanggui decision 1\n" + of + "\n" + kept.Nonce))
	if want := base64.RawURLEncoding.EncodeToString(sum[:]); first != want {
		t.Errorf("the challenge is %s, want %s", first, want)
	}
	ma.do("POST", "/api/session/fresh/passkey", map[string]any{"for": "x"}).want(400)
	ma.do("POST", "/api/session/fresh", map[string]any{"for": of, "ticket": ticket, "answer": map[string]any{}}).want(401)
	ma.do("POST", "/api/session/fresh", map[string]any{"for": of, "ticket": ticket, "answer": map[string]any{}}).want(401)
}
