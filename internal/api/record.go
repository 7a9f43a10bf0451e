package api

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"zhanggui/internal/engine"
	"zhanggui/internal/fault"
)

type createBody struct {
	Values map[string]any              `json:"values"`
	Lines  map[string][]map[string]any `json:"lines"`
	Then   string                      `json:"then,omitempty"`
	Reason string                      `json:"reason,omitempty"`
	Waive  []engine.Waiver             `json:"waive,omitempty"`
}

type editBody struct {
	Values map[string]any              `json:"values"`
	Lines  map[string][]map[string]any `json:"lines"`
	Reason string                      `json:"reason,omitempty"`
	Waive  []engine.Waiver             `json:"waive,omitempty"`
}

type actBody struct {
	Values  map[string]any              `json:"values"`
	Lines   map[string][]map[string]any `json:"lines"`
	Reason  string                      `json:"reason"`
	Comment string                      `json:"comment"`
	Refuse  bool                        `json:"refuse"`
	Waive   []engine.Waiver             `json:"waive"`
	Take    []string                    `json:"take,omitempty"` // of a merge: fields whose values of this record the one that stays takes over
}

type recordAnswer struct {
	*engine.RecordView
	// Then is set when the record was filed but the action after it was refused.
	Then *engine.Problem `json:"then_problem,omitempty"`
}

type doneAnswer struct {
	Record *engine.RecordView `json:"record"`
	Done   done               `json:"done"`
}

// briefAnswer is what was done and to which version, for a program that asks for no more.
type briefAnswer struct {
	ID     string          `json:"id"`
	Number string          `json:"number"`
	Etag   string          `json:"etag"`
	At     string          `json:"at"`
	Done   *done           `json:"done,omitempty"`
	Then   *engine.Problem `json:"then_problem,omitempty"`
}

type done struct {
	Action  string          `json:"action"`
	At      string          `json:"at"`
	Text    engine.Text     `json:"text"`
	Signed  bool            `json:"signed"`
	Waiting []engine.Person `json:"waiting"`
}

type dryAnswer struct {
	Dry bool `json:"dry"`
	OK  bool `json:"ok"`
}

func (c *call) key() string { return c.r.Header.Get("Idempotency-Key") }

// versioned refuses a change of what stands written that does not say on which version it was made: two who edit at once
// would overwrite each other unseen. "*" says that the sender means it. Other actions are held to their state by the rulebook.
func (c *call) versioned(a engine.Act) error {
	if a.Action == "edit" && !a.Dry && c.r.Header.Get("If-Match") == "" {
		return fault.New(fault.Unversioned, "修改要带上所依据的版本（If-Match：记录的 etag）", "An edit says which version it was made on (If-Match: the record's etag)")
	}
	return nil
}

// etag is the version the sender had, without its quotes.
func (c *call) etag() string {
	s := strings.TrimPrefix(strings.TrimSpace(c.r.Header.Get("If-Match")), "W/")
	if s == "*" {
		return ""
	}
	return strings.Trim(s, `"`)
}

func (c *call) listQuery() engine.ListQuery {
	n, _ := strconv.Atoi(c.query("limit"))
	q := engine.ListQuery{Form: c.path("key"), View: c.query("view"), Filter: c.query("filter"), Q: c.query("q"), Sort: c.query("sort"), Cursor: c.query("cursor"), Limit: n, Count: c.flag("count")}
	if f := c.query("fields"); f != "" {
		q.Fields = strings.Split(f, ",")
	}
	return q
}

func list_(c *call) error {
	v, err := c.s.Engine.List(c.ctx(), c.now, c.actor, c.listQuery())
	return answer(c, v, err)
}

func count(c *call) error {
	v, err := c.s.Engine.FormCount(c.ctx(), c.now, c.actor, c.listQuery(), c.flag("views"))
	return answer(c, v, err)
}

func record(c *call) error {
	v, err := c.s.Engine.Record(c.ctx(), c.now, c.actor, c.path("key"), c.path("id"))
	if err != nil {
		return err
	}
	c.w.Header().Set("ETag", `"`+v.Etag+`"`)
	return c.json(http.StatusOK, v)
}

func create(c *call) error {
	var in createBody
	if err := c.decode(&in); err != nil {
		return err
	}
	key := c.path("key")
	if err := c.mayFollow(key, in.Then); err != nil { // before anything is kept
		return err
	}
	a := engine.Act{Form: key, Action: "create", Values: in.Values, Lines: in.Lines, Reason: in.Reason, Waive: in.Waive, Key: c.key(), Dry: c.flag("dry"), Actor: c.actor}
	out, err := c.perform(a)
	if err != nil {
		return err
	}
	if a.Dry {
		return c.json(http.StatusOK, dryAnswer{true, true})
	}
	ans := recordAnswer{}
	if in.Then != "" {
		next := engine.Act{Form: key, Record: out.Record, Action: in.Then, Actor: c.actor}
		if a.Key != "" {
			next.Key = a.Key + "/then"
		}
		if last, err := c.s.Engine.Do(c.ctx(), c.now, next); err == nil {
			out = last
		} else {
			// It is filed; that what follows was refused must not look as if nothing had been kept.
			p := c.problem(err)
			if p.Status >= http.StatusInternalServerError {
				return err // unclear: the same key asks again
			}
			ans.Then = &p.Problem
		}
	}
	c.w.Header().Set("Location", "/api/form/"+url.PathEscape(key)+"/record/"+url.PathEscape(out.Record))
	if c.brief() {
		return c.briefly(http.StatusCreated, out, briefAnswer{Then: ans.Then})
	}
	if ans.RecordView, err = c.after(key, out); err != nil {
		return err
	}
	return c.json(http.StatusCreated, ans)
}

// mayFollow tells at once what can be known before filing of an action that is to follow it.
func (c *call) mayFollow(key, action string) error {
	f := c.s.Lib.Form(key)
	if action == "" || f == nil {
		return nil
	}
	a := f.Action(action)
	if a == nil || action == "create" {
		return fault.At("then", "“"+f.Label.ZH+"”没有这个办理项："+action, "Form "+f.Label.EN+" has no action "+action)
	}
	if a.Fresh && c.actor.Stale {
		return fault.Again()
	}
	return nil
}

// perform does an act. One that may change the actor's own standing leaves the session he does it from alive.
func (c *call) perform(a engine.Act) (out *engine.Outcome, err error) {
	if c.principal.Session == "" || a.Form != "base.role_grant" && a.Form != "base.person" {
		if out, err = c.s.Engine.Do(c.ctx(), c.now, a); err == nil {
			err = c.forget(a)
		}
		return out, err
	}
	if err := c.s.Auth.Unsettle(c.ctx(), c.now, c.principal); err != nil {
		return nil, err
	}
	out, err = c.s.Engine.Do(c.ctx(), c.now, a)
	if settled := c.s.Auth.Settle(c.ctx(), c.now, c.principal); err == nil {
		err = settled
	}
	if err == nil {
		err = c.forget(a)
	}
	return out, err
}

// forget takes away what somebody who left, or comes back, had of the door: nothing of before opens anything again, and nothing rings.
func (c *call) forget(a engine.Act) error {
	if a.Dry || a.Form != "base.person" || a.Action != "deactivate" && a.Action != "reactivate" {
		return nil
	}
	if err := c.s.Auth.Forget(c.ctx(), a.Record); err != nil {
		return err
	}
	if c.s.Alert == nil {
		return nil
	}
	list, err := c.s.Alert.Channels(c.ctx(), a.Record)
	for _, ch := range list {
		if err == nil {
			err = c.s.Alert.Drop(c.ctx(), c.now, a.Record, ch.ID)
		}
	}
	return err
}

// after reads a record back for its answer. Who gave it out of his hands may see no more than that.
func (c *call) after(form string, out *engine.Outcome) (*engine.RecordView, error) {
	v, err := c.s.Engine.Record(c.ctx(), c.now, c.actor, form, out.Record)
	if fault.KindOf(err) == fault.NotFound {
		return &engine.RecordView{Form: form, ID: out.Record, Number: out.Number, Etag: out.Etag, Values: map[string]any{}, Actions: engine.Actions{Open: []engine.ActionOpen{}, Closed: []engine.ActionClosed{}}}, nil
	}
	if err == nil {
		c.w.Header().Set("ETag", `"`+v.Etag+`"`)
	}
	return v, err
}

// brief tells whether the caller prefers the shortest answer to a write (RFC 7240).
func (c *call) brief() bool {
	for _, h := range c.r.Header.Values("Prefer") {
		for part := range strings.SplitSeq(h, ",") {
			part, _, _ = strings.Cut(part, ";")
			name, value, _ := strings.Cut(part, "=")
			if strings.EqualFold(strings.TrimSpace(name), "return") {
				return strings.EqualFold(strings.Trim(strings.TrimSpace(value), `"`), "minimal") // the first one counts
			}
		}
	}
	return false
}

func (c *call) briefly(status int, out *engine.Outcome, v briefAnswer) error {
	v.ID, v.Number, v.Etag, v.At = out.Record, out.Number, out.Etag, out.At
	h := c.w.Header()
	h.Set("ETag", `"`+out.Etag+`"`)
	h.Set("Preference-Applied", "return=minimal")
	return c.json(status, v)
}

func edit(c *call) error {
	var in editBody
	if err := c.decode(&in); err != nil {
		return err
	}
	a := engine.Act{Form: c.path("key"), Record: c.path("id"), Action: "edit", Values: in.Values, Lines: in.Lines, Reason: in.Reason, Waive: in.Waive,
		Etag: c.etag(), Key: c.key(), Dry: c.flag("dry"), Actor: c.actor}
	if err := c.versioned(a); err != nil {
		return err
	}
	out, err := c.perform(a)
	if err != nil {
		return err
	}
	if a.Dry {
		return c.json(http.StatusOK, dryAnswer{true, true})
	}
	if c.brief() {
		return c.briefly(http.StatusOK, out, briefAnswer{})
	}
	v, err := c.after(a.Form, out)
	return answer(c, recordAnswer{RecordView: v}, err)
}

func act(c *call) error {
	var in actBody
	if err := c.optional(&in); err != nil {
		return err
	}
	a := engine.Act{Form: c.path("key"), Record: c.path("id"), Action: c.path("action"), Values: in.Values, Lines: in.Lines, Reason: in.Reason, Comment: in.Comment, Refuse: in.Refuse, Waive: in.Waive, Take: in.Take,
		Etag: c.etag(), Key: c.key(), Dry: c.flag("dry"), Actor: c.actor}
	switch a.Action {
	case "create", "view", "reveal", "print", "export", "import": // these have ways of their own
		return fault.New(fault.NotFound, "没有这个办理项："+a.Action, "There is no action "+a.Action)
	}
	if err := c.versioned(a); err != nil {
		return err
	}
	out, err := c.perform(a)
	if err != nil {
		return err
	}
	if a.Dry {
		return c.json(http.StatusOK, dryAnswer{true, true})
	}
	d := done{Action: a.Action, At: out.At, Signed: out.Signed, Waiting: out.Waiting}
	if d.Waiting == nil {
		d.Waiting = []engine.Person{}
	}
	d.Text = c.s.doneText(a, out)
	if c.brief() {
		return c.briefly(http.StatusOK, out, briefAnswer{Done: &d})
	}
	v, err := c.after(a.Form, out)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, doneAnswer{v, d})
}

// doneText says in one line what was recorded.
func (s *server) doneText(a engine.Act, out *engine.Outcome) engine.Text {
	label := engine.Text{ZH: a.Action, EN: a.Action}
	if f := s.Lib.Form(a.Form); f != nil && f.Action(a.Action) != nil && f.Action(a.Action).Label.ZH != "" {
		label = engine.Text{ZH: f.Action(a.Action).Label.ZH, EN: f.Action(a.Action).Label.EN}
	}
	switch {
	case a.Refuse:
		return engine.Text{ZH: "已记下不同意", EN: "Declined; it is recorded"}
	case out.Signed:
		var names []string
		for _, p := range out.Waiting {
			names = append(names, p.Name)
		}
		who := strings.Join(names, "、")
		return engine.Text{ZH: "已签字，还等" + who, EN: "Signed; waiting for " + strings.Join(names, ", ")}
	}
	return engine.Text{ZH: "“" + label.ZH + "”已办", EN: "“" + label.EN + "” is done"}
}

func history(c *call) error {
	v, err := c.s.Engine.History(c.ctx(), c.now, c.actor, c.path("key"), c.path("id"))
	return answer(c, v, err)
}

func around(c *call) error {
	v, err := c.s.Engine.Around(c.ctx(), c.now, c.actor, c.path("key"), c.path("id"))
	return answer(c, v, err)
}

func timeline(c *call) error {
	n, _ := strconv.Atoi(c.query("limit"))
	v, err := c.s.Engine.Timeline(c.ctx(), c.now, c.actor, c.path("key"), c.path("id"), engine.TimelineQuery{Form: c.query("form"), Cursor: c.query("cursor"), Limit: n})
	return answer(c, v, err)
}

// alikeBody is a record that is about to be filed, and which one it is, if it is there.
type alikeBody struct {
	Values map[string]any              `json:"values"`
	Lines  map[string][]map[string]any `json:"lines,omitempty"`
	Record string                      `json:"record,omitempty"`
}

func alike(c *call) error {
	var in alikeBody
	if err := c.decode(&in); err != nil {
		return err
	}
	v, err := c.s.Engine.Alike(c.ctx(), c.now, c.actor, c.path("key"), in.Values, in.Lines, in.Record)
	return answer(c, v, err)
}

func alikePairs(c *call) error {
	v, err := c.s.Engine.AlikePairs(c.ctx(), c.now, c.actor, c.path("key"), c.query("cursor"))
	return answer(c, v, err)
}

func why(c *call) error {
	v, err := c.s.Engine.Why(c.ctx(), c.now, c.actor, c.path("key"), c.path("id"), c.query("of"))
	return answer(c, v, err)
}

func printPreview(c *call) error {
	v, err := c.s.Engine.PrintPreview(c.ctx(), c.now, c.actor, c.path("key"), c.path("id"), c.query("copy"))
	return answer(c, v, err)
}

func print(c *call) error {
	v, err := c.s.Engine.Print(c.ctx(), c.now, c.actor, c.path("key"), c.path("id"), c.query("copy"))
	return answer(c, v, err)
}

type revealBody struct {
	Field   string `json:"field"`
	Purpose string `json:"purpose"`
	Ref     string `json:"ref,omitempty"` // number of the record it is needed for, where the class asks
}

func reveal(c *call) error {
	var in revealBody
	if err := c.decode(&in); err != nil {
		return err
	}
	v, err := c.s.Engine.Reveal(c.ctx(), c.now, c.actor, c.path("key"), c.path("id"), in.Field, in.Purpose, in.Ref)
	return answer(c, v, err)
}

func options(c *call) error {
	beside := map[string]string{}
	for _, pair := range strings.Split(c.query("beside"), ",") {
		if field, id, ok := strings.Cut(pair, ":"); ok {
			beside[field] = id
		}
	}
	v, err := c.s.Engine.Options(c.ctx(), c.now, c.actor, c.path("key"), c.query("field"), c.query("line"), c.query("record"), c.query("q"), beside)
	return answer(c, v, err)
}
