package rulebook

import (
	"regexp"
	"slices"
	"strings"
)

// thing is what is being compared: an element or a part of one, as people call it on either side.
type thing struct {
	name        Words  // within what holds it: form · time limit
	left, right string // the clauses that own it, or what holds it
	kind        string // action, deadline …
	form        string // the form it belongs to, whose fields and states its values name
}

// things are the keys whose value is a map of named things of a kind.
var things = map[string]bool{"field": true, "line": true, "state": true, "action": true, "deadline": true, "column": true, "item": true, "kind": true, "step": true, "row_ask": true}

// untold are keys that say how it looks, not what is so.
var untold = map[string]bool{"label": true, "clause": true, "also": true, "note": true, "hint": true, "section": true, "view": true, "class": true, "text": true,
	"print": true, "title": true, "back": true, "source": true, "legal": true, "mark": true, "default": true, "type": true, "scale": true, "totals": true, "lock": true, "key": true, "out": true}

// children compares the named things of one kind below two nodes.
func (d *differ) children(kind string, a, b *node, in thing) {
	for _, id := range union(a, b) {
		x, y := a.at(id).said(), b.at(id).said()
		t := thing{left: in.left, right: in.right, kind: kind, form: in.form}
		if kind == "form" || kind == "report" || kind == "checklist" {
			t.form = id
		}
		switch {
		case x == nil && y == nil:
			continue
		case x == nil:
			d.say("", d.owner(kind, id, y, in.right, d.b), sentence("added", kind, in.name, nameOf(y, id)))
			continue
		case y == nil:
			d.say(d.owner(kind, id, x, in.left, d.a), "", sentence("removed", kind, in.name, nameOf(x, id)))
			continue
		}
		from, to := nameOf(x, id), nameOf(y, id)
		if from != to && slices.Contains([]string{"form", "report", "checklist", "role"}, kind) {
			d.names = append(d.names, DiffName{from, to})
		}
		t.name = within(in.name, to)
		if c := ownClause(x); c != "" {
			t.left = c
		}
		if c := ownClause(y); c != "" {
			t.right = c
		}
		if kind == "parameter" || kind == "deadline" || kind == "approval" {
			t.left, t.right = d.owner(kind, id, x, t.left, d.a), d.owner(kind, id, y, t.right, d.b)
		}
		d.node(x, y, t)
	}
}

// node compares the keys of two nodes that are the same thing.
func (d *differ) node(a, b *node, t thing) {
	for _, key := range union(a, b) {
		x, y := a.at(key).said(), b.at(key).said()
		if untold[key] {
			continue
		}
		if things[key] && !(x.isList() || y.isList()) {
			d.children(key, x, y, t)
			continue
		}
		here := t
		if c := ownClause(x); c != "" {
			here.left = c
		}
		if c := ownClause(y); c != "" {
			here.right = c
		}
		x, y = plainly(x), plainly(y)
		switch {
		case x.canon() == y.canon():
		case key == "rows" && t.kind == "parameter":
			d.table(a, b, here)
		case x.isList() || y.isList() || key == "fill" || t.kind == "action" && key == "by" || key == "changed_by":
			d.list(key, x, y, here)
		case (x == nil || x.kind == yamlMap) && (y == nil || y.kind == yamlMap):
			d.node(x, y, here)
		default:
			d.value(key, x, y, here)
		}
	}
}

// list compares items, wherever they stand; those on both sides say nothing.
func (d *differ) list(key string, x, y *node, t thing) {
	items := func(n *node) (list []*node) {
		if n == nil {
			return nil
		}
		if !n.isList() {
			return []*node{n}
		}
		return n.items
	}
	left, right := items(x), items(y)
	find := func(list []*node, same func(*node) bool) *node {
		if n := slices.IndexFunc(list, same); n >= 0 {
			return list[n]
		}
		return nil
	}
	paired := map[*node]bool{}
	for _, i := range left {
		if find(right, func(o *node) bool { return o.sameAs(key, i) }) != nil {
			continue
		}
		if o := find(right, func(o *node) bool { return i.at("say").isText() && half(o.at("say")) == half(i.at("say")) }); o != nil {
			paired[o] = true
			w := half(o.at("say"))
			d.say(or(ownClause(i), t.left), or(ownClause(o), t.right), Words{"“" + t.name.ZH + "”的检查有改动：" + w.ZH, "“" + t.name.EN + "”, this check differs: " + w.EN})
			continue
		}
		d.item("removed", key, i, t, d.a)
	}
	for _, i := range right {
		if !paired[i] && find(left, func(o *node) bool { return o.sameAs(key, i) }) == nil {
			d.item("added", key, i, t, d.b)
		}
	}
}

// item says of an item of a list that it stands on one side only; what has no words is a change of the list.
func (d *differ) item(how, key string, i *node, t thing, book *Book) {
	left, right := or(ownClause(i), t.left), ""
	if how == "added" {
		left, right = "", or(ownClause(i), t.right)
	}
	w := d.itemWords(how, key, i, t, book)
	if w == (Words{}) {
		word, known := keyWords[key]
		if t.kind == "action" && key == "by" {
			word, known = Words{"经办人", "who does it"}, true
		}
		if !known || i.at("set") != nil || i.at("do") != nil {
			return
		}
		left, right = t.left, t.right
		w = changed(t.name, word, Words{}, Words{}, true, true)
	}
	d.say(left, right, w)
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// value compares two values of one key.
func (d *differ) value(key string, x, y *node, t thing) {
	word, known := keyWords[key]
	if !known {
		return
	}
	from, to := d.spoken(x, t, d.a), d.spoken(y, t, d.b)
	if from == to && from != (Words{}) { // called otherwise, nothing more
		return
	}
	d.say(t.left, t.right, changed(t.name, word, from, to, x != nil, y != nil))
}

// table compares the rows of two tables by the columns that both have.
func (d *differ) table(a, b *node, t thing) {
	for _, id := range union(a.at("key"), b.at("key")) {
		x, y := a.at("key").at(id), b.at("key").at(id)
		if x == nil || y == nil {
			how, n := "removed", x
			if x == nil {
				how, n = "added", y
			}
			w := nameOf(n, id)
			if how == "removed" {
				d.say(t.left, t.right, Words{"“" + t.name.ZH + "”不按“" + w.ZH + "”分", "“" + t.name.EN + "” does not tell “" + w.EN + "” apart"})
			} else {
				d.say(t.left, t.right, Words{"“" + t.name.ZH + "”按“" + w.ZH + "”分", "“" + t.name.EN + "” tells “" + w.EN + "” apart"})
			}
		}
	}
	left, right := d.tableRows(a, b, d.a), d.tableRows(b, a, d.b)
	only := func(list, other []tableWords) (words []Words) {
		for _, r := range list {
			if !slices.ContainsFunc(other, func(o tableWords) bool { return o.raw == r.raw }) && !slices.Contains(words, r.say) {
				words = append(words, r.say)
			}
		}
		return words
	}
	gone, come := only(left, right), only(right, left)
	if len(gone)+len(come) > 0 {
		d.say(t.left, t.right, changed(t.name, Words{}, joined(gone, "；", "; "), joined(come, "；", "; "), true, true))
	}
}

// tableWords is a row as it stands and as it is said.
type tableWords struct {
	raw string
	say Words
}

// tableRows are the rows in words, without the columns that the other table lacks.
func (d *differ) tableRows(p, other *node, book *Book) (list []tableWords) {
	for _, r := range p.at("rows").listed() {
		var w Words
		raw := ""
		for _, e := range r.keys {
			key, out := p.at("key").at(e.key), p.at("out").at(e.key)
			if key != nil && other.at("key").at(e.key) == nil || out != nil && other.at("out").at(e.key) == nil {
				continue
			}
			_, of, _ := strings.Cut(key.at("type").plain(), " of ")
			v := d.spoken(e.value, thing{form: of}, book)
			if v == (Words{}) {
				v = Words{e.value.plain(), e.value.plain()}
			}
			raw += e.key + ":" + e.value.canon() + ","
			w.ZH, w.EN = strings.TrimSpace(w.ZH+" "+v.ZH), strings.TrimSpace(w.EN+" "+v.EN)
		}
		list = append(list, tableWords{raw, w})
	}
	return list
}

// plain is the text of a scalar.
func (n *node) plain() string {
	if n.isText() {
		return n.text
	}
	return ""
}

// owner is the clause that owns a part that only one side has: its own, the first within it, that of what holds it; of a company
// value that has none, the clause that reads it.
func (d *differ) owner(kind, id string, n *node, held string, book *Book) string {
	c := or(ownClause(n), or(n.firstClause(), held))
	if c == "" && kind == "parameter" {
		name := regexp.MustCompile(`param\.` + id + `\b`)
		for _, element := range append([]string{"rulebook"}, diffKinds...) {
			if c == "" {
				c = asMap(book.text[element]).reads(name, "")
			}
		}
	}
	return c
}

// reads is the clause nearest to where a text below the node names a company value; "" if nowhere.
func (n *node) reads(param *regexp.Regexp, clause string) string {
	if n == nil {
		return ""
	}
	if c := ownClause(n); c != "" {
		clause = c
	}
	if n.isText() {
		if param.MatchString(n.text) {
			return clause
		}
		return ""
	}
	for _, e := range n.keys {
		if c := e.value.reads(param, clause); c != "" {
			return c
		}
	}
	for _, i := range n.items {
		if c := i.reads(param, clause); c != "" {
			return c
		}
	}
	return ""
}

// said is the node if it says anything: what a variant mapped to none does not.
func (n *node) said() *node {
	if c := n.at("clause"); c.isText() && c.text == "none" {
		return nil
	}
	return n
}

func ownClause(n *node) string {
	if c := n.at("clause"); c.isText() && c.text != "none" {
		return c.text
	}
	return ""
}

func (n *node) firstClause() string {
	if n == nil {
		return ""
	}
	if c := ownClause(n); c != "" {
		return c
	}
	for _, e := range n.keys {
		if c := e.value.firstClause(); c != "" {
			return c
		}
	}
	for _, i := range n.items {
		if c := i.firstClause(); c != "" {
			return c
		}
	}
	return ""
}

// plainly is the value of {is: VALUE, clause: ID}.
func plainly(n *node) *node {
	if n != nil && n.kind == yamlMap && n.at("is") != nil && n.at("when") == nil {
		for _, e := range n.keys {
			if e.key != "is" && e.key != "clause" && e.key != "also" {
				return n
			}
		}
		return n.at("is")
	}
	return n
}

func (n *node) isList() bool { return n != nil && n.kind == yamlList }

// canon is the node without its clauses and without what only people read, for comparing.
func (n *node) canon() string {
	if n == nil {
		return ""
	}
	switch n.kind {
	case yamlScalar:
		return n.text
	case yamlList:
		s := "["
		for _, i := range n.items {
			s += plainly(i).canon() + ","
		}
		return s + "]"
	case yamlMap:
		s := "{"
		for _, e := range n.keys {
			if !untold[e.key] && e.key != "say" {
				s += e.key + ":" + plainly(e.value).canon() + ","
			}
		}
		return s + "}"
	}
	return ""
}

// sameAs tells whether two items of a list under a key are one: fields of fill by their name, the rest by what they say.
func (n *node) sameAs(key string, o *node) bool {
	if key == "fill" {
		return n.named() == o.named()
	}
	return plainly(n).canon() == plainly(o).canon()
}

// union are the keys of both, in the order of the first and then of the second.
func union(a, b *node) []string {
	var list []string
	for _, n := range []*node{a, b} {
		if n == nil {
			continue
		}
		for _, e := range n.keys {
			if !contains(list, e.key) {
				list = append(list, e.key)
			}
		}
	}
	return list
}
