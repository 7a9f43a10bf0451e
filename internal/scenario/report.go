package scenario

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"

	"zhanggui/internal/rulebook"
)

// Verdicts of a clause.
const (
	Enforced = "enforced" // asleep, a scenario that names it fails
	Repeated = "repeated" // another clause's nodes name it
	Text     = "text"
	Platform = "platform"
	Unproven = "unproven" // asleep, nobody notices
	None     = "none"     // no scenario names it
)

// Clause is one line of the coverage.
type Clause struct {
	ID        string   `json:"id"`
	Kind      string   `json:"kind"`
	Elements  []string `json:"elements"` // kinds of element that carry it
	Nodes     []string `json:"nodes"`    // their paths
	Scenarios []string `json:"scenarios"`
	Verdict   string   `json:"verdict"`
	Well      bool     `json:"well"`            // it fails at what it expects, not in a step on the way
	By        string   `json:"by,omitempty"`    // the case that noticed
	Legal     bool     `json:"legal,omitempty"` // asleep until the adopter wakes it
}

// Report is the coverage of rulebooks.
type Report struct {
	Clauses []Clause `json:"clauses"`
	Failed  []string `json:"failed,omitempty"` // cases that do not hold even with everything awake
	Idle    []string `json:"idle,omitempty"`   // scenarios that hold with all their clauses asleep
	Mutated bool     `json:"mutated"`
}

// must be enforced by a scenario.
var mustEnforce = map[string]bool{"gate": true, "clock": true, "calc": true, "access": true, "record": true, "inspect": true}

func (c *Clause) ok() bool {
	return c.Verdict == Enforced || c.Verdict == Text && !mustEnforce[c.Kind] || c.Verdict == Platform || c.Verdict == Repeated
}

// OK tells whether every clause that must be enforced is, and every scenario holds and says something.
func (r *Report) OK() bool {
	for i := range r.Clauses {
		if c := &r.Clauses[i]; mustEnforce[c.Kind] && !c.ok() {
			return false
		}
	}
	return len(r.Failed) == 0 && len(r.Idle) == 0
}

// list enters the clauses of the books with what is known without playing.
func (r *Report) list(lib *rulebook.Library, books []string) []Clause {
	naming := map[string][]string{}
	for _, s := range chosen(lib, books) {
		var ids []string
		all, _ := cases(s) // one that cannot be expanded names nothing, and is reported when it is played
		for _, o := range all {
			for _, id := range o.clauses {
				if !slices.Contains(ids, id) {
					ids = append(ids, id)
				}
			}
		}
		for _, id := range ids {
			naming[id] = append(naming[id], s.Name)
		}
	}
	for _, b := range lib.Books {
		if len(books) > 0 && !slices.Contains(books, b.ID) {
			continue
		}
		for _, cl := range b.Clauses {
			c := Clause{ID: cl.ID, Kind: cl.Kind, Elements: []string{}, Nodes: []string{}, Scenarios: naming[cl.ID], Legal: doubtful(cl)}
			for _, n := range cl.Nodes {
				c.Nodes = append(c.Nodes, n.Path)
				if e := n.Element(); !slices.Contains(c.Elements, e) {
					c.Elements = append(c.Elements, e)
				}
			}
			sort.Strings(c.Elements)
			switch {
			case cl.Proof == "text" || cl.Kind == "info":
				c.Verdict = Text
			case strings.HasPrefix(cl.Proof, "platform:"):
				c.Verdict = Platform
			case len(cl.Nodes) == 0:
				c.Verdict = Repeated
			case len(c.Scenarios) == 0:
				c.Scenarios, c.Verdict = []string{}, None
			default:
				c.Verdict = Unproven
			}
			r.Clauses = append(r.Clauses, c)
		}
	}
	return r.Clauses
}

// Text is the report as a table with a count per kind.
func (r *Report) Text() string {
	var b strings.Builder
	type tally struct{ all, ok, well int }
	kinds := map[string]*tally{}
	for i := range r.Clauses {
		c := &r.Clauses[i]
		verdict := c.Verdict
		if c.Verdict == Enforced && !c.Well {
			verdict += " (a step fails)"
		}
		if c.Legal {
			verdict += ", asleep by default"
		}
		fmt.Fprintf(&b, "%-12s %-8s %-28s %3d scenarios  %s\n", c.ID, c.Kind, strings.Join(c.Elements, "+"), len(c.Scenarios), verdict)
		k := kinds[c.Kind]
		if k == nil {
			k = &tally{}
			kinds[c.Kind] = k
		}
		k.all++
		if c.ok() || c.Verdict == Text {
			k.ok++
		}
		if c.Well {
			k.well++
		}
	}
	b.WriteString("\n")
	for _, k := range keys(kinds) {
		fmt.Fprintf(&b, "%-8s %d of %d", k, kinds[k].ok, kinds[k].all)
		if kinds[k].well > 0 {
			fmt.Fprintf(&b, ", %d at what a scenario expects", kinds[k].well)
		}
		b.WriteString("\n")
	}
	for _, f := range r.Failed {
		fmt.Fprintf(&b, "does not hold: %s\n", f)
	}
	for _, f := range r.Idle {
		fmt.Fprintf(&b, "proves nothing: %s\n", f)
	}
	return b.String()
}

// JSON is the report for programs.
func (r *Report) JSON() ([]byte, error) { return json.MarshalIndent(r, "", "  ") }
