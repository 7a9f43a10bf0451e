package rulebook

import (
	"fmt"
	"slices"
	"sort"
	"strings"
)

// Words is a sentence in both languages.
type Words struct {
	ZH string `json:"zh"`
	EN string `json:"en"`
}

// Diff is what one regulation says otherwise than another, of which it is a variant or which is a variant of it: clause by
// clause of the left one, then what only the right one has.
type Diff struct {
	Left  DiffBook   `json:"left"`
	Right DiffBook   `json:"right"`
	Count DiffCount  `json:"count"`
	Names []DiffName `json:"names"` // what is called otherwise
	Rows  []DiffRow  `json:"rows"`
	Other []Words    `json:"other"` // differences that no clause owns
}

// DiffBook is one of the two.
type DiffBook struct {
	ID    string `json:"id"`
	Short string `json:"short"`
	Title Words  `json:"title"`
}

// DiffCount is how many rows are the same, changed, absent and new.
type DiffCount struct {
	Same    int `json:"same"`
	Changed int `json:"changed"`
	Absent  int `json:"absent"`
	New     int `json:"new"`
}

// DiffName is one thing under two names.
type DiffName struct {
	Left  Words `json:"left"`
	Right Words `json:"right"`
}

// DiffClause is a clause as its book tells it.
type DiffClause struct {
	ID   string `json:"id"`
	Kind string `json:"kind"`
	Text Words  `json:"text"`
}

// DiffRow is one clause beside what corresponds to it. Status: same (both say it alike), changed, absent (the right one lacks
// it), new (the left one lacks it).
type DiffRow struct {
	Left    *DiffClause `json:"left,omitempty"`
	Right   *DiffClause `json:"right,omitempty"`
	Status  string      `json:"status"`
	Changes []Words     `json:"changes"`
}

// Diff compares two books by their ids. The error says which id is unknown, or that neither descends from the other's text.
func (l *Library) Diff(left, right string) (*Diff, error) {
	a, b := l.Book(left), l.Book(right)
	for id, x := range map[string]*Book{left: a, right: b} {
		if x == nil {
			return nil, fmt.Errorf("there is no rulebook %s", id)
		}
	}
	to := l.corresponds(a, b)
	if to == nil {
		return nil, fmt.Errorf("%s and %s have no text in common", left, right)
	}
	d := &differ{a: l.written(a), b: l.written(b), to: to, lib: l, said: map[[2]string][]Words{}}
	d.books()
	return d.rows(), nil
}

// corresponds maps each clause of a to those of b that say it; nil if the two have no text in common.
func (l *Library) corresponds(a, b *Book) map[string][]string {
	up, down := l.origin(a), l.origin(b) // ancestor → its clause → own clauses
	for _, x := range l.ancestors(a) {
		if down[x] == nil {
			continue
		}
		to := map[string][]string{}
		for clause, own := range up[x] {
			for _, c := range own {
				for _, other := range down[x][clause] {
					if !slices.Contains(to[c], other) {
						to[c] = append(to[c], other)
					}
				}
			}
		}
		return to
	}
	return nil
}

// Related are the books whose text b shares, of which one can be laid beside it.
func (l *Library) Related(b *Book) []string {
	list := []string{}
	mine := l.ancestors(b)
	for _, o := range l.Books {
		if o != b && slices.ContainsFunc(l.ancestors(o), func(id string) bool { return slices.Contains(mine, id) }) {
			list = append(list, o.ID)
		}
	}
	return list
}

// ancestors are the book and those it extends, nearest first.
func (l *Library) ancestors(b *Book) []string {
	var list []string
	for ; b != nil; b = l.Book(b.Extends) {
		list = append(list, b.ID)
	}
	return list
}

// origin tells for the book and each it extends which of the book's clauses came of a clause there.
func (l *Library) origin(b *Book) map[string]map[string][]string {
	now := map[string][]string{}
	for _, c := range b.Clauses {
		now[c.ID] = []string{c.ID}
	}
	all := map[string]map[string][]string{b.ID: now}
	for x := b; x.Extends != ""; {
		base := l.Book(x.Extends)
		if base == nil {
			break
		}
		before := map[string][]string{}
		for _, from := range sortedKeys(x.From) {
			before[from] = append(before[from], now[x.From[from]]...)
		}
		all[base.ID], now, x = before, before, base
	}
	return all
}

// rows puts what was found beside the clauses.
func (d *differ) rows() *Diff {
	out := &Diff{Left: brief(d.a), Right: brief(d.b), Names: d.names, Other: d.said[[2]string{}], Rows: []DiffRow{}}
	taken := map[string]bool{}
	for _, c := range d.a.Clauses {
		row := DiffRow{Left: clauseSaid(c), Status: "absent", Changes: d.said[[2]string{c.ID, ""}]}
		for _, id := range d.to[c.ID] {
			row.Right, row.Status = clauseSaid(d.b.Clause(id)), "same"
			row.Changes = append(row.Changes, d.said[[2]string{c.ID, id}]...)
			if !taken[id] {
				row.Changes = append(row.Changes, d.said[[2]string{"", id}]...)
			}
			taken[id] = true
		}
		if row.Status == "same" && len(row.Changes) > 0 {
			row.Status = "changed"
		}
		out.Rows = append(out.Rows, row)
	}
	for _, c := range d.b.Clauses {
		if !taken[c.ID] {
			out.Rows = append(out.Rows, DiffRow{Right: clauseSaid(c), Status: "new", Changes: d.said[[2]string{"", c.ID}]})
		}
	}
	for i := range out.Rows {
		r := &out.Rows[i]
		if r.Changes == nil {
			r.Changes = []Words{}
		}
		switch r.Status {
		case "same":
			out.Count.Same++
		case "changed":
			out.Count.Changed++
		case "absent":
			out.Count.Absent++
		default:
			out.Count.New++
		}
	}
	if out.Names == nil {
		out.Names = []DiffName{}
	}
	if out.Other == nil {
		out.Other = []Words{}
	}
	return out
}

func brief(b *Book) DiffBook { return DiffBook{b.ID, b.Short, Words(b.Title)} }

func clauseSaid(c *Clause) *DiffClause {
	if c == nil {
		return nil
	}
	return &DiffClause{c.ID, c.Kind, Words(c.Text)}
}

// Print is the page for a terminal, in Chinese or English. Clauses that say the same are counted, not listed.
func (d *Diff) Print(english bool) string {
	in := func(w Words) string {
		if english && w.EN != "" {
			return w.EN
		}
		return w.ZH
	}
	pick := func(zh, en string) string { return in(Words{zh, en}) }
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s  →  %s %s\n", d.Left.ID, in(d.Left.Title), d.Right.ID, in(d.Right.Title))
	fmt.Fprintf(&b, pick("相同 %d 条，不同 %d 条，没有 %d 条，新增 %d 条\n", "%d clauses the same, %d changed, %d absent, %d new\n"), d.Count.Same, d.Count.Changed, d.Count.Absent, d.Count.New)
	part := func(title string, lines []string) {
		if len(lines) > 0 {
			fmt.Fprintf(&b, "\n%s\n%s", title, strings.Join(lines, ""))
		}
	}
	var names, other []string
	for _, n := range d.Names {
		if in(n.Left) == in(n.Right) {
			continue
		}
		names = append(names, fmt.Sprintf("  %s → %s\n", in(n.Left), in(n.Right)))
	}
	part(pick("名称", "Names"), names)
	for _, s := range []struct{ status, title string }{{"changed", pick("不同", "Changed")}, {"absent", pick("没有", "Absent")}, {"new", pick("新增", "New")}} {
		var lines []string
		for _, r := range d.Rows {
			if r.Status == s.status {
				lines = append(lines, r.print(in))
			}
		}
		part(s.title, lines)
	}
	for _, w := range d.Other {
		other = append(other, "  - "+in(w)+"\n")
	}
	part(pick("条文以外", "Beside the clauses"), other)
	return b.String()
}

func (r DiffRow) print(in func(Words) string) string {
	var head string
	switch {
	case r.Left != nil && r.Right != nil:
		head = fmt.Sprintf("  %s → %s  %s\n", r.Left.ID, r.Right.ID, in(r.Right.Text))
	case r.Left != nil:
		head = fmt.Sprintf("  %s  %s\n", r.Left.ID, in(r.Left.Text))
	default:
		head = fmt.Sprintf("  %s  %s\n", r.Right.ID, in(r.Right.Text))
	}
	for _, w := range r.Changes {
		head += "    - " + in(w) + "\n"
	}
	return head
}

// differ walks two texts side by side.
type differ struct {
	a, b  *Book
	lib   *Library
	to    map[string][]string
	said  map[[2]string][]Words // clauses left and right → what differs there
	names []DiffName
}

// say notes a difference between two nodes at the clause that owns it on either side.
func (d *differ) say(left, right string, w Words) {
	key := [2]string{left, right}
	switch {
	case left != "" && right != "" && !slices.Contains(d.to[left], right):
		key = [2]string{"", right} // another clause says it here
	case left != "" && right == "" && len(d.to[left]) > 0:
		key = [2]string{left, d.to[left][0]}
	case left == "" && right == "":
		key = [2]string{}
	}
	if !slices.Contains(d.said[key], w) {
		d.said[key] = append(d.said[key], w)
	}
}

// kinds of elements in the order in which a reader wants them.
var diffKinds = []string{"form", "parameter", "approval", "gate", "offence", "report", "duty", "checklist", "ledger", "role", "quota", "ranking", "class", "retention"}

func (d *differ) books() {
	for _, kind := range diffKinds {
		a, b := asMap(d.a.text[kind]), asMap(d.b.text[kind])
		d.children(kind, a, b, thing{})
	}
	if a, b := d.a.findText("rulebook", "rulebook"), d.b.findText("rulebook", "rulebook"); a != nil && b != nil {
		t := thing{name: Words(d.b.Title), kind: "rulebook"}
		for _, key := range []string{"must", "changed_by"} {
			x, y := a.at(key).said(), b.at(key).said()
			if y != nil {
				t.right = ownClause(y)
			}
			if plainly(x).canon() != plainly(y).canon() {
				d.list(key, x, y, t)
			}
		}
	}
	sort.SliceStable(d.names, func(i, j int) bool { return d.names[i].Left.ZH < d.names[j].Left.ZH })
	d.names = slices.Compact(d.names)
}

func asMap(list []*entry) *node { return &node{kind: yamlMap, keys: list} }
