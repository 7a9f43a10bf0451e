package engine

import (
	"errors"
	"fmt"
	"strings"

	"zhanggui/internal/fault"
	"zhanggui/internal/rulebook"
)

// Refusal is a rule's "no": an answer, not a failure. It lists every failure of the first group that failed.
type Refusal struct {
	Group  string // class state who fill gate require unique quota ledger locked retention
	Form   string
	Record string
	Action string
	Title  rulebook.Label // what cannot be done yet
	Items  []Reason
	WhoMay []Person
	Facts  map[string]string
	Ask    bool // of an export: it can be asked for (base.export_request)
}

// Reason is one failed demand.
type Reason struct {
	Clause string
	Say    rulebook.Label
	Field  string
	Waive  bool // may be passed by a waiver with a reason
	Params []string
	Facts  map[string]string // what this condition read; nil: not known for itself
	Stays  bool              // nothing that is filled in now changes it
	waits  bool              // on what is still to be filled in
}

func (r *Refusal) Error() string {
	var parts []string
	for _, i := range r.Items {
		parts = append(parts, strings.TrimSpace(i.Clause+" "+i.Say.ZH))
	}
	return fmt.Sprintf("refused (%s): %s", r.Group, strings.Join(parts, "; "))
}

// Clauses are the clauses that refused.
func (r *Refusal) Clauses() []string {
	var list []string
	for _, i := range r.Items {
		if i.Clause != "" && !contains(list, i.Clause) {
			list = append(list, i.Clause)
		}
	}
	return list
}

// AsRefusal finds a refusal in an error.
func AsRefusal(err error) (*Refusal, bool) {
	var r *Refusal
	ok := errors.As(err, &r)
	return r, ok
}

func label(zh, en string) rulebook.Label { return rulebook.Label{ZH: zh, EN: en} }

// refuse builds a refusal of an action on a record.
func (w *work) refuse(group string, r *Record, a *rulebook.Action, items []Reason) *Refusal {
	ref := &Refusal{Group: group, Form: r.form.Key, Record: r.id, Action: a.ID, Items: items, Facts: map[string]string{}}
	name := a.Label
	if name.ZH == "" {
		name = label(a.ID, a.ID)
	}
	ref.Title = label("“"+name.ZH+"”还不能办", "“"+name.EN+"” cannot be done yet")
	for k, v := range w.reads {
		ref.Facts[k] = v
	}
	if group == "who" || group == "require" || group == "gate" {
		ref.WhoMay = w.people(w.whoMay(r, a))
	}
	return ref
}

func unknownForm(key string) error {
	return fault.New(fault.NotFound, "没有这种表单："+key, "There is no form "+key)
}

func unknownAction(f *rulebook.Form, id string) error {
	return fault.New(fault.NotFound, "“"+f.Label.ZH+"”没有这个办理项："+id, "Form "+f.Label.EN+" has no action "+id)
}

func missing(f *rulebook.Form, id string) error { return fault.Missing(f.Key, id) }

var errKeyReused = fault.New(fault.Invalid, "这个幂等键已用于另一内容", "This idempotency key was used for other content")

func keyReused() error { return errKeyReused }

// Conflict is a stale version: what changed since.
type Conflict struct {
	Etag    string
	Changes []FieldChange
}

// FieldChange is one changed field in words.
type FieldChange struct {
	Field string         `json:"field"`
	Label rulebook.Label `json:"-"`
	Old   string         `json:"old"`
	New   string         `json:"new"`
	By    string         `json:"by,omitempty"`
	At    string         `json:"at,omitempty"`
}

func (c *Conflict) Error() string { return "the record has changed since version read" }

func (w *work) conflict(r *Record, _ string) error {
	return fault.Wrap(fault.Conflict, &Conflict{Etag: r.Etag()}, "这份记录在你打开之后有人改过", "Somebody changed this record after you opened it")
}
