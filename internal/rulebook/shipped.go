package rulebook

import (
	"zhanggui/internal/expr"
)

// checkShipped evaluates one check of a parameter with the values that the rulebook ships.
func (c *book) checkShipped(p *Parameter, k *Check) {
	if k.That == nil || len(k.That.Cases) == 0 {
		return
	}
	vars := map[string]expr.Value{"value": p.Default}
	if p.Type.Name == "table" {
		vars["rows"] = p.Records(p.Rows)
	}
	x, err := k.That.Cases[0].Is.Eval(&expr.Scope{Vars: vars, Facts: shippedFacts{c: c}})
	if err != nil {
		c.r.errorf(k.Pos, "parameter %s: the check cannot be asked: %v", p.ID, err)
		return
	}
	if ok, known := x.(bool); known && !ok {
		say := k.Say.EN
		if say == "" {
			say = k.That.Cases[0].Is.Text()
		}
		c.r.errorf(k.Pos, "parameter %s: the shipped value fails its check: %s", p.ID, say)
	}
}

// Records are rows of the table as expressions read them (the rows of check:).
func (p *Parameter) Records(rows []map[string]expr.Value) []expr.Value {
	list := make([]expr.Value, len(rows))
	for i, r := range rows {
		list[i] = tableRow{p, r}
	}
	return list
}

// tableRow is a row of a table parameter, as expressions read it.
type tableRow struct {
	p   *Parameter
	row map[string]expr.Value
}

func (t tableRow) Object() string                      { return "param." + t.p.ID + ".row" }
func (t tableRow) ID() string                          { return "" }
func (t tableRow) Get(name string) (expr.Value, error) { return t.row[name], nil }

// shippedFacts knows parameters by their shipped values and nothing else of the world.
type shippedFacts struct {
	expr.Facts
	c *book
}

func (f shippedFacts) find(id string) *Parameter {
	for _, o := range f.c.scope() {
		if p := o.Book.Parameter(id); p != nil {
			return p
		}
	}
	return nil
}

func (f shippedFacts) Param(id string) (expr.Value, bool) {
	if p := f.find(id); p != nil {
		return p.Default, p.Default != nil
	}
	return nil, false
}

func (f shippedFacts) Rows(id string) ([]map[string]expr.Value, bool) {
	if p := f.find(id); p != nil {
		return p.Rows, len(p.Rows) > 0
	}
	return nil, false
}
