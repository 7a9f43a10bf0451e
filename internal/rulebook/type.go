package rulebook

import (
	"strings"

	"github.com/govalues/decimal"

	"zhanggui/internal/expr"
)

var simpleTypes = map[string]expr.Type{
	"text": textType, "note": textType, "phone": textType, "email": textType, "idno": textType, "uscc": textType,
	"place": textType, "secret": textType, "file": textType, "files": expr.ListOf(textType),
	"int": intType, "number": intType, "bool": boolType, "date": dateType, "datetime": timeType, "time": expr.Of(expr.KTime),
	"duration": spanType, "period": spanType, "money": {Kind: expr.KMoney, Scale: 2}, "range": expr.Of(expr.KRange),
	"decimal": expr.DecimalOf(4), "quantity": expr.DecimalOf(3), "percent": expr.DecimalOf(6),
	"list": expr.ListOf(textType), "who": whoType,
}

// typeOf reads a field's or parameter's type: a simple word, choice, person, unit, a form's id, or list of one of them.
func (c *book) typeOf(n *node, options *node, path string, scale int) FieldType {
	fallback := FieldType{Name: "text", Expr: textType}
	if n == nil {
		return fallback
	}
	if !n.isText() {
		c.r.errorf(n.pos, "a type is a word, not %s", n.what())
		return fallback
	}
	word := n.text
	if rest, ok := strings.CutPrefix(word, "list of "); ok {
		inner := c.typeOf(&node{kind: yamlScalar, pos: n.pos, text: rest}, options, path, scale)
		t := FieldType{Name: "list", Form: inner.Form, Options: inner.Options, Expr: expr.ListOf(inner.Expr)}
		if inner.Form != "" {
			t.Name = "refs"
		}
		if inner.Name == "choice" {
			t.Name = "choices"
		}
		return t
	}
	switch word {
	case "choice", "choices":
		t := FieldType{Name: word, Options: c.options(options, path)}
		var ids []string
		for _, o := range t.Options {
			ids = append(ids, o.ID)
		}
		t.Expr = expr.ChoiceOf(ids...)
		if word == "choices" {
			t.Expr = expr.ListOf(t.Expr)
		}
		return t
	case "person", "unit":
		return FieldType{Name: word, Form: "base." + word, Expr: expr.ObjectOf("base." + word)}
	case "country":
		return c.countries(n, path)
	case "form set":
		return FieldType{Name: "list", Expr: expr.ListOf(textType)}
	}
	if form, ok := strings.CutPrefix(word, "state of "); ok {
		return c.statesOf(n, form, path)
	}
	if of, ok := strings.CutPrefix(word, "choice of "); ok {
		return c.choiceOf(n, of, path)
	}
	if t, ok := simpleTypes[word]; ok {
		f := FieldType{Name: word, Expr: t, Scale: t.Scale}
		switch word {
		case "percent": // stored as a fraction; the scale is that of the percent figure
			f.Scale = 4
			if scale > 0 {
				f.Scale = scale
				f.Expr.Scale = scale + 2
			}
		case "decimal", "quantity":
			if scale > 0 {
				f.Scale, f.Expr.Scale = scale, scale
			}
		}
		return f
	}
	if key, ok := c.forms[word]; ok {
		return FieldType{Name: "ref", Form: key, Expr: expr.ObjectOf(key)}
	}
	known := append(sortedKeys(simpleTypes), "choice", "choices", "country", "person", "unit", "table")
	c.r.hintf(n.pos, meant(word, append(known, sortedKeys(c.forms)...)), "there is no type or form %q", word)
	return fallback
}

// statesOf is a choice among the states of a form: where one of its records stood, said in that form's words.
func (c *book) statesOf(n *node, form, path string) FieldType {
	var list []*Option
	if states := c.source(form).at("state"); states != nil && states.kind == yamlMap {
		for _, s := range states.keys {
			x := &Option{ID: s.key}
			c.implied(&x.Node, n, path+".options."+s.key)
			x.Label = Label{s.key, s.key}
			l := s.value
			if l.kind == yamlMap {
				l = l.at("label")
			}
			if l != nil && l.isText() {
				x.Label = c.label(l, "label")
			}
			list = append(list, x)
		}
	}
	if len(list) == 0 {
		c.r.hintf(n.pos, meant(form, sortedKeys(c.forms)), "there is no form %q with states", form)
	}
	return choiceType(list)
}

// choiceOf is the choice of another form's field, "order.kind": its ids, said in its words.
func (c *book) choiceOf(n *node, of, path string) FieldType {
	form, field, _ := strings.Cut(of, ".")
	var list []*Option
	if f := c.source(form).at("field").at(field); f != nil {
		list = c.options(f.at("options"), path)
	}
	if len(list) == 0 {
		c.r.hintf(n.pos, "", "there is no choice %q; write form.field", of)
	}
	return choiceType(list)
}

func choiceType(list []*Option) FieldType {
	var ids []string
	for _, o := range list {
		ids = append(ids, o.ID)
	}
	return FieldType{Name: "choice", Options: list, Expr: expr.ChoiceOf(ids...)}
}

// source is a form as it is written, of this book or one it builds upon; nil if there is none.
func (c *book) source(form string) *node {
	for _, o := range c.scope() {
		for _, e := range o.src.elements["form"] {
			if e.key == form {
				return e.value
			}
		}
	}
	return nil
}

// options are written as ids or as mappings with label and clause.
func (c *book) options(n *node, path string) []*Option {
	if n == nil {
		return nil
	}
	if n.kind != yamlList {
		c.r.errorf(n.pos, "options is a list, not %s", n.what())
		return nil
	}
	var list []*Option
	seen := map[string]bool{}
	for _, x := range n.items {
		o := &Option{}
		if x.kind == yamlMap {
			b := c.open(x, "option", path+".options")
			o.ID = b.text("id")
			b.path += "." + o.ID
			c.node(&o.Node, b)
			if as, bad := trap[o.ID]; bad && b.get("id").style == plain {
				c.r.errorf(b.get("id").pos, "%q cannot be an id: YAML tools read it as %s", o.ID, as)
			}
		} else if x.isText() {
			o.ID = x.text
			c.implied(&o.Node, x, path+".options."+o.ID)
		}
		if o.ID == "" {
			c.r.errorf(x.pos, "an option is an id or {id: …, label: …}")
			continue
		}
		if o.Label.ZH == "" {
			o.Label = Label{ZH: o.ID, EN: o.ID}
		}
		if seen[o.ID] {
			c.r.errorf(x.pos, "option %q stands here twice", o.ID)
		}
		seen[o.ID] = true
		list = append(list, o)
	}
	return list
}

// literal reads a literal of a type; nil if it is none (reported) or absent.
func (c *book) literal(n *node, t FieldType, what string) expr.Value {
	if n == nil {
		return nil
	}
	if n.kind == yamlList && t.Expr.Kind == expr.KList && t.Expr.Elem != nil {
		list := []expr.Value{}
		for _, x := range n.items {
			list = append(list, c.literal(x, FieldType{Name: "item", Expr: *t.Expr.Elem}, what))
		}
		return list
	}
	if !n.isText() {
		c.r.errorf(n.pos, "%s is a literal of type %s, not %s", what, t.Name, n.what())
		return nil
	}
	if t.Expr.Kind == expr.KChoice && len(t.Options) > 0 && !contains(t.Expr.Options, n.text) {
		c.r.hintf(n.pos, meant(n.text, t.Expr.Options), "%s %q is none of the options", what, n.text)
		return nil
	}
	v, err := ParseLiteral(n.text, t)
	if err != nil {
		c.r.errorf(n.pos, "%s: %v", what, err)
		return nil
	}
	return v
}

// ParseLiteral reads a literal as people write it in a rulebook, a form or a parameter. A percentage is written as its figure, 15
// or 15%, and held as the fraction 0.15, so that `this.ratio == pct('15')` and `amount * this.ratio` mean what they say.
func ParseLiteral(text string, t FieldType) (expr.Value, error) {
	v, err := expr.ParseLiteral(text, t.Expr, zone)
	if d, ok := v.(expr.Decimal); ok && err == nil && t.Name == "percent" && !strings.HasSuffix(strings.TrimSpace(text), "%") {
		q, err := d.Quo(decimal.Hundred)
		if err != nil {
			return nil, err
		}
		return expr.Decimal{Decimal: q}, nil
	}
	return v, err
}

// FormatLiteral writes a value as ParseLiteral reads it.
func FormatLiteral(v expr.Value, t FieldType) string {
	if d, ok := v.(expr.Decimal); ok && t.Name == "percent" {
		if q, err := d.Mul(decimal.Hundred); err == nil {
			return q.Trim(0).String()
		}
	}
	return expr.Format(v, t.Expr)
}
