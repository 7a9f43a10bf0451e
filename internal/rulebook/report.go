package rulebook

import (
	"slices"
	"strings"

	"zhanggui/internal/expr"
)

func (c *book) declareReports() {
	for _, e := range c.src.elements["report"] {
		b := c.open(e.value, "report", c.Short+".report."+e.key)
		if b == nil {
			continue
		}
		r := &Report{ID: e.key}
		c.node(&r.Node, b)
		r.Pos = e.pos
		if r.Label.ZH == "" {
			r.Label = Label{r.ID, r.ID}
		}
		c.Reports = append(c.Reports, r)
		f := c.sheet(e, r.Label)
		f.Report, r.Form = r, f
		date := FieldType{Name: "date", Expr: dateType}
		c.generated(f, "period_from", date, "期间起", "From").Frozen = true
		c.generated(f, "period_to", date, "期间止", "To").Frozen = true
		c.generated(f, "version", FieldType{Name: "int", Expr: intType}, "版次", "Version").Frozen = true
		r.Ask = c.asked(f, nil, b, "ask", r.Path)
		c.rows(r, b)
		c.reportStates(r, b)
		r.Duty = &Duty{ID: r.ID}
		c.implied(&r.Duty.Node, e.value, r.Path)
		r.Duty.Clause, r.Duty.Label = r.Clause, r.Label
		c.Duties = append(c.Duties, r.Duty)
		c.todo = append(c.todo, func() { c.compileReport(r, b) })
	}
}

// asked declares fields that people type in, on the sheet or in each row.
func (c *book) asked(f *Form, l *Line, b *body, key, path string) []*Field {
	var list []*Field
	for _, e := range b.entries(key) {
		c.id(e, "field")
		fd := c.declareField(f, l, e, path+"."+key+"."+e.key)
		if fd == nil {
			continue
		}
		list = append(list, fd)
		if l != nil {
			l.Fields = append(l.Fields, fd)
			l.field[fd.ID] = fd
		} else {
			f.Fields = append(f.Fields, fd)
			f.field[fd.ID] = fd
		}
	}
	return list
}

// rows declares the table of a report: the record or group of each row, its columns, and what is typed in.
func (c *book) rows(r *Report, b *body) {
	f := r.Form
	l := &Line{ID: "rows", Form: f, Key: f.Key + ".rows", Table: f.Table + "__rows", field: map[string]*Field{}}
	c.implied(&l.Node, &node{pos: r.Pos}, r.Path+".rows")
	l.Label = Label{"明细", "Rows"}
	f.Lines, f.line["rows"] = []*Line{l}, l
	add := func(id string, t FieldType, label Label) *Field {
		fd := &Field{ID: id, Form: f, Line: l, Type: t, Column: id, Frozen: true}
		c.implied(&fd.Node, &node{pos: r.Pos}, l.Path+"."+id)
		fd.Label = label
		l.Fields = append(l.Fields, fd)
		l.field[id] = fd
		return fd
	}
	if n := b.get("of"); n != nil && n.isText() {
		if r.Of = c.forms[n.text]; r.Of == "" {
			c.formNamed(n)
		}
	}
	if t := b.text("row"); t != "" {
		word, of, _ := strings.Cut(t, " ")
		if word != "each" || (of != "" && c.forms[of] != r.Of) {
			c.r.errorf(b.get("row").pos, "row is each <form>, with the form of of:")
		}
		r.Row = "each"
		if r.Of != "" {
			add("of", FieldType{Name: "ref", Form: r.Of, Expr: expr.ObjectOf(r.Of)}, Label{"记录", "Record"})
		}
	}
	if n := b.get("per"); n != nil {
		items := 1
		if n.kind == yamlList {
			items = len(n.items)
		}
		for i := 1; i <= items; i++ {
			add("key"+itoa(i), FieldType{Name: "text", Expr: anyType}, Label{"分组", "Group"})
		}
	}
	if n := b.get("compare"); n != nil {
		d := &Demand{}
		if x := c.wrapped(n, &d.Node, r.Path+".compare"); x.isText() && x.text == "last" {
			r.Compare = d
		} else {
			c.r.errorf(n.pos, "compare is last")
		}
	}
	for _, e := range b.entries("column") {
		c.id(e, "column")
		col := &ReportColumn{ID: e.key, Type: FieldType{Name: "text", Expr: anyType}}
		var secrecy *node
		if e.value.kind == yamlMap {
			if x := c.open(e.value, "column", r.Path+".column."+e.key); x != nil {
				c.node(&col.Node, x)
				if x.get("type") != nil {
					col.Type = c.typeOf(x.get("type"), nil, x.path, x.int("scale"))
				}
				col.Total = x.oneOf("total", "", "sum", "none")
				secrecy = x.get("class")
			}
		} else {
			c.implied(&col.Node, e.value, r.Path+".column."+e.key)
		}
		if col.Label.ZH == "" {
			col.Label = Label{e.key, e.key}
		}
		col.Pos = e.pos
		if l.field[e.key] != nil {
			c.r.errorf(e.pos, "report %s: every row has a %s already; give the column another id", r.ID, e.key)
			continue
		}
		r.Column = append(r.Column, col)
		fd := add(e.key, col.Type, col.Label)
		fd.Clause = col.Clause // a sleeping column is absent
		fd.Total = col.Total == "sum"
		if secrecy != nil {
			c.todo = append(c.todo, func() { c.classColumn(r, fd, secrecy) })
		}
		for _, x := range r.compared(col.ID) {
			if l.field[x.id] != nil {
				c.r.errorf(e.pos, "report %s: compare: needs the name %s for itself; give the column another id", r.ID, x.id)
				continue
			}
			add(x.id, col.Type, Label{col.Label.ZH + x.label.ZH, col.Label.EN + x.label.EN}).Clause = r.Compare.Clause
		}
	}
	r.RowAsk = c.asked(f, l, b, "row_ask", r.Path)
	for _, n := range b.names("totals") {
		c.totals(r, n)
	}
}

// classColumn classifies a column, and with it what stands beside it and its totals.
func (c *book) classColumn(r *Report, fd *Field, n *node) {
	fd.Class = c.classRef(n, fd.Path+".class")
	if fd.Class == nil {
		return
	}
	if fd.Class.Class.Personal {
		c.r.errorf(n.pos, "report %s: a column is worked out and kept as it is, so its class cannot be personal", r.ID)
	}
	for _, l := range r.Form.Lines {
		for _, x := range r.compared(fd.ID) {
			if beside := l.field[x.id]; beside != nil {
				beside.Class = fd.Class
			}
		}
		if sum := l.field[fd.ID]; sum != nil {
			sum.Class = fd.Class
		}
		if key := l.field["key"]; key != nil && l.ID == "by_"+fd.ID {
			key.Class = fd.Class
		}
	}
}

// comparison is what compare: puts beside a column.
type comparison struct {
	id    string
	label Label
}

func (r *Report) compared(column string) []comparison {
	if r.Compare == nil {
		return nil
	}
	return []comparison{{column + "_last", Label{"（上期）", " (last period)"}}, {column + "_diff", Label{"（增减）", " (change)"}}}
}

// settleCompared gives what stands beside a column the column's type; beside what is no number nothing stands.
func (c *book) settleCompared(r *Report, col *ReportColumn, settle func(*Field, expr.Type)) {
	l := r.Form.line["rows"]
	switch col.Type.Expr.Kind {
	case expr.KInt, expr.KDecimal, expr.KMoney:
		for _, x := range r.compared(col.ID) {
			if fd := l.field[x.id]; fd != nil {
				settle(fd, col.Type.Expr)
				fd.Type = col.Type
			}
		}
		return
	}
	for _, x := range r.compared(col.ID) {
		delete(l.field, x.id)
		l.Fields = slices.DeleteFunc(l.Fields, func(fd *Field) bool { return fd.ID == x.id })
	}
}

// totals declares the table by_<column> of a report: for each value of a column how many rows have it, and their sums.
func (c *book) totals(r *Report, n *node) {
	f := r.Form
	by := f.line["rows"].field[n.text]
	if by == nil || !slices.ContainsFunc(r.Column, func(col *ReportColumn) bool { return col.ID == n.text }) {
		c.r.errorf(n.pos, "totals: report %s has no column %s", r.ID, n.text)
		return
	}
	id := "by_" + n.text
	l := &Line{ID: id, Form: f, Key: f.Key + "." + id, Table: f.Table + "__" + id, field: map[string]*Field{}}
	c.implied(&l.Node, n, r.Path+".totals."+n.text)
	l.Label = Label{"按" + by.Label.ZH + "合计", "Totals by " + strings.ToLower(by.Label.EN)}
	f.Lines, f.line[id] = append(f.Lines, l), l
	for _, from := range append([]*Field{by, nil}, f.line["rows"].Fields...) {
		fd := &Field{ID: "rows", Form: f, Line: l, Column: "rows", Type: FieldType{Name: "int", Expr: intType}, Frozen: true}
		fd.Label = Label{"件数", "Number"}
		switch {
		case from == by && len(l.Fields) == 0:
			fd.ID, fd.Column, fd.Type, fd.Label = "key", "key", by.Type, by.Label
		case from != nil && !from.Total:
			continue
		case from != nil:
			fd.ID, fd.Column, fd.Type, fd.Label, fd.Clause, fd.Total = from.ID, from.ID, from.Type, from.Label, from.Clause, true
		}
		c.implied(&fd.Node, n, l.Path+"."+fd.ID)
		l.Fields = append(l.Fields, fd)
		l.field[fd.ID] = fd
	}
}

// reportStates: open → submitted, → final if somebody signs; a correction makes a new version.
func (c *book) reportStates(r *Report, b *body) {
	f := r.Form
	signed := b.get("sign") != nil
	c.state(f, "open", "待填报", "Open", false)
	c.state(f, "submitted", "已填报", "Submitted", !signed)
	if signed {
		c.state(f, "final", "已定案", "Final", true)
	}
	c.state(f, "corrected", "已更正", "Corrected", true)
	f.state["corrected"].Path = false
	c.byClock(f.action["create"])
	a := c.act(f, "submit", "填报", "Submit", "open", "submitted")
	f.Number = &Number{Pattern: []NumberPart{{Token: "yy"}, {Token: "mm"}, {Token: "n", Width: 2}}, Upon: &UponRef{Action: "submit"}, Per: &PerRef{Period: "month"}}
	for _, n := range []*Node{&f.Number.Node, &f.Number.Upon.Node, &f.Number.Per.Node} {
		c.implied(n, &node{pos: r.Pos}, f.Path+".number")
	}
	for _, fd := range r.Ask {
		c.demand(a, fd.ID, false)
	}
	if len(r.RowAsk) > 0 {
		c.demand(a, "rows", true) // a period without rows is reported too
	}
	a.Lock = &Lock{All: true}
	c.implied(&a.Lock.Node, &node{pos: r.Pos}, a.Path+".lock")
	if signed {
		c.act(f, "sign", "会签", "Sign", "submitted", "final")
	}
	k := c.act(f, "correct", "更正", "Correct", "submitted", "corrected")
	if signed {
		k.From.States = append(k.From.States, "final")
	}
	k.Reason = &Demand{N: 2}
	c.implied(&k.Reason.Node, &node{pos: r.Pos}, k.Path+".reason")
}

func (c *book) compileReport(r *Report, b *body) {
	f := r.Form
	sheet := c.formPlace(f)
	of := c.l.lib.Forms[r.Of]
	member := c.dutyPlace(of)
	r.Every = c.every(b.must("every"), r.Path+".every", sheet)
	r.DueAt = c.dues(b.get("due"), r.Path+".due", sheet)
	r.Warn = c.marks(b.list("warn"), r.Path+".warn")
	r.By = c.who(b.get("by"), r.Path+".by", sheet)
	r.Where = c.value(b.get("where"), r.Path+".where", member, boolType)
	c.queried(r.Where, b.get("where"), "this", "report "+r.ID+": where")
	if of == nil && (len(r.Column) > 0 || r.Where != nil) {
		c.r.errorf(r.Pos, "report %s: columns and where: need of:, the form reported on", r.ID)
	}
	r.Per = c.cels(b.get("per"), &r.Node, member)
	settle := func(fd *Field, t expr.Type) {
		fd.Type = typeNamed(t)
		c.l.settle(f.Key+".rows", fd.ID, func(x *expr.Field) { x.Type = fd.Type.Expr })
	}
	for i, e := range r.Per {
		if fd := f.line["rows"].field["key"+itoa(i+1)]; fd != nil {
			settle(fd, e.Type())
		}
	}
	c.columns(r, b, of, member, settle)
	r.Require = c.checksOf(b.list("require"), r.Path+".require", sheet)
	r.Do = c.effects(b.get("do"), r.Path+".do", sheet)
	r.Late = c.effects(b.get("late"), r.Path+".late", sheet.with("holder", whoType))
	c.byClock(f.action["void"]) // what is owed is not taken out; what is wrong is corrected
	if len(r.DueAt) > 0 {
		f.action["void"].Clause = r.DueAt[0].Clause
	}
	submit := f.action["submit"]
	submit.By, submit.Require = r.By, r.Require
	submit.Do = append(submit.Do, r.Do...)
	f.action["edit"].By, f.action["correct"].By = r.By, r.By
	again := map[string]string{"period_from": "this.period_from", "period_to": "this.period_to", "version": "this.version + 1", "unit": "this.unit"}
	anew := &Effect{Kind: "create", Form: f.Key}
	c.implied(&anew.Node, &node{pos: r.Pos}, r.Path+".correct")
	for _, k := range sortedKeys(again) {
		n := &node{kind: yamlScalar, pos: r.Pos, text: again[k]}
		anew.Set = append(anew.Set, &Assign{Field: k, Pos: r.Pos, Value: c.value(n, anew.Path+"."+k, sheet, anyType)})
	}
	f.action["correct"].Do = []*Effect{anew}
	f.field["version"].Default = c.value(&node{kind: yamlScalar, pos: r.Pos, text: "1"}, r.Path+".version", sheet, intType)
	c.reportSign(r, b, sheet, member)
	c.reportTo(r, b, sheet)
	d := r.Duty
	d.Every, d.DueAt, d.Warn, d.Late = r.Every, r.DueAt, r.Warn, r.Late
	d.Open = &Offset{Base: "end"}
	d.Met = &Met{Create: f.Key, To: "submit"}
	c.implied(&d.Met.Node, b.n, r.Path+".met")
	if r.By != nil {
		d.Holder = &HolderRef{Who: r.By}
		c.implied(&d.Holder.Node, b.n, r.Path+".by")
	}
}

func (c *book) columns(r *Report, b *body, of *Form, member place, settle func(*Field, expr.Type)) {
	it := anyType
	if of != nil {
		it = expr.ListOf(expr.ObjectOf(of.Key))
		if r.Row == "each" {
			it = expr.ObjectOf(of.Key)
		}
	}
	p := c.common().with("it", it).with("row", expr.ObjectOf(r.Form.Key+".rows")).with("period", perType)
	for _, col := range r.Column {
		n := b.get("column").at(col.ID)
		is := n
		if n.kind == yamlMap {
			if is = n.at("is"); is == nil {
				c.r.errorf(n.pos, "column %s of report %s lacks is:", col.ID, r.ID)
				continue
			}
		}
		col.Is = c.value(is, r.Path+".column."+col.ID, p, col.Type.Expr)
		if col.Is != nil && col.Type.Expr.Kind == expr.KAny && len(col.Is.Cases) > 0 {
			if col.Type = c.fieldAt(col.Is.Cases[0].Is.Text(), of); col.Type.Name == "" {
				col.Type = c.sameChoice(typeNamed(col.Is.Cases[0].Is.Type()), col.Is.Cases[0].Is)
			}
		}
		settle(r.Form.line["rows"].field[col.ID], col.Type.Expr)
		r.Form.line["rows"].field[col.ID].Type = col.Type
		c.settleCompared(r, col, settle)
		for _, l := range r.Form.Lines[1:] { // the totals have the column's type too
			for _, fd := range l.Fields {
				if fd.ID == col.ID || fd.ID == "key" && l.ID == "by_"+col.ID {
					fd.Type = col.Type
					c.l.settle(l.Key, fd.ID, func(x *expr.Field) { x.Type = fd.Type.Expr })
				}
			}
		}
	}
}

// fieldAt is the type of the field at the end of a plain path from the record a row reports on, so that its options keep their
// names and a percentage stays one; without a name if the text is no such path.
func (c *book) fieldAt(text string, of *Form) FieldType {
	path := strings.Split(text, ".")
	if len(path) < 2 || path[0] != "it" {
		return FieldType{}
	}
	for i, id := range path[1:] {
		if of == nil {
			return FieldType{}
		}
		fd := of.field[id]
		switch {
		case fd == nil:
			return FieldType{}
		case i == len(path)-2:
			if fd.Type.Name == "file" || fd.Type.Name == "files" {
				return FieldType{}
			}
			return fd.Type
		}
		of = c.l.lib.Forms[fd.Type.Expr.Object]
	}
	return FieldType{}
}

// sameChoice gives a column that repeats a choice, or the state of a record, the words of what it repeats.
func (c *book) sameChoice(t FieldType, x *expr.Expr) FieldType {
	object, field, ok := x.Leads()
	f := c.l.lib.Forms[object]
	if !ok || f == nil || t.Expr.Kind != expr.KChoice && t.Expr.Kind != expr.KText {
		return t
	}
	if fd := f.Field(field); fd != nil && fd.Type.Name == "choice" {
		return fd.Type
	}
	if field != "state" {
		return t
	}
	var list []*Option
	for _, s := range f.States {
		o := &Option{ID: s.ID}
		c.implied(&o.Node, &node{pos: s.Pos}, f.Key+".state."+s.ID)
		o.Label = s.Label
		list = append(list, o)
	}
	return choiceType(list)
}

// typeNamed is the field type that holds values of an expression's type.
func typeNamed(t expr.Type) FieldType {
	f := FieldType{Expr: t, Scale: t.Scale}
	switch t.Kind {
	case expr.KInt:
		f.Name = "int"
	case expr.KBool:
		f.Name = "bool"
	case expr.KMoney:
		f.Name, f.Scale, f.Expr.Scale = "money", 2, 2
	case expr.KDecimal:
		if f.Scale == 0 {
			f.Scale, f.Expr.Scale = 4, 4
		}
		f.Name = "decimal"
	case expr.KDate:
		f.Name = "date"
	case expr.KDatetime:
		f.Name = "datetime"
	case expr.KSpan:
		f.Name = "duration"
	case expr.KObject:
		f.Name, f.Form = "ref", t.Object
		switch t.Object {
		case "base.person":
			f.Name = "person"
		case "base.unit":
			f.Name = "unit"
		}
	case expr.KList:
		f.Name = "list"
		if t.Elem != nil && t.Elem.Kind == expr.KObject {
			f.Name, f.Form = "refs", t.Elem.Object
		}
	case expr.KWho:
		f.Name, f.Form, f.Expr = "refs", "base.person", expr.ListOf(person)
	case expr.KChoice: // the options' labels belong to the field it came from
		f.Name, f.Expr = "text", textType
	default:
		f.Name, f.Expr = "text", textType
	}
	return f
}

// reportSign makes sign: an approval of its own, so that signing a report is signing anything.
func (c *book) reportSign(r *Report, b *body, sheet, member place) {
	n := b.get("sign")
	if n == nil {
		return
	}
	a := &Approval{ID: r.ID + "_sign", Form: r.Form.Key}
	x := n
	if n.kind == yamlMap && n.at("is") != nil && n.at("is").kind == yamlMap {
		x = c.wrapped(n, &a.Node, r.Path+".sign")
	} else if n.kind == yamlMap {
		c.node(&a.Node, &body{c, n, "seat", r.Path + ".sign"})
	} else {
		c.implied(&a.Node, n, r.Path+".sign")
	}
	a.Label = Label{r.Label.ZH + "会签", r.Label.EN + ": signatures"}
	if x.kind == yamlMap {
		if row := x.at("row"); row != nil {
			a.Row = c.cel(row, &a.Node, member, anyType)
			if a.Row != nil && !isWho(a.Row.Type()) {
				c.r.errorf(row.pos, "who signs each row? %q is no person or role", a.Row.Text())
			}
			if r.Row != "each" {
				c.r.errorf(row.pos, "report %s has no row for each record, so rows have no signers; give row: each", r.ID)
			}
		}
		a.Within = c.value(x.at("within"), r.Path+".sign.within", sheet, spanType)
		r.Form.action["sign"].Require = c.checksOf((&body{c, x, "seat", r.Path + ".sign"}).list("require"), r.Path+".sign.require", sheet)
	}
	row := &ApprovalRow{Sign: c.seat(x, r.Path+".sign", sheet)}
	c.implied(&row.Node, x, r.Path+".sign")
	a.Rows = []*ApprovalRow{row}
	c.Approvals = append(c.Approvals, a)
	it := &WhoItem{Approval: a.ID}
	c.implied(&it.Node, x, r.Path+".sign")
	it.Clause = a.Clause
	r.Form.action["sign"].By = &Who{Items: []*WhoItem{it}}
	c.last = append(c.last, func() { c.signClock(a) })
}

// reportTo tells the readers at submission; confirm: asks them to confirm.
func (c *book) reportTo(r *Report, b *body, sheet place) {
	n := b.get("to")
	r.Confirm = c.value(b.get("confirm"), r.Path+".confirm", sheet, spanType)
	if n == nil {
		return
	}
	tell := &Effect{Kind: "notify"}
	x := n
	if n.kind == yamlMap {
		x = c.wrapped(n, &tell.Node, r.Path+".to")
		if r.Confirm == nil {
			r.Confirm = c.value(n.at("confirm"), r.Path+".confirm", sheet, spanType)
		}
	} else {
		c.implied(&tell.Node, n, r.Path+".to")
	}
	r.To = c.who(x, r.Path+".to", sheet)
	tell.To, tell.Confirm = r.To, r.Confirm
	tell.Text = Label{r.Label.ZH + "已填报", r.Label.EN + " is submitted"}
	r.Form.action["submit"].Do = append(r.Form.action["submit"].Do, tell)
}

// byClock keeps people from an action: the engine does it when its time has come.
func (c *book) byClock(a *Action) {
	it := &WhoItem{Clock: true}
	c.implied(&it.Node, &node{pos: a.Pos}, a.Path+".by")
	a.By = &Who{Items: []*WhoItem{it}}
}
