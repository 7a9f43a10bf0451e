package rulebook

import (
	"regexp"
	"slices"
	"strings"
)

// body is a mapping being decoded: every key it reads must stand in the table of its shape.
type body struct {
	c     *book
	n     *node
	shape string
	path  string
}

// open checks a mapping against its shape. Nil if it is no mapping.
func (c *book) open(n *node, shape, path string) *body {
	if n == nil {
		return nil
	}
	if n.kind == yamlNull {
		n = &node{kind: yamlMap, pos: n.pos}
	}
	if n.kind != yamlMap {
		c.r.errorf(n.pos, "%s must be a mapping with the keys %s, not %s", c.short(path), strings.Join(ownNames(shape), ", "), n.what())
		return nil
	}
	for _, e := range n.keys {
		if !knows(shape, e.key) {
			c.r.hintf(e.pos, meant(e.key, keyNames(shape)), "unknown key %q in %s", e.key, c.short(path))
		}
	}
	return &body{c, n, shape, path}
}

func ownNames(shape string) []string {
	var list []string
	for _, k := range shapes[shape] {
		list = append(list, k.name)
	}
	return list
}

// short drops the book's prefix of a path and says it in words: "action register of slip".
func (c *book) short(path string) string {
	p := strings.Split(strings.TrimPrefix(path, c.Short+"."), ".")
	if len(p) >= 4 && p[0] == "form" {
		s := p[2] + " " + p[3] + " of " + p[1]
		if len(p) > 4 {
			s = strings.Join(p[4:], ".") + " of " + p[2] + " " + p[3]
		}
		return s
	}
	return strings.Join(p, " ")
}

// get is the value of a key that the shape has; asking for another is a mistake of ours.
func (b *body) get(name string) *node {
	if !knows(b.shape, name) {
		panic("rulebook: shape " + b.shape + " has no key " + name)
	}
	n := b.n.at(name)
	if n != nil && n.kind == yamlNull {
		return nil
	}
	return n
}

// must is get with an error if the key is missing.
func (b *body) must(name string) *node {
	n := b.get(name)
	if n == nil {
		b.c.r.errorf(b.n.pos, "%s lacks %s:", b.c.short(b.path), name)
	}
	return n
}

// text, name, flag and number are scalars.
func (b *body) text(name string) string {
	n := b.get(name)
	if n == nil {
		return ""
	}
	if !n.isText() {
		b.c.r.errorf(n.pos, "%s is a text, not %s", name, n.what())
		return ""
	}
	return n.text
}

func (b *body) oneOf(name, def string, words ...string) string {
	s := b.text(name)
	if s == "" {
		return def
	}
	for _, w := range words {
		if s == w {
			return s
		}
	}
	b.c.r.hintf(b.get(name).pos, meant(s, words), "%s is one of %s, not %q", name, strings.Join(words, ", "), s)
	return def
}

func (b *body) flag(name string) bool {
	n := b.get(name)
	if n == nil {
		return false
	}
	switch {
	case n.isText() && n.text == "true":
		return true
	case n.isText() && n.text == "false":
		return false
	}
	b.c.r.errorf(n.pos, "%s is true or false", name)
	return false
}

func (b *body) int(name string) int { return b.c.integer(b.get(name), name) }

func (c *book) integer(n *node, name string) int {
	if n == nil {
		return 0
	}
	if n.isText() {
		if v, ok := plainInt(n.text); ok && v >= 0 {
			return int(v)
		}
	}
	c.r.errorf(n.pos, "%s is a whole number", name)
	return 0
}

// names is one name or a list of them.
func (b *body) names(name string) []*node { return b.c.nameList(b.get(name), name) }

func (c *book) nameList(n *node, what string) []*node {
	switch {
	case n == nil:
		return nil
	case n.isText():
		return []*node{n}
	case n.kind == yamlList:
		var list []*node
		for _, x := range n.items {
			if !x.isText() {
				c.r.errorf(x.pos, "%s is a list of names, and this is %s", what, x.what())
				continue
			}
			list = append(list, x)
		}
		return list
	}
	c.r.errorf(n.pos, "%s is a name or a list of names, not %s", what, n.what())
	return nil
}

func texts(list []*node) []string {
	var out []string
	for _, n := range list {
		out = append(out, n.text)
	}
	return out
}

// list is the items of a list; one item may stand without the brackets.
func (b *body) list(name string) []*node {
	n := b.get(name)
	if n == nil {
		return nil
	}
	if n.kind == yamlList {
		return n.items
	}
	return []*node{n}
}

// entries are the ids of a map.
func (b *body) entries(name string) []*entry {
	n := b.get(name)
	if n == nil {
		return nil
	}
	if n.kind != yamlMap {
		b.c.r.errorf(n.pos, "%s is a mapping from ids, not %s", name, n.what())
		return nil
	}
	return n.keys
}

var idForm = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// reserved words cannot be variables of CEL or tables of SQL.
var reserved = map[string]string{}

func init() {
	for _, w := range strings.Fields("true false null in as break const continue else for function if import let loop package namespace return var void while") {
		reserved[w] = "CEL"
	}
	for _, w := range strings.Fields("select order table where join union insert update delete having") {
		reserved[w] = "SQL"
	}
}

// id checks an id that the author chose.
func (c *book) id(e *entry, what string) {
	if as, bad := trap[e.key]; bad && e.quoted {
		_ = as // quoted, every tool reads it as a text
		return
	}
	if !idForm.MatchString(e.key) {
		c.r.errorf(e.pos, "%q is no id for a %s: small letters, digits and _, a letter first", e.key, what)
		return
	}
	if by := reserved[e.key]; by != "" && !(what == "action" && implicitAction(e.key)) {
		c.r.hintf(e.pos, "write \""+e.key+"_it\" or another word", "%q is a word of %s and cannot be the id of a %s", e.key, by, what)
	}
}

// label takes "中文 | English" apart. The Chinese half must be there.
func (c *book) label(n *node, what string) Label {
	if n == nil {
		return Label{}
	}
	if !n.isText() {
		c.r.errorf(n.pos, "%s is a text 中文 | English, not %s", what, n.what())
		return Label{}
	}
	zh, en, both := strings.Cut(n.text, " | ")
	l := Label{ZH: strings.TrimSpace(zh), EN: strings.TrimSpace(en)}
	switch {
	case l.ZH == "":
		c.r.errorf(n.pos, "%s lacks its Chinese half: write 中文 | English", what)
	case !both && strings.HasPrefix(strings.TrimSpace(n.text), "|"):
		c.r.errorf(n.pos, "%s lacks its Chinese half: write 中文 | English", what)
	case l.EN == "":
		c.r.warnf(n.pos, "%s %q lacks its English half", what, l.ZH)
		l.EN = l.ZH
	}
	return l
}

// node fills what every node has, and lets its clause own it.
func (c *book) node(dst *Node, b *body) {
	dst.Path, dst.Pos, dst.Book, dst.Added = b.path, b.n.pos, c.Book, c.adds(b.path)
	if bare[b.shape] {
		return
	}
	dst.Label = c.label(b.get("label"), "label")
	dst.Note = b.text("note")
	if l := b.get("legal"); l != nil {
		dst.Legal = l.text
	}
	c.own(dst, b.get("clause"), b.get("also"))
}

// own ties a node to its clause.
func (c *book) own(dst *Node, clause, also *node) {
	if clause != nil {
		switch {
		case clause.kind == yamlList:
			c.r.errorf(clause.pos, "a node has one clause; this list names %s (%s): split the node or use also:", count(len(clause.items)), strings.Join(texts(clause.items), ", "))
		case !clause.isText():
			c.r.errorf(clause.pos, "clause is one clause id")
		case clause.text == "none" && c.Extends != "":
			dst.Never = true
		default:
			if cl := c.clause(clause); cl != nil {
				dst.Clause = cl.ID
				cl.Nodes = append(cl.Nodes, dst)
				if dst.Legal == "" {
					dst.Legal = cl.Legal
				}
			}
		}
	}
	for _, a := range c.nameList(also, "also") {
		if cl := c.clause(a); cl != nil {
			dst.Also = append(dst.Also, a.text)
			if dst.Clause != "" && !slices.Contains(cl.Repeats, dst.Clause) {
				cl.Repeats = append(cl.Repeats, dst.Clause)
			}
		}
	}
}

func count(n int) string {
	if n == 2 {
		return "two"
	}
	return "several"
}

// clause finds a clause of the book by what a node says.
func (c *book) clause(n *node) *Clause {
	if cl := c.clauses[n.text]; cl != nil {
		return cl
	}
	c.r.hintf(n.pos, meant(n.text, sortedKeys(c.clauses)), "clause %s is not in clauses.yaml of %s", n.text, c.ID)
	return nil
}

// wrapped takes `{is: value, clause: …}` apart; a bare value has no clause of its own.
func (c *book) wrapped(n *node, dst *Node, path string) *node {
	dst.Path, dst.Book, dst.Added = path, c.Book, c.adds(path)
	if n == nil {
		return nil
	}
	dst.Pos = n.pos
	if n.kind != yamlMap || n.at("is") == nil {
		return n
	}
	if b := c.open(n, "is", path); b != nil {
		c.node(dst, b)
	}
	return n.at("is")
}

// implied is the node of something the author wrote without a mapping.
func (c *book) implied(dst *Node, n *node, path string) {
	dst.Path, dst.Pos, dst.Book, dst.Added = path, n.pos, c.Book, c.adds(path)
}

// adds tells whether a path leads into an addition to another rulebook's form.
func (c *book) adds(path string) bool { return strings.HasPrefix(path, c.Short+".extend.") }
