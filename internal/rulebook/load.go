package rulebook

import (
	"fmt"
	"io/fs"
	"sort"
	"strings"
	"sync"

	"zhanggui/internal/expr"
)

// book compiles one rulebook; its stages run for all books in step, since rules read each other's forms.
type book struct {
	*Book
	r         *reporter
	l         *loader
	src       *source
	env       *expr.Env
	clauses   map[string]*Clause
	approvals map[string]bool
	forms     map[string]string // form id → key: own, then needs, then base
	todo      []func()          // bodies to compile once the schema stands
	last      []func()          // what needs every body compiled
}

type loader struct {
	r     *reporter
	lib   *Library
	books []*book
	byID  map[string]*book
}

// Load reads, compiles and checks every rulebook of fsys: base, and each folder with a rulebook.yaml. All issues of one run are
// returned; the library is whole only if none of them is an error.
func Load(fsys fs.FS) (*Library, Issues) { return load(fsys, nil, false) }

// LoadLaw is Load without the scenarios, half of all there is to read, which only those need who play them; with other files (by their
// names in fsys) in place of all of the folders where they stand.
func LoadLaw(fsys fs.FS, instead map[string]string) (*Library, Issues) {
	return load(fsys, instead, true)
}

func load(fsys fs.FS, instead map[string]string, law bool) (*Library, Issues) {
	r := newReporter()
	l := &loader{r: r, lib: &Library{Forms: map[string]*Form{}, Watchers: map[string][]Watch{}, Spoken: Spoken{}}, byID: map[string]*book{}}
	sources := readAll(r, fsys, instead, law)
	for _, s := range sources {
		l.header(s)
	}
	l.variants()
	for _, c := range l.books {
		c.Book.text, c.Book.files = c.src.whole(), c.src.files
	}
	l.order()
	for _, stage := range []func(*book){
		(*book).declareClauses,
		(*book).declareNames,
		(*book).declareForms,
		(*book).declareRest,
		(*book).declareExtensions,
	} {
		for _, c := range l.books {
			stage(c)
		}
	}
	for _, c := range l.books {
		c.personal()
	}
	l.schemas()
	for _, c := range l.books {
		for i := 0; i < len(c.todo); i++ { // a body may add more
			c.todo[i]()
		}
		c.env.Leave()
	}
	for _, c := range l.books {
		c.settleStored() // before anything asks what the database can answer
	}
	for _, c := range l.books {
		for i := 0; i < len(c.last); i++ {
			c.last[i]()
		}
		c.env.Leave()
	}
	lib := l.lib // alone: what compiles is let go
	lib.proven = sync.OnceValue(func() map[string]map[string]int { return proven(lib, fsys, instead) })
	for _, c := range l.books {
		c.scenarios()
	}
	l.days(sources)
	if len(l.books) > 0 {
		l.checks()
		l.watchers()
		l.quotaWatchers()
	}
	for _, c := range l.books {
		c.env.Settle()
	}
	for _, b := range l.lib.Books {
		if b.sum = b.digest(); b.ID != "base" { // nobody adopts that
			b.Digest = b.sum
		}
		b.text = nil // see written
	}
	return l.lib, r.sorted()
}

// header reads rulebook: of one folder.
func (l *loader) header(s *source) {
	c := &book{r: l.r, l: l, src: s, clauses: map[string]*Clause{}, approvals: map[string]bool{}, forms: map[string]string{}}
	c.Book = &Book{ID: s.folder, Short: s.folder, Since: map[string]*Value{}}
	if s.header == nil {
		l.r.errorf(Pos{File: "rulebooks/" + s.folder + "/rulebook.yaml", Line: 1, Col: 1}, "the header rulebook: is missing")
		return
	}
	b := c.open(s.header, "rulebook", "rulebook")
	if b == nil {
		return
	}
	if id := b.text("id"); id != "" && id != s.folder {
		l.r.errorf(b.get("id").pos, "the rulebook's id is its folder's name %q, not %q", s.folder, id)
	}
	c.Short, _, _ = strings.Cut(s.folder, "-")
	if t := b.text("short"); t != "" {
		c.Short = t
	}
	c.Title = c.label(b.must("title"), "title")
	c.Source, c.Version, c.Extends = b.text("source"), b.text("version"), b.text("extends")
	if v := b.get("language"); v != nil && v.text != "1" {
		l.r.errorf(v.pos, "this program speaks language 1, not %s", v.text)
	}
	c.Needs = texts(b.names("needs"))
	c.Admin = b.text("admin")
	c.Current = b.oneOf("applies", "pinned", "pinned", "current") == "current"
	for _, n := range b.names("may_off") {
		c.MayOff = append(c.MayOff, n.text)
	}
	c.todo = append(c.todo, func() {
		c.Changer = c.who(b.get("changed_by"), c.Short+".changed_by", c.common())
		for i, n := range b.list("must") {
			m := &Must{Node: Node{Path: fmt.Sprintf("%s.must.%d", c.Short, i), Pos: n.pos, Book: c.Book}}
			if n.kind == yamlMap {
				if x := c.open(n, "is", m.Path); x != nil {
					m.Param = strings.TrimPrefix(x.text("is"), "param.")
					c.own(&m.Node, x.get("clause"), x.get("also"))
				}
			} else {
				m.Param = strings.TrimPrefix(n.text, "param.")
			}
			c.Must = append(c.Must, m)
		}
		for _, e := range b.entries("since") {
			if !contains([]string{"all", "action", "deadline"}, e.key) && (!knows("top", e.key) || e.key == "rulebook") {
				l.r.hintf(e.pos, meant(e.key, ownNames("top")), "since: names element kinds or all, not %q", e.key)
			}
			c.Since[e.key] = c.instant(e.value, c.Short+".since."+e.key, c.common())
		}
	})
	if n := b.get("heading"); n != nil {
		c.last = append(c.last, func() { c.headings(n.pos, b.entries("heading")) })
	}
	l.books = append(l.books, c)
	l.byID[c.ID] = c
}

// headings reads what the registers are filed under: each form stands under one, none is left out.
func (c *book) headings(pos Pos, list []*entry) {
	under := map[string]bool{}
	for _, e := range list {
		b := c.open(e.value, "heading", c.Short+".heading."+e.key)
		if b == nil {
			continue
		}
		h := &Heading{Label: c.label(b.must("label"), "label")}
		for _, n := range b.names("form") {
			f := c.formNamed(n)
			switch {
			case f == nil:
			case f.Book != c.Book:
				c.r.errorf(n.pos, "%s is a form of another rulebook", n.text)
			case under[f.Key]:
				c.r.errorf(n.pos, "%s stands under two headings", n.text)
			default:
				under[f.Key] = true
				h.Forms = append(h.Forms, f.Key)
			}
		}
		c.Heading = append(c.Heading, h)
	}
	for _, f := range c.Forms {
		if !under[f.Key] {
			c.r.errorf(pos, "%s stands under no heading", f.ID)
		}
	}
}

// order puts base first and each book after those it needs.
func (l *loader) order() {
	sort.SliceStable(l.books, func(i, j int) bool { return l.books[i].ID < l.books[j].ID })
	var list []*book
	state := map[string]int{}
	var visit func(*book)
	visit = func(c *book) {
		switch state[c.ID] {
		case 1:
			l.r.errorf(c.src.header.pos, "needs: goes round: %s needs itself", c.ID)
			return
		case 2:
			return
		}
		state[c.ID] = 1
		for _, id := range c.Needs {
			if n := l.byID[id]; n != nil {
				visit(n)
			} else {
				l.r.hintf(c.src.header.pos, meant(id, sortedKeys(l.byID)), "%s needs %s, which is not here", c.ID, id)
			}
		}
		state[c.ID] = 2
		list = append(list, c)
	}
	if b := l.byID["base"]; b != nil {
		visit(b)
	} else if len(l.books) > 0 {
		l.r.errorf(Pos{File: "rulebooks/base"}, "the rulebook base is missing")
	}
	shorts := map[string]string{}
	for _, c := range l.books {
		visit(c)
		if old := shorts[c.Short]; old != "" {
			l.r.errorf(c.src.header.pos, "the short name %q is taken by %s", c.Short, old)
		}
		shorts[c.Short] = c.ID
	}
	l.books = list
	for _, c := range list {
		l.lib.Books = append(l.lib.Books, c.Book)
	}
}

func (c *book) declareClauses() {
	if c.src.clauses == nil {
		return
	}
	for _, e := range c.src.clauses.keys {
		b := c.open(e.value, "clause", "clause "+e.key)
		if b == nil {
			continue
		}
		cl := &Clause{ID: e.key, Pos: e.pos, Proof: "scenario", Default: b.flag("default")}
		cl.Kind = b.oneOf("kind", "", "gate", "clock", "calc", "record", "inspect", "access", "info")
		if cl.Kind == "" && b.get("kind") == nil {
			c.r.errorf(e.pos, "clause %s lacks kind:", e.key)
		}
		cl.Text = Label{ZH: b.text("zh"), EN: b.text("en")}
		if cl.Text.ZH == "" {
			c.r.errorf(e.pos, "clause %s lacks its sentence zh:", e.key)
		}
		if cl.Text.EN == "" {
			c.r.warnf(e.pos, "clause %s lacks its English sentence", e.key)
		}
		if p := b.text("proof"); p != "" {
			if p != "scenario" && p != "text" && !strings.HasPrefix(p, "platform:") {
				c.r.errorf(b.get("proof").pos, "proof is scenario, text or platform:<name>, not %q", p)
			}
			cl.Proof = p
		}
		if n := b.get("legal"); n != nil {
			cl.Legal = n.text
		}
		c.clauses[cl.ID] = cl
		c.Clauses = append(c.Clauses, cl)
	}
}

// declareNames collects what other elements may name.
func (c *book) declareNames() {
	// Forms: own ones first, then those of needs and base.
	take := func(o *book, own bool) {
		for _, kind := range []string{"form", "report", "checklist"} {
			for _, e := range o.src.elements[kind] {
				if own {
					c.id(e, kind)
				}
				if _, have := c.forms[e.key]; have {
					if own {
						c.r.errorf(e.pos, "%s %s: a form, report or checklist of this id exists already", kind, e.key)
					}
					continue
				}
				c.forms[e.key] = o.Short + "." + e.key
			}
		}
	}
	take(c, true)
	for _, o := range c.scope() {
		if o != c {
			take(o, false)
		}
	}
	for _, o := range c.scope() {
		for _, e := range o.src.elements["approval"] {
			c.approvals[e.key] = true
		}
		for _, e := range o.src.elements["report"] {
			if e.value.kind == yamlMap && e.value.at("sign") != nil {
				c.approvals[e.key+"_sign"] = true
			}
		}
	}
	for _, kind := range []string{"parameter", "role", "duty", "approval", "quota", "ranking", "gate", "offence", "ledger", "class", "retention"} {
		for _, e := range c.src.elements[kind] {
			c.id(e, kind)
		}
	}
}

// scope is the books whose words this one may use: itself, its needs, base.
func (c *book) scope() []*book {
	list := []*book{c}
	seen := map[*book]bool{c: true}
	for i := 0; i < len(list); i++ {
		for _, id := range list[i].Needs {
			if o := c.l.byID[id]; o != nil && !seen[o] {
				seen[o] = true
				list = append(list, o)
			}
		}
	}
	if b := c.l.byID["base"]; b != nil && !seen[b] {
		list = append(list, b)
	}
	return list
}

// formNamed finds a form by the id that a rulebook writes; the error is reported.
func (c *book) formNamed(n *node) *Form {
	if n == nil {
		return nil
	}
	if !n.isText() {
		c.r.errorf(n.pos, "the id of a form is wanted, not %s", n.what())
		return nil
	}
	if f := c.l.lib.Forms[c.forms[n.text]]; f != nil {
		return f
	}
	c.r.hintf(n.pos, meant(n.text, sortedKeys(c.forms)), "there is no form %q", n.text)
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	list := make([]string, 0, len(m))
	for k := range m {
		list = append(list, k)
	}
	sort.Strings(list)
	return list
}
