package rulebook

import (
	"regexp"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// yamlKind is what a node of the YAML tree is.
type yamlKind int

const (
	yamlNull yamlKind = iota
	yamlScalar
	yamlMap
	yamlList
)

// style is how a scalar is written; CEL keeps its position only in some of them.
type style int

const (
	plain style = iota
	quoted
	block  // |
	folded // > or a plain scalar over several lines
)

// node is one value of a rulebook file, with its place.
type node struct {
	kind  yamlKind
	pos   Pos
	text  string // of a scalar, unquoted
	style style
	esc   bool // a quoted scalar whose escapes move positions
	keys  []*entry
	items []*node
}

// entry is one key of a mapping.
type entry struct {
	key    string
	pos    Pos
	quoted bool
	value  *node
}

func (n *node) entry(key string) *entry {
	if n == nil {
		return nil
	}
	for _, e := range n.keys {
		if e.key == key {
			return e
		}
	}
	return nil
}

// at is the value of a key, nil if it is not there.
func (n *node) at(key string) *node {
	if e := n.entry(key); e != nil {
		return e.value
	}
	return nil
}

// isText tells whether the node is a scalar that says something.
func (n *node) isText() bool { return n != nil && n.kind == yamlScalar }

// what names the node's kind in messages.
func (n *node) what() string {
	switch n.kind {
	case yamlMap:
		return "a mapping"
	case yamlList:
		return "a list"
	case yamlNull:
		return "nothing"
	}
	return "a text"
}

// trap are the words that YAML 1.1 tools read as booleans, even as keys.
var trap = map[string]string{"on": "true", "off": "false", "yes": "true", "no": "false", "y": "true", "n": "false"}

// codeLike is an integer with a leading zero: tools read it as octal.
var codeLike = regexp.MustCompile(`^[-+]?0[0-9]+$`)

// parseFile reads one YAML file into the tree; nil if it says nothing.
func parseFile(r *reporter, name string, data []byte) *node {
	text := string(data)
	r.files[name] = strings.Split(text, "\n")
	file, err := parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		p := Pos{File: name, Line: 1, Col: 1}
		message := err.Error()
		if tk, ok := err.(interface{ GetToken() *token.Token }); ok && tk.GetToken() != nil {
			p.Line, p.Col = tk.GetToken().Position.Line, tk.GetToken().Position.Column
		}
		if m, ok := err.(interface{ GetMessage() string }); ok {
			message = m.GetMessage()
		}
		r.errorf(p, "not YAML: %s", message)
		return nil
	}
	var root *node
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if root != nil {
			t := doc.Body.GetToken().Position
			r.errorf(Pos{File: name, Line: t.Line, Col: t.Column}, "a file holds one document; split it into two files")
			break
		}
		b := builder{r: r, file: name}
		root = b.node(doc.Body)
	}
	return root
}

// builder turns goccy's syntax tree into nodes.
type builder struct {
	r    *reporter
	file string
}

func (b *builder) pos(t *token.Token) Pos {
	return Pos{File: b.file, Line: t.Position.Line, Col: t.Position.Column}
}

func (b *builder) node(n ast.Node) *node {
	switch x := n.(type) {
	case nil:
		return &node{pos: Pos{File: b.file}}
	case *ast.NullNode:
		return &node{pos: b.pos(x.Token)}
	case *ast.MappingNode:
		return b.mapping(x, x.Values)
	case *ast.MappingValueNode:
		return b.mapping(x, []*ast.MappingValueNode{x})
	case *ast.SequenceNode:
		m := &node{kind: yamlList, pos: b.pos(x.Start)}
		for _, v := range x.Values {
			m.items = append(m.items, b.node(v))
		}
		if !x.IsFlowStyle && len(m.items) > 0 {
			m.pos = m.items[0].pos
		}
		return m
	case *ast.LiteralNode:
		return b.literal(x)
	case *ast.AnchorNode, *ast.AliasNode:
		p := b.pos(n.GetToken())
		b.r.errorf(p, "anchors and aliases are not part of the language; write it out")
		return &node{pos: p}
	case *ast.TagNode:
		p := b.pos(n.GetToken())
		b.r.errorf(p, "tags are not part of the language")
		return &node{pos: p}
	}
	t := n.GetToken()
	m := &node{kind: yamlScalar, pos: b.pos(t), text: t.Value}
	switch t.Type {
	case token.DoubleQuoteType:
		m.style, m.esc = quoted, strings.Contains(t.Origin, `\`)
	case token.SingleQuoteType:
		m.style, m.esc = quoted, strings.Contains(t.Value, "'")
	default:
		if codeLike.MatchString(t.Value) {
			b.r.errorf(m.pos, "the value is %s, which YAML reads as another number: quote it", t.Value)
		}
	}
	if m.style != block && strings.Contains(strings.TrimSpace(t.Origin), "\n") {
		m.style = folded
	}
	return m
}

func (b *builder) mapping(n ast.Node, values []*ast.MappingValueNode) *node {
	m := &node{kind: yamlMap, pos: b.pos(n.GetToken())}
	seen := map[string]bool{}
	for i, v := range values {
		t := v.Key.GetToken()
		e := &entry{key: t.Value, pos: b.pos(t), quoted: t.Type == token.DoubleQuoteType || t.Type == token.SingleQuoteType}
		if i == 0 && (m.pos.Line != e.pos.Line || n.GetToken().Type != token.MappingStartType) {
			m.pos = e.pos // of a block mapping goccy gives the first colon
		}
		if _, ok := v.Key.(*ast.MappingKeyNode); ok || t.Value == "<<" {
			b.r.errorf(e.pos, "only plain keys are part of the language")
			continue
		}
		if seen[e.key] {
			b.r.errorf(e.pos, "key %q stands here twice", e.key)
			continue
		}
		seen[e.key] = true
		if as, bad := trap[strings.ToLower(e.key)]; bad && !e.quoted {
			b.r.hintf(e.pos, "choose another word, or quote it where the engine asks for this one", "%q cannot be an id: YAML tools read it as %s", e.key, as)
		}
		e.value = b.node(v.Value)
		m.keys = append(m.keys, e)
	}
	return m
}

// literal is a block scalar. Of "|" the position of the first line's text is kept, so that CEL errors find their place.
func (b *builder) literal(x *ast.LiteralNode) *node {
	m := &node{kind: yamlScalar, pos: b.pos(x.Start), text: strings.TrimRight(x.Value.Value, "\n"), style: block}
	if strings.HasPrefix(x.Start.Value, ">") {
		m.style = folded
		return m
	}
	lines := b.r.files[b.file]
	for i := m.pos.Line; i < len(lines); i++ {
		if s := strings.TrimLeft(lines[i], " "); s != "" {
			m.pos = Pos{File: b.file, Line: i + 1, Col: len(lines[i]) - len(s) + 1}
			break
		}
	}
	return m
}

// value turns a node into plain Go values, as scenarios are kept.
func (n *node) plainValue() any {
	switch n.kind {
	case yamlMap:
		m := make(map[string]any, len(n.keys))
		for _, e := range n.keys {
			m[e.key] = e.value.plainValue()
		}
		return m
	case yamlList:
		l := make([]any, len(n.items))
		for i, x := range n.items {
			l[i] = x.plainValue()
		}
		return l
	case yamlNull:
		return nil
	}
	if n.style == plain {
		switch n.text {
		case "true":
			return true
		case "false":
			return false
		}
		if v, ok := plainInt(n.text); ok {
			return v
		}
	}
	return n.text
}

func plainInt(s string) (int64, bool) {
	if s == "" || len(s) > 18 {
		return 0, false
	}
	var v int64
	for i, r := range s {
		if r == '-' && i == 0 && len(s) > 1 {
			continue
		}
		if r < '0' || r > '9' {
			return 0, false
		}
		v = v*10 + int64(r-'0')
	}
	if s[0] == '-' {
		v = -v
	}
	return v, true
}
