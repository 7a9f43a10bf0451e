package rulebook

import (
	"regexp"
	"strings"
)

// kindWords are what the parts of a regulation are called.
var kindWords = map[string]Words{
	"form": {"表单", "form"}, "report": {"报表", "report"}, "checklist": {"检查表", "checklist"}, "parameter": {"数值", "value"}, "role": {"岗位", "role"},
	"approval": {"核决", "approval"}, "gate": {"关口", "gate"}, "offence": {"违规", "offence"}, "duty": {"义务", "duty"}, "ledger": {"账簿", "ledger"},
	"quota": {"定额", "quota"}, "ranking": {"排序", "ranking"}, "class": {"密级", "class"}, "retention": {"保管期限", "retention"},
	"field": {"栏目", "field"}, "line": {"明细", "table"}, "state": {"阶段", "stage"}, "action": {"步骤", "step"}, "deadline": {"期限", "time limit"},
	"column": {"列", "column"}, "item": {"检查项", "item"}, "kind": {"类别", "kind"}, "step": {"提醒", "prompt"}, "row_ask": {"逐案要填", "entry for each case"},
}

// keyWords are what the keys mean to a reader; what has no word here is not told by itself.
var keyWords = map[string]Words{
	"within": {"期限", "limit"}, "value": {"", ""}, "when": {"适用条件", "when it applies"}, "from": {"起点", "starts from"}, "to": {"去向", "leads to"},
	"holder": {"由谁负责", "held by"}, "at": {"时间", "at"}, "every": {"周期", "every"}, "due": {"到期", "due"}, "sign": {"由谁签", "signed by"}, "that": {"条件", "condition"},
	"amount": {"按金额", "by amount"}, "pattern": {"编号", "number"}, "per": {"编号周期", "number restarts"}, "upon": {"何时", "upon"}, "where": {"范围", "which ones"},
	"fine": {"罚款", "fine"}, "measure": {"处分", "sanction"}, "confirm": {"由谁确认", "confirmed by"}, "is": {"算法", "how it is worked out"}, "final": {"是否终点", "is the end"},
	"required": {"必填", "must be filled"}, "options": {"选项", "choices"}, "reason": {"写明缘由", "reason"}, "ends": {"何时作废", "ends without result when"}, "by": {"期限", "due"}, "blame": {"归责", "laid to"},
}

func sentence(how, kind string, in, name Words) Words {
	k := kindWords[kind]
	where := Words{}
	if in != (Words{}) {
		where = Words{"“" + in.ZH + "”", " of “" + in.EN + "”"}
	}
	if how == "added" {
		return Words{where.ZH + "增加" + k.ZH + "“" + name.ZH + "”", "added: " + k.EN + " “" + name.EN + "”" + where.EN}
	}
	return Words{where.ZH + "没有" + k.ZH + "“" + name.ZH + "”", "absent: " + k.EN + " “" + name.EN + "”" + where.EN}
}

func changed(name, key, from, to Words, was, is bool) Words {
	of := Words{"“" + name.ZH + "”", "“" + name.EN + "”"}
	if key.ZH != "" {
		of = Words{of.ZH + "的" + key.ZH, of.EN + ", " + key.EN}
	}
	switch {
	case was && is && from.ZH != "" && to.ZH != "":
		return Words{of.ZH + "：" + from.ZH + " → " + to.ZH, of.EN + ": " + from.EN + " → " + to.EN}
	case !was && to.ZH != "":
		return Words{of.ZH + "定为" + to.ZH, of.EN + ": set to " + to.EN}
	case !is && from.ZH != "":
		return Words{of.ZH + "不再是" + from.ZH, of.EN + ": no longer " + from.EN}
	}
	return Words{of.ZH + "有改动", of.EN + ": differs"}
}

// itemWords says that an item of a list is there on one side only.
func (d *differ) itemWords(how, key string, i *node, t thing, book *Book) Words {
	name := Words{"“" + t.name.ZH + "”", "“" + t.name.EN + "”"}
	form := func(zh, en, notZH, notEN string, w Words) Words {
		if w == (Words{}) {
			return w
		}
		if how == "added" {
			return Words{name.ZH + zh + w.ZH, name.EN + en + w.EN}
		}
		return Words{name.ZH + notZH + w.ZH, name.EN + notEN + w.EN}
	}
	quote := func(w Words) Words {
		if w == (Words{}) {
			return w
		}
		return Words{"“" + w.ZH + "”", "“" + w.EN + "”"}
	}
	switch key {
	case "fill":
		return form("要填", " asks for ", "不用填", " does not ask for ", quote(d.fieldName(i.named(), t.form, book)))
	case "require", "check", "unless":
		return form("会因此被挡：", " is refused when: ", "不再因此被挡：", " is no longer refused when: ", blanked(half(i.at("say"))))
	case "must":
		return form("采用前要填", " is not adopted without ", "采用前不用填", " is adopted without ", quote(d.spoken(i, t, book)))
	case "changed_by":
		return form("的数值由", ", values are changed by ", "的数值不由", ", values are not changed by ", d.spoken(i, t, book))
	case "do", "late":
		return form("随即", ": ", "不再", ": no longer ", d.effect(i, book))
	case "by", "to", "from", "except", "holder", "sign", "all", "order":
		word := map[string][4]string{"by": {"可由", " may be done by ", "不由", " is not done by "}, "from": {"可在", " may start at ", "不在", " does not start at "}}[key]
		if word[0] == "" {
			word = [4]string{"有", ": ", "没有", ": not "}
		}
		return form(word[0], word[1], word[2], word[3], d.spoken(i, t, book))
	case "copy":
		return form("发", ": issues ", "不发", ": does not issue ", Words{inLanguage(i.at("mark"), false) + "（" + half(i.at("label")).ZH + "）", inLanguage(i.at("mark"), true) + " (" + half(i.at("label")).EN + ")"})
	case "options":
		return form("可选", " offers ", "不可选", " does not offer ", quote(nameOf(i, i.named())))
	case "rows":
		return form("：", ": ", "没有：", ": not ", d.row(i, t, book))
	}
	return Words{}
}

// row is a row of an approval: up to which amount who signs.
func (d *differ) row(i *node, t thing, book *Book) Words {
	who := d.spoken(i.at("sign"), t, book)
	switch {
	case i.at("when") != nil:
		when := d.spoken(i.at("when"), t, book)
		if when == (Words{}) {
			when = Words{"符合条件的", "under a condition"}
		}
		return Words{when.ZH + "，由" + who.ZH + "核决", when.EN + ", decided by " + who.EN}
	case i.at("upto") != nil:
		upto := d.spoken(i.at("upto"), t, book)
		return Words{upto.ZH + "以下由" + who.ZH + "核决", "up to " + upto.EN + " decided by " + who.EN}
	}
	return Words{"其余由" + who.ZH + "核决", "the rest decided by " + who.EN}
}

// effect says what follows of itself.
func (d *differ) effect(i *node, book *Book) Words {
	switch {
	case i.at("create").isText():
		w := d.elementName(i.at("create").text, book)
		return Words{"开立“" + w.ZH + "”", "opens “" + w.EN + "”"}
	case i.at("notify") != nil:
		w := blanked(half(i.at("text")))
		return Words{"通知：" + w.ZH, "tells: " + w.EN}
	case i.at("post") != nil:
		return Words{"记账", "posts to the books"}
	}
	return Words{}
}

var (
	spanText  = regexp.MustCompile(`^(\d+)(wd|wh|wm|mo|m|h|d|w|y)$`)
	paramName = regexp.MustCompile(`^param\.([a-z0-9_]+)$`)
	tableName = regexp.MustCompile(`^param\.([a-z0-9_]+)\.at\(`)
	fieldPath = regexp.MustCompile(`^this\.([a-z0-9_]+)$`)
	above     = regexp.MustCompile(`^(superior|head)\(this\.([a-z0-9_]+)(\.unit)?\)$`)
	inBraces  = regexp.MustCompile(`\s*\{[^}]*\}\s*`)
	spanWords = map[string]Words{"m": {"分钟", "minutes"}, "h": {"小时", "hours"}, "d": {"天", "days"}, "w": {"周", "weeks"}, "mo": {"个月", "months"}, "y": {"年", "years"},
		"wd": {"个工作日", "working days"}, "wh": {"个工作小时", "working hours"}, "wm": {"个工作分钟", "working minutes"}}
)

// spoken is a value in words; empty if it is not one that a reader understands as it stands.
func (d *differ) spoken(n *node, t thing, book *Book) Words {
	n = plainly(n)
	if n == nil {
		return Words{}
	}
	if n.isList() {
		var list []Words
		for _, i := range n.items {
			w := d.spoken(i, t, book)
			if w == (Words{}) {
				return w
			}
			list = append(list, w)
		}
		return joined(list, "、", ", ")
	}
	if !n.isText() {
		return Words{}
	}
	s := strings.TrimSpace(n.text)
	if m := spanText.FindStringSubmatch(s); m != nil {
		w := spanWords[m[2]]
		if m[1] == "1" {
			w.EN = strings.TrimSuffix(w.EN, "s")
		}
		return Words{m[1] + " " + w.ZH, m[1] + " " + w.EN}
	}
	switch s {
	case "true":
		return Words{"是", "yes"}
	case "false":
		return Words{"否", "no"}
	case "clock":
		return Words{"系统", "the clock"}
	}
	if m := paramName.FindStringSubmatch(s); m != nil {
		return d.parameter(m[1], book)
	}
	if m := tableName.FindStringSubmatch(s); m != nil {
		return d.parameter(m[1], book)
	}
	if m := fieldPath.FindStringSubmatch(s); m != nil {
		return d.fieldName(m[1], t.form, book)
	}
	if m := above.FindStringSubmatch(s); m != nil {
		w := d.fieldName(m[2], t.form, book)
		switch {
		case w == (Words{}):
			return w
		case m[1] == "superior":
			return Words{w.ZH + "的上级", "the superior of " + w.EN}
		case m[3] != "":
			return Words{w.ZH + "所在部门的主管", "the head of the unit of " + w.EN}
		}
		return Words{w.ZH + "的主管", "the head of " + w.EN}
	}
	if bareWord.MatchString(s) {
		for _, kind := range []string{"role", "form", "report"} {
			if e := book.findText(kind, s); e != nil {
				return nameOf(e, s)
			}
		}
		if f := book.findText("form", t.form); f != nil {
			for _, part := range []string{"state", "action"} {
				if x := f.at(part).at(s); x != nil {
					return nameOf(x, s)
				}
			}
		}
		return Words{}
	}
	if plainNumber.MatchString(s) {
		return Words{s, s}
	}
	return Words{}
}

var plainNumber = regexp.MustCompile(`^[0-9.,%:-]+$`)

// parameter is a company value with what it ships as.
func (d *differ) parameter(id string, book *Book) Words {
	p := book.findText("parameter", id)
	if p == nil {
		return Words{}
	}
	w := nameOf(p, id)
	if v := d.spoken(p.at("value"), thing{}, book); v != (Words{}) && v.ZH != "否" {
		w = Words{w.ZH + "（" + v.ZH + "）", w.EN + " (" + v.EN + ")"}
	}
	return w
}

func (d *differ) elementName(id string, book *Book) Words {
	for _, kind := range []string{"form", "report", "checklist"} {
		if n := book.findText(kind, id); n != nil {
			return nameOf(n, id)
		}
	}
	return Words{id, id}
}

func (d *differ) fieldName(id, form string, book *Book) Words {
	f := book.findText("form", form)
	if f == nil {
		f = book.findText("report", form)
	}
	for _, part := range []string{"field", "line", "row_ask"} {
		if x := f.at(part).at(id); x != nil {
			return nameOf(x, id)
		}
	}
	return Words{}
}

func (b *Book) findText(kind, id string) *node {
	for _, e := range b.text[kind] {
		if e.key == id {
			return e.value
		}
	}
	return nil
}

// nameOf is what people call a thing: its label, else what it says to them, else its id.
func nameOf(n *node, id string) Words {
	if n.isText() { // a state
		return half(n)
	}
	for _, key := range []string{"label", "text", "say"} {
		if x := n.at(key); x.isText() {
			return blanked(half(x))
		}
	}
	if w, ok := implicitWords[id]; ok {
		return w
	}
	for _, i := range n.at("do").listed() { // a prompt of a time limit is what it tells
		if x := i.at("text"); x.isText() {
			return blanked(half(x))
		}
	}
	return Words{id, id}
}

// implicitWords are the actions that every form has.
var implicitWords = map[string]Words{"create": {"新建", "Create"}, "edit": {"修改", "Edit"}, "void": {"作废", "Void"}, "print": {"打印", "Print"}, "export": {"导出", "Export"}, "view": {"查看", "View"}, "reveal": {"查看原文", "Reveal"}, "import": {"导入", "Import"}}

// blanked is a message without the values that stand in it.
func blanked(w Words) Words {
	return Words{strings.TrimSpace(inBraces.ReplaceAllString(w.ZH, "…")), strings.TrimSpace(inBraces.ReplaceAllString(w.EN, " … "))}
}

// half reads 中文 | English.
func half(n *node) Words {
	if !n.isText() {
		return Words{}
	}
	zh, en, both := strings.Cut(n.text, " | ")
	if !both {
		en = zh
	}
	return Words{strings.TrimSpace(zh), strings.TrimSpace(en)}
}

func inLanguage(n *node, english bool) string {
	if w := half(n); english {
		return w.EN
	} else {
		return w.ZH
	}
}

func within(in, name Words) Words {
	if in == (Words{}) {
		return name
	}
	return Words{in.ZH + " · " + name.ZH, in.EN + " · " + name.EN}
}

func joined(list []Words, zh, en string) Words {
	var a, b []string
	for _, w := range list {
		a, b = append(a, w.ZH), append(b, w.EN)
	}
	return Words{strings.Join(a, zh), strings.Join(b, en)}
}
