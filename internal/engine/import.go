package engine

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"zhanggui/internal/calendar"
	"zhanggui/internal/expr"
	"zhanggui/internal/fault"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// Records come in from a sheet row by row, each by the same act as one that is typed: nothing is let in that
// the form would not take. What people write in a cell is read as they mean it: a name for what it refers to,
// a choice by its label, a date in any of the usual ways.

// ImportWrong is one mistake in a row: where, and what to do about it.
type ImportWrong struct {
	Field  string `json:"field,omitempty"`
	Column int    `json:"column"` // of the sheet, from 0; -1: of the row as a whole
	Clause string `json:"clause,omitempty"`
	Say    Text   `json:"say"`
}

// Importer reads rows into one form in one person's name.
type Importer struct {
	e     *Engine
	actor Actor
	form  *rulebook.Form
	refs  map[string]foundRef
	said  map[string]int // a field and what tells records apart by it → the row that said it first
}

// AtTurn is a context whose act calls f once its turn is before the turns of all that ask after it. On PostgreSQL there are turns among the acts
// of one Share alone; without, f is not called.
func AtTurn(ctx context.Context, f func()) context.Context { return store.AtTurn(ctx, f) }

// Share is a context whose acts come one after the other and share commits, as all do on SQLite.
func Share(ctx context.Context) context.Context { return store.Share(ctx) }

// Refers tells whether a row with these fields may name what another row brings.
func (im *Importer) Refers(fields []string) bool {
	for _, id := range fields {
		if f := im.form.Field(id); f != nil && f.Type.Form == im.form.Key {
			return true
		}
	}
	return false
}

type foundRef struct {
	id  string
	say Text
}

// Importer judges whether the actor may bring records into a form, and answers what a sheet may give.
func (e *Engine) Importer(ctx context.Context, now time.Time, actor Actor, form string) (*Importer, []FieldView, error) {
	actor.Origin = "import"
	im := &Importer{e: e, actor: actor, refs: map[string]foundRef{}, said: map[string]int{}}
	var fields []FieldView
	err := e.read(ctx, now, actor, func(w *work) error {
		f, err := w.formSeen(form)
		if err != nil {
			return err
		}
		im.form = f
		if err := w.judgeImport(f); err != nil {
			return err
		}
		fields = nil
		for _, x := range w.formView(f).Fields {
			fd := f.Field(x.ID)
			if !importable(fd) || mergeField(f, fd.ID) {
				continue
			}
			blank := w.blank(f, w.myUnit())
			if only := bySheet(f, fd); only == nil || w.mayBySheet(blank, only, w.view(blank)) {
				fields = append(fields, x)
			}
		}
		return nil
	})
	if ref, ok := AsRefusal(err); ok {
		e.logRefusal(ctx, now, Act{Form: form, Action: "import", Actor: actor}, ref)
	}
	return im, fields, err
}

// bySheet is what a rulebook says of a field that comes from a sheet alone, such as since when another system had a record; nil for others.
func bySheet(f *rulebook.Form, fd *rulebook.Field) *rulebook.Fill {
	if a := f.Action("import"); a != nil {
		for _, x := range a.Fill {
			if x.Field == fd.ID && x.By != nil {
				return x
			}
		}
	}
	return nil
}

// mayBySheet tells whether the actor is one of those who may bring such a field in.
func (w *work) mayBySheet(r *Record, x *rulebook.Fill, view *rulebook.View) bool {
	for _, item := range x.By.Items {
		if !view.Awake(&item.Node) {
			continue
		}
		if ids, any, err := w.whoItem(r, item, view); err == nil && (any || contains(ids, w.actor.Person)) {
			return true
		}
	}
	return false
}

func importable(f *rulebook.Field) bool {
	return f != nil && f.Value == nil && !f.Frozen && f.Type.Name != "file" && f.Type.Name != "files" && f.Type.Name != "secret"
}

// judgeImport asks the import action, the gates on it, and whether the actor may file such a record at all.
func (w *work) judgeImport(f *rulebook.Form) error {
	r := w.blank(f, w.myUnit())
	view := w.view(r)
	for _, id := range []string{"import", "create"} {
		a := f.Action(id)
		if a == nil || f.Kept == "engine" {
			return fault.New(fault.Invalid, "“"+f.Label.ZH+"”不能导入", "Records of “"+text(f.Label).EN+"” cannot be imported")
		}
		if !view.Awake(&a.Node) || id == "import" && a.By == nil {
			continue
		}
		if err := w.judgeWho(r, a, view, demand{person: true}); err != nil {
			return err
		}
	}
	return w.judgeGates(r, f.Action("import"), demand{person: true})
}

// Begin enters into the journal that a sheet is brought in, unless it is only tried, and does in the same transaction what also
// says: the work is ordered by the act or not at all.
func (im *Importer) Begin(ctx context.Context, now time.Time, file string, rows int, dry bool, also func(*store.Tx) error) error {
	now = now.UTC().Truncate(time.Millisecond)
	return im.e.DB.Write(ctx, func(tx *store.Tx) error {
		if !dry && !im.e.opts.Quiet {
			w, err := im.e.begin(ctx, tx, now, im.actor)
			if err != nil {
				return err
			}
			if err := w.logRead(nil, im.form.Key, "import", map[string]any{"file": file, "rows": int64(rows)}); err != nil {
				return err
			}
		}
		return also(tx)
	})
}

// What became of a row.
const (
	RowNew     = "new"     // filed
	RowChanged = "changed" // a record that was there was changed to what it says
	RowSame    = "same"    // a record that was there says so already
)

// ImportMatch tells whether rows may be matched with records by a field: no two have it alike, and it can be read.
func ImportMatch(f FieldView) bool { return f.Unique && f.Class == "" }

// Row brings in one row: fields names the field of each column, "" for none. With match, a field, a record of the reader's that has the
// row's value there is changed to what the row says, where a cell is filled; else the row is filed. It answers what became of it, or
// what is wrong. Under the same key a row comes in once. The error is ours, not the row's.
func (im *Importer) Row(ctx context.Context, now time.Time, match string, fields, cells []string, key string, dry bool) (string, []ImportWrong, error) {
	column := map[string]int{}
	values := map[string]any{}
	var wrong []ImportWrong
	there, same := "", false
	err := im.may(ctx, now, func(w *work) error {
		wrong, there, same = nil, "", false
		for i, id := range fields {
			if id == "" || i >= len(cells) || strings.TrimSpace(cells[i]) == "" {
				continue
			}
			f := im.form.Field(id)
			if !importable(f) {
				return unknownField(id)
			}
			column[id] = i
			v, say := im.value(w, f, strings.TrimSpace(cells[i]))
			if say.ZH != "" {
				wrong = append(wrong, ImportWrong{Field: id, Column: i, Say: say})
				continue
			}
			values[id] = v
		}
		if match == "" || len(wrong) > 0 {
			return nil
		}
		f := im.form.Field(match)
		if _, given := values[match]; !given {
			l := textOr(f.Label, f.ID)
			wrong = append(wrong, ImportWrong{Field: match, Column: slices.Index(fields, match), Say: Text{"按“" + l.ZH + "”认已有的，这一行没有填它", "Rows are matched by " + l.EN + "; this one has none"}})
			return nil
		}
		var err error
		there, same, err = im.there(w, f, values)
		return err
	})
	if err != nil || len(wrong) > 0 {
		return "", wrong, err
	}
	if same {
		return RowSame, nil, nil
	}
	act := Act{Form: im.form.Key, Action: "create", Values: values, Key: key, Dry: dry, Actor: im.actor}
	how := RowNew
	if there != "" {
		act.Action, act.Record, how = "edit", there, RowChanged
		if key != "" {
			act.Key += "/" + how
		}
	}
	at := func(field string) int {
		if i, ok := column[field]; ok {
			return i
		}
		for i, id := range fields {
			if id == field {
				return i
			}
		}
		return -1
	}
	if _, err = im.e.Do(ctx, now, act); err == nil {
		return how, nil, nil
	}
	if ref, ok := AsRefusal(err); ok {
		if err := im.may(ctx, now, func(*work) error { return nil }); err != nil {
			return "", nil, err // what is refused is he, whose right ended meanwhile, and not the row
		}
		for _, item := range ref.Items {
			wrong = append(wrong, ImportWrong{item.Field, at(item.Field), item.Clause, text(item.Say)})
		}
		return "", wrong, nil
	}
	var bad *fault.Error
	if !errors.As(err, &bad) || bad.Kind != fault.Invalid && bad.Kind != fault.Conflict {
		return "", nil, err
	}
	for _, x := range bad.Fields {
		wrong = append(wrong, ImportWrong{Field: x.Path, Column: at(x.Path), Say: Text{x.ZH, x.EN}})
	}
	if len(wrong) == 0 {
		say := Text{bad.ZH, bad.EN}
		if errors.Is(err, errKeyReused) {
			say = Text{"这一行已经导入过，内容和这次不同；要改就到那份记录里改", "This row came in before with other content; change the record itself"}
		}
		wrong = append(wrong, ImportWrong{Column: -1, Say: say})
	}
	return "", wrong, nil
}

// may reads on if the actor may bring records in, still: his right may have ended since the row before.
func (im *Importer) may(ctx context.Context, now time.Time, fn func(*work) error) error {
	err := im.e.read(ctx, now, im.actor, func(w *work) error {
		if _, err := w.formSeen(im.form.Key); err != nil {
			return err
		}
		if err := w.judgeImport(im.form); err != nil {
			return err
		}
		return fn(w)
	})
	if ref, ok := AsRefusal(err); ok {
		im.e.logRefusal(ctx, now, Act{Form: im.form.Key, Action: "import", Actor: im.actor}, ref)
	}
	return err
}

// there finds the record that a row is about, and tells whether it says all that the row says. What the reader does not see in it
// counts as other: that it is the same is not told.
func (im *Importer) there(w *work, match *rulebook.Field, values map[string]any) (string, bool, error) {
	raw := func(f *rulebook.Field, v any) (any, error) {
		x, err := w.fromAPI(v, f.Type)
		if err == nil && f.Unique {
			x, err = identifier(x, f.Type)
		}
		if err != nil {
			return nil, err
		}
		return encode(x, f.Type)
	}
	key, err := raw(match, values[match.ID])
	if err != nil {
		return "", false, nil // the act says what is wrong with it
	}
	rows, err := w.tx.Select(query.Select{Table: im.form.Table, Alias: "this", Limit: 1, Where: query.And(query.Eq("this", match.ID, key), standing("this"), w.where(im.form, "this"))})
	if err != nil || len(rows) == 0 {
		return "", false, err
	}
	r := w.adopt(im.form, rows[0])
	if !w.classSeen(r) {
		return "", false, nil
	}
	for _, id := range sortedKeys(values) {
		f := im.form.Field(id)
		x, err := raw(f, values[id])
		if err != nil || w.visible(r, f) != full {
			return r.id, false, nil
		}
		if same, err := r.holds(f, x); err != nil || !same {
			return r.id, false, err
		}
	}
	return r.id, true, nil
}

var dateShape = regexp.MustCompile(`^(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T]+(\d{1,2}):(\d{2})(?::\d{2})?)?$`)

// value reads a cell as the API takes it; a text says what is wrong and what to do.
func (im *Importer) value(w *work, f *rulebook.Field, s string) (any, Text) {
	t := f.Type
	name := textOr(f.Label, f.ID)
	choose := func(s string) (any, Text) {
		var may []string
		for _, o := range t.Options {
			l := textOr(o.Label, o.ID)
			if fold(s) == fold(l.ZH) || fold(s) == fold(l.EN) || s == o.ID {
				return o.ID, Text{}
			}
			may = append(may, l.ZH)
		}
		return nil, Text{"“" + name.ZH + "”没有“" + s + "”，可填：" + strings.Join(may[:min(len(may), 8)], "、"), name.EN + " has no “" + s + "”"}
	}
	list := func(one func(string) (any, Text)) (any, Text) {
		out := []any{}
		for _, x := range strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune("、，,;；\n", r) }) {
			v, say := one(strings.TrimSpace(x))
			if say.ZH != "" {
				return nil, say
			}
			out = append(out, v)
		}
		return out, Text{}
	}
	kind := t.Expr
	switch {
	case kind.Kind == expr.KList && t.Name == "choices":
		return list(choose)
	case kind.Kind == expr.KList && kind.Elem != nil && kind.Elem.Kind == expr.KObject:
		return list(func(x string) (any, Text) { return im.refer(w, kind.Elem.Object, name, x) })
	case kind.Kind == expr.KChoice && len(t.Options) > 0:
		return choose(s)
	case kind.Kind == expr.KObject:
		return im.refer(w, kind.Object, name, s)
	case kind.Kind == expr.KBool:
		switch fold(s) {
		case "是", "对", "有", "√", "✓", "y", "yes", "true", "1":
			return true, Text{}
		case "否", "不", "无", "×", "n", "no", "false", "0":
			return false, Text{}
		}
		return nil, Text{"“" + name.ZH + "”要写“是”或“否”", name.EN + " is yes or no"}
	case kind.Kind == expr.KDate || kind.Kind == expr.KDatetime:
		m := dateShape.FindStringSubmatch(half(s))
		if m == nil && len(s) == 8 {
			m = dateShape.FindStringSubmatch(s[:4] + "-" + s[4:6] + "-" + s[6:])
		}
		if m == nil {
			return nil, Text{"“" + name.ZH + "”看不出是哪一天，要写成 2026-03-18", name.EN + " is no date; write 2026-03-18"}
		}
		two := func(s string) string { return ("0" + s)[len(s)-1:] }
		d := m[1] + "-" + two(m[2]) + "-" + two(m[3])
		if _, err := calendar.ParseDate(d); err != nil {
			return nil, Text{"“" + name.ZH + "”没有这一天：" + s, name.EN + ": there is no such day"}
		}
		if kind.Kind == expr.KDate {
			return d, Text{}
		}
		if m[4] == "" {
			m[4], m[5] = "0", "00"
		}
		at, err := expr.ParseLiteral(d+" "+two(m[4])+":"+m[5], kind, w.world.calendar.Zone)
		if t, ok := at.(time.Time); ok && err == nil {
			return instant(t), Text{}
		}
		return nil, Text{"“" + name.ZH + "”要写成 2026-03-18 09:30", name.EN + ": write 2026-03-18 09:30"}
	case kind.Kind == expr.KMoney || kind.Kind == expr.KDecimal || kind.Kind == expr.KInt:
		n := strings.NewReplacer(",", "", "¥", "", "￥", "", "元", "", " ", "").Replace(half(s))
		if t.Name != "percent" {
			n = strings.TrimSuffix(n, "%")
		}
		if kind.Kind == expr.KInt {
			n = strings.TrimSuffix(n, ".0")
		}
		return n, Text{}
	}
	return s, Text{}
}

// half turns full-width digits and signs to their usual form.
func half(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 0xFF01 && r <= 0xFF5E:
			return r - 0xFEE0
		case r == 0x3000:
			return ' '
		}
		return r
	}, strings.TrimSpace(s))
}

// refer finds the one record a cell names: by number, label, name, code or account.
func (im *Importer) refer(w *work, object string, field Text, s string) (any, Text) {
	key := object + "\x00" + s
	got, ok := im.refs[key]
	if !ok {
		got = im.look(w, object, field, s)
		im.refs[key] = got
	}
	return got.id, got.say
}

func (im *Importer) look(w *work, object string, field Text, s string) foundRef {
	to := w.e.Lib.Form(object)
	if to == nil {
		return foundRef{say: Text{"“" + field.ZH + "”不能导入", field.EN + " cannot be imported"}}
	}
	var any []query.Expr
	if to.Number != nil {
		any = append(any, query.Eq("this", "number", s))
	}
	var names []string // a field the reader may not ask about does not tell him by a match
	for _, id := range []string{"name", "short_name", "code", "account"} {
		if f := to.Field(id); f != nil && !live(f) && f.Type.Expr.Kind == expr.KText && w.open(to, f) {
			if f.Personal {
				any = append(any, query.Eq("this", f.Mark(), w.e.markOf(f.Type.Name, s)))
			} else {
				any = append(any, query.Eq("this", id, s))
			}
			names = append(names, id)
		}
	}
	if words := searchWords(s); len(words) > 0 { // a label made of other fields: found by its words, then compared
		found, _, err := w.found(to, words)
		if err != nil {
			return foundRef{say: Text{"“" + field.ZH + "”现在查不到，请再试", field.EN + " cannot be looked up now; try again"}}
		}
		any = append(any, found)
	}
	rows, err := w.tx.Select(query.Select{Table: to.Table, Alias: "this", Limit: 50, Where: query.And(w.where(to, "this"),
		query.Op{Name: "<>", Args: []query.Expr{query.Col{Alias: "this", Name: "state"}, query.Const{Value: "void"}}}, query.Op{Name: "or", Args: any})})
	what := text(to.Label)
	if err != nil {
		return foundRef{say: Text{"“" + field.ZH + "”现在查不到，请再试", field.EN + " cannot be looked up now; try again"}}
	}
	var ids []string
	for _, row := range rows {
		r := w.adopt(to, row)
		same := fold(w.label(r)) == fold(s) || r.Number() == s
		for _, id := range names {
			v, err := r.Get(id)
			same = same || err == nil && fold(str(v)) == fold(s)
		}
		if same && w.maySee(r) {
			ids = append(ids, r.id)
		}
	}
	switch len(ids) {
	case 0:
		return foundRef{say: Text{"“" + field.ZH + "”：没有" + what.ZH + "“" + s + "”，先登记，或改成簿子里的写法", field.EN + ": there is no " + what.EN + " “" + s + "”; file it first, or write it as it stands there"}}
	case 1:
		return foundRef{id: ids[0]}
	}
	return foundRef{say: Text{"“" + field.ZH + "”：叫“" + s + "”的" + what.ZH + "不止一个，改写编号或代码", field.EN + ": more than one " + what.EN + " is called “" + s + "”; write its number or code"}}
}
