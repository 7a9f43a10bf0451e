package engine

import (
	"strings"

	"zhanggui/internal/expr"
	"zhanggui/internal/rulebook"
)

// does says in a sentence what an element of a rulebook does. The words are those of the language, so a new
// regulation needs none of its own.
func (w *work) does(n *rulebook.Node) Does {
	element := n.Element()
	d := Does{Element: element, Label: text(n.Label), Path: n.Path}
	parts := strings.Split(n.Path, ".")
	var f *rulebook.Form
	if len(parts) > 2 && (parts[1] == "form" || parts[1] == "extend") {
		f = w.e.Lib.Form(n.Book.Short + "." + parts[2])
		for _, id := range n.Book.Needs { // what it extends is theirs
			if b := w.e.Lib.Book(id); f == nil && b != nil {
				f = w.e.Lib.Form(b.Short + "." + parts[2])
			}
		}
	}
	on := Text{}
	if f != nil {
		d.Form = f.Key
		on = Text{"“" + f.Label.ZH + "”", text(f.Label).EN}
	}
	of := partLabel(n.Book, f, parts)
	last := parts[len(parts)-1]
	if d.Label.ZH == "" {
		d.Label = of
	}
	say, ok := sentences[element]
	if x, special := sentences[element+"."+lastWord(parts)]; special {
		say, ok = x, true
	}
	if !ok {
		say = Text{"{of}按制度执行", "{of} works by the regulation"}
	}
	if of.ZH == "" {
		of = Text{last, last}
	}
	d.Text = Text{strings.TrimSpace(strings.NewReplacer("{of}", "“"+of.ZH+"”", "{on}", on.ZH).Replace(say.ZH)),
		strings.TrimSpace(strings.NewReplacer("{of}", "“"+of.EN+"”", "{on}", on.EN).Replace(say.EN))}
	return d
}

// lastWord is the key an element's part is written under, numbers of list items left out.
func lastWord(parts []string) string {
	for i := len(parts) - 1; i >= 0; i-- {
		if s := parts[i]; s != "" && (s[0] < '0' || s[0] > '9') {
			return s
		}
	}
	return ""
}

// partLabel names the field, action, deadline … that a path leads through.
func partLabel(b *rulebook.Book, f *rulebook.Form, parts []string) Text {
	if f == nil {
		if len(parts) > 2 {
			return text(elementOf(b, parts[1], parts[2]).Label)
		}
		return Text{}
	}
	if len(parts) < 5 {
		return text(f.Label)
	}
	switch parts[3] {
	case "field":
		if x := f.Field(parts[4]); x != nil {
			return textOr(x.Label, x.ID)
		}
	case "action":
		if x := f.Action(parts[4]); x != nil {
			return actionText(x)
		}
	case "deadline":
		if x := f.Deadline(parts[4]); x != nil {
			return textOr(x.Label, x.ID)
		}
	case "state":
		if x := f.State(parts[4]); x != nil {
			return textOr(x.Label, x.ID)
		}
	case "line":
		if x := f.Line(parts[4]); x != nil {
			return textOr(x.Label, x.ID)
		}
	case "compare":
		for _, x := range f.Compare {
			if x.ID == parts[4] {
				return textOr(x.Label, x.ID)
			}
		}
	}
	return Text{parts[4], parts[4]}
}

// elementOf is an element of a book that stands outside its forms.
func elementOf(b *rulebook.Book, kind, id string) rulebook.Node {
	switch kind {
	case "parameter":
		if x := b.Parameter(id); x != nil {
			return x.Node
		}
	case "role":
		if x := b.Role(id); x != nil {
			return x.Node
		}
	case "duty":
		if x := b.Duty(id); x != nil {
			return x.Node
		}
	case "approval":
		if x := b.Approval(id); x != nil {
			return x.Node
		}
	case "quota":
		if x := b.Quota(id); x != nil {
			return x.Node
		}
	case "ranking":
		if x := b.Ranking(id); x != nil {
			return x.Node
		}
	case "gate":
		if x := b.Gate(id); x != nil {
			return x.Node
		}
	case "offence":
		if x := b.Offence(id); x != nil {
			return x.Node
		}
	case "checklist":
		if x := b.Checklist(id); x != nil {
			return x.Node
		}
	case "ledger":
		if x := b.Ledger(id); x != nil {
			return x.Node
		}
	case "report":
		if x := b.Report(id); x != nil {
			return x.Node
		}
	case "class":
		if x := b.Class(id); x != nil {
			return x.Node
		}
	case "retention":
		if x := b.Retention(id); x != nil {
			return x.Node
		}
	}
	return rulebook.Node{}
}

// sentences by element, and by element and part.
var sentences = map[string]Text{
	"form":            {"登记在{on}里", "Kept in the register {on}"},
	"field":           {"{on}要记{of}", "{on} records {of}"},
	"field.required":  {"{on}缺了{of}不能往下办", "{on} cannot go on without {of}"},
	"field.value":     {"{of}由系统计算", "{of} is computed"},
	"field.default":   {"{of}自动带出", "{of} is filled in by itself"},
	"field.check":     {"填{of}时检查对不对", "{of} is checked when it is filled in"},
	"field.fixed":     {"{of}定了就不能改", "{of} cannot be changed once it is fixed"},
	"field.class":     {"{of}只给该看的人看", "{of} is shown only to those who may see it"},
	"field.unique":    {"{of}不许重复", "{of} may not repeat"},
	"line":            {"{on}附{of}明细", "{on} has the table {of}"},
	"state":           {"{on}有“{of}”这一步", "{on} passes through {of}"},
	"action":          {"{on}可以办{of}", "{of} can be done on {on}"},
	"action.by":       {"只有指定的人能办{of}", "Only those named may do {of}"},
	"action.except":   {"有人不得办{of}", "Some may not do {of}"},
	"action.fill":     {"办{of}时必须填齐", "{of} asks for its fields"},
	"action.require":  {"条件不满足就不能办{of}", "{of} is refused until its condition holds"},
	"action.do":       {"办{of}后系统自动接着办", "After {of} the system goes on by itself"},
	"action.lock":     {"办{of}后内容锁定", "After {of} the content is locked"},
	"action.reason":   {"办{of}要写理由", "{of} asks for a reason"},
	"action.auto":     {"条件一到，系统自动办{of}", "The system does {of} as soon as its condition holds"},
	"action.from":     {"还没轮到就不能办{of}", "{of} is refused out of turn"},
	"action.to":       {"办{of}后转到下一步", "{of} leads to the next stage"},
	"deadline":        {"给{of}计时，逾期记录在案", "{of} is timed, and a miss is recorded"},
	"deadline.within": {"{of}的限期", "How long {of} may take"},
	"deadline.warn":   {"{of}到期前提醒", "A warning before {of} runs out"},
	"deadline.step":   {"{of}逾期逐级催办", "{of} escalates step by step"},
	"deadline.late":   {"{of}逾期后自动处理", "What follows when {of} is missed"},
	"deadline.pause":  {"{of}等待期间暂停计时", "{of} is paused while waiting"},
	"deadline.holder": {"{of}由谁负责", "Who answers for {of}"},
	"deadline.blame":  {"{of}逾期算在谁头上", "Who is blamed when {of} is missed"},
	"number":          {"{on}连续编号，不跳不重", "{on} is numbered without gaps"},
	"copies":          {"{on}分联送达，各自存查", "{on} is sent out in copies"},
	"copy":            {"{on}分联送达，各自存查", "{on} is sent out in copies"},
	"unique":          {"{on}不许重复登记", "{on} may not be entered twice"},
	"print":           {"{on}按原表样打印", "{on} prints as the paper form"},
	"retention":       {"{on}按期限保存", "{on} is kept for its term"},
	"class":           {"内容分密级，按人可见", "Content is classified and seen by person"},
	"duty":            {"定期检查有没有做，没做记录在案", "A recurring duty; a miss is recorded"},
	"approval":        {"按权限逐级核签", "Signed by those with the authority"},
	"quota":           {"比例或数量封顶", "A share or number is capped"},
	"ranking":         {"按规则排名", "Ranked by rule"},
	"gate":            {"不符合就挡下", "Refused where it does not hold"},
	"offence":         {"违反即提出处罚，确认后生效", "A breach proposes a sanction, which counts once confirmed"},
	"checklist":       {"按检查表检查", "Inspected by a checklist"},
	"ledger":          {"记账，必须平", "Booked, and must balance"},
	"report":          {"定期自动出报表", "Reported periodically"},
	"parameter":       {"公司可以改的数值", "A value the company may change"},
	"role":            {"由指定岗位的人担任", "A role that people hold"},
	"view":            {"有现成的清单", "A ready list"},
	"compare":         {"{on}上{of}逐项并排核对，不同的在前", "{on} sets {of} side by side, what differs first"},
}

// ParamView is a company value with its history.
type ParamView struct {
	ID        string           `json:"id"`
	Label     Text             `json:"label"`
	Type      string           `json:"type"`
	Value     any              `json:"value"`
	Source    string           `json:"source"`
	Since     string           `json:"since,omitempty"`
	ChangedBy string           `json:"changed_by,omitempty"`
	Clause    string           `json:"clause,omitempty"`
	Note      string           `json:"note,omitempty"`
	History   []ParamChange    `json:"history"`
	Rows      []map[string]any `json:"rows,omitempty"`
	Key       []ParamColumn    `json:"key,omitempty"`
	Out       []ParamColumn    `json:"out,omitempty"`
	Options   []Option         `json:"options,omitempty"` // of a choice
	MayChange bool             `json:"may_change"`        // the reader
	MayTry    bool             `json:"may_try"`           // in a dry run
}

// ParamColumn is a column of a table that the company may change.
type ParamColumn struct {
	ID      string   `json:"id"`
	Label   Text     `json:"label"`
	Type    string   `json:"type"`
	Upto    bool     `json:"upto,omitempty"` // an inclusive upper limit; empty in the last row
	Options []Option `json:"options,omitempty"`
}

func paramColumn(p *rulebook.Parameter, c expr.Column) ParamColumn {
	t, l := p.Column(c.Name)
	x := ParamColumn{ID: c.Name, Label: textOr(l, c.Name), Type: t.Name, Upto: c.Upto}
	for _, o := range t.Options {
		x.Options = append(x.Options, Option{ID: o.ID, Label: textOr(o.Label, o.ID)})
	}
	return x
}

// ParamChange is a dated value.
type ParamChange struct {
	Value  any    `json:"value"`
	From   string `json:"from"`
	Unit   *Ref   `json:"unit,omitempty"`
	By     string `json:"by"`
	Reason string `json:"reason"`
}

func (w *work) paramView(b *rulebook.Book, p *rulebook.Parameter, view *rulebook.View) ParamView {
	brief := w.paramBrief(b, p, view)
	x := ParamView{ID: p.ID, Label: brief.Label, Type: p.Type.Name, Value: w.world.spoken.Write(w.apiOf(view.Values[p.ID], p.Type)), Source: brief.Source, Since: brief.Since, Clause: p.Clause, Note: p.Note, History: []ParamChange{}}
	for _, c := range p.Key {
		x.Key = append(x.Key, paramColumn(p, c))
	}
	for _, c := range p.Out {
		x.Out = append(x.Out, paramColumn(p, c))
	}
	for _, o := range p.Type.Options {
		x.Options = append(x.Options, Option{ID: o.ID, Label: textOr(o.Label, o.ID)})
	}
	for _, row := range view.Rows[p.ID] {
		m := map[string]any{}
		for k, v := range row {
			t, _ := p.Column(k)
			m[k] = w.world.spoken.Write(w.apiOf(v, t))
		}
		x.Rows = append(x.Rows, m)
	}
	if rows, err := w.rows("base.param_value"); err == nil {
		for _, row := range rows {
			if str(row["book"]) == b.ID && str(row["param"]) == p.ID && row["state"] != "void" {
				x.History = append(x.History, ParamChange{str(row["value"]), str(row["from"]), w.unitRef(str(row["for_unit"])), w.name(str(row["by"])), str(row["reason"])})
			}
		}
	}
	if n := len(x.History); n > 0 {
		x.ChangedBy = x.History[n-1].By
	}
	x.MayChange, _ = w.mayChange(w.valueOf(b, p, ""), b, p)
	x.MayTry = x.MayChange || w.oversees(b)
	return x
}
