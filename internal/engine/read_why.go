package engine

import (
	"context"
	"fmt"
	"strings"
	"time"

	"zhanggui/internal/calendar"
	"zhanggui/internal/expr"
	"zhanggui/internal/fault"
	"zhanggui/internal/rulebook"
)

// Why explains a deadline, an action or a value.
type Why struct {
	Text  Text      `json:"text"`
	Steps []WhyStep `json:"steps"`
}

// WhyStep is one step of the explanation.
type WhyStep struct {
	Label  Text   `json:"label"`
	Value  any    `json:"value"`
	Clause string `json:"clause,omitempty"`
	At     string `json:"at,omitempty"`
}

// Why answers of = deadline:id, action:id or field:id.
func (e *Engine) Why(ctx context.Context, now time.Time, actor Actor, form, id, of string) (*Why, error) {
	var v *Why
	err := e.readPast(ctx, now, actor, func(w *work) error {
		r, err := w.recordSeen(form, id)
		if err != nil {
			return err
		}
		kind, name, _ := strings.Cut(of, ":")
		switch kind {
		case "deadline":
			v, err = w.whyDeadline(r, name)
		case "action":
			v, err = w.whyAction(r, name)
		case "field":
			v, err = w.whyField(r, name)
		default:
			err = fault.At("of", "要写 deadline:… action:… 或 field:…", "Write deadline:…, action:… or field:…")
		}
		return err
	})
	return v, err
}

func (w *work) whyDeadline(r *Record, name string) (*Why, error) {
	d := r.form.Deadline(name)
	if d == nil {
		return nil, fault.At("of", "没有这个时限", "There is no such time limit")
	}
	list, err := w.instances(r)
	if err != nil {
		return nil, err
	}
	var in *instance
	for _, x := range list { // the one that runs, else the last
		if x.deadline == d && (in == nil || !in.open() || x.open()) {
			in = x
		}
	}
	l := textOr(d.Label, d.ID)
	v := &Why{Steps: []WhyStep{}}
	if in == nil {
		v.Text = Text{"“" + l.ZH + "”还没有起算", "“" + l.EN + "” has not begun to run"}
		return v, nil
	}
	zone := w.world.calendar.Zone
	view := w.view(r)
	v.Steps = append(v.Steps, WhyStep{Label: w.startWords(r, d), Value: in.from.In(zone).Format("2006-01-02 15:04"), Clause: d.Clause, At: instant(in.from)})
	if in.within.Unit != "" {
		v.Steps = append(v.Steps, WhyStep{Label: Text{"限期", "Limit"}, Value: Text{spanWords(in.within, false), spanWords(in.within, true)}, Clause: in.clause})
		w.whyParams(v, r, in, view)
		w.whyCalendar(v, in)
	} else {
		v.Steps = append(v.Steps, WhyStep{Label: Text{"限于", "Not later than"}, Value: w.until(in.due), Clause: in.clause})
	}
	for _, p := range in.pauses {
		to := "…"
		if !p.To.IsZero() {
			to = p.To.In(zone).Format("2006-01-02 15:04")
		}
		clause := ""
		if d.Pause != nil && len(d.Pause.Cases) > 0 {
			clause = d.Pause.Cases[0].Clause
		}
		v.Steps = append(v.Steps, WhyStep{Label: Text{"暂停", "Paused"}, Value: p.From.In(zone).Format("2006-01-02 15:04") + " ~ " + to, Clause: clause, At: instant(p.From)})
	}
	switch {
	case in.paused:
		v.Text = Text{"“" + l.ZH + "”暂停中，恢复后接着算", "“" + l.EN + "” is paused and will go on"}
	case !in.met.IsZero():
		v.Steps = append(v.Steps, WhyStep{Label: Text{"到期", "Due"}, Value: w.until(in.due), At: instant(in.due)},
			WhyStep{Label: Text{"办完", "Done"}, Value: in.met.In(zone).Format("2006-01-02 15:04"), At: instant(in.met)})
		late := in.met.After(in.due)
		v.Text = Text{"“" + l.ZH + "”" + either(late, "逾期办完", "按期办完"), "“" + l.EN + "” was met " + either(late, "late", "in time")}
	default:
		v.Steps = append(v.Steps, WhyStep{Label: Text{"到期", "Due"}, Value: w.until(in.due), At: instant(in.due)})
		due := w.until(in.due)
		v.Text = Text{"“" + l.ZH + "”" + due + " 到期", "“" + l.EN + "” is due " + due}
	}
	return v, nil
}

// until writes a limit; midnight is the end of the day it closes, as regulations say it.
func (w *work) until(t time.Time) string {
	t = t.In(w.world.calendar.Zone)
	if t.Hour() == 0 && t.Minute() == 0 {
		return t.AddDate(0, 0, -1).Format("2006-01-02") + " 24:00"
	}
	return t.Format("2006-01-02 15:04")
}

// startWords says what the clock counts from.
func (w *work) startWords(r *Record, d *rulebook.Deadline) Text {
	switch {
	case d.During != nil:
		return Text{"从进入这个阶段起", "From entering the stage"}
	case d.From == nil || d.From.Action == "create":
		l := actionText(r.form.Action("create"))
		return Text{"从“" + l.ZH + "”起", "From “" + l.EN + "”"}
	case d.From.Action != "":
		l := Text{d.From.Action, d.From.Action}
		if a := r.form.Action(d.From.Action); a != nil {
			l = actionText(a)
		}
		return Text{"从“" + l.ZH + "”起", "From “" + l.EN + "”"}
	case d.From.State != "":
		l := stateText(r.form, d.From.State)
		return Text{"从“" + l.ZH + "”起", "From “" + l.EN + "”"}
	}
	return Text{"起算", "From"}
}

// whyParams names the company values the limit comes from, and since when they hold; of a table the row.
func (w *work) whyParams(v *Why, r *Record, in *instance, view *rulebook.View) {
	d := in.deadline
	rows := map[string]map[string]expr.Value{}
	s := w.scope(r, view, in.vars)
	s.Read = func(path string, x expr.Value) {
		if row, ok := x.(map[string]expr.Value); ok {
			rows[strings.TrimPrefix(path, "param.")] = row
		}
	}
	_, c, err := d.Within.Pick(view, s)
	if err != nil || c == nil {
		return
	}
	seen := map[string]bool{}
	for _, id := range append(append([]string{}, c.Params...), d.Params...) {
		p := r.form.Book.Parameter(id)
		if p == nil || seen[id] {
			continue
		}
		seen[id] = true
		b := w.paramBrief(r.form.Book, p, view)
		value := w.sinceWords(view.Values[p.ID], p.Type, b.Since)
		if p.Type.Name == "table" {
			if rows[id] == nil {
				continue
			}
			value = w.rowSince(p, rows[id], b.Since)
		}
		v.Steps = append(v.Steps, WhyStep{Label: Text{"依公司参数“" + b.Label.ZH + "”", "By the company value “" + b.Label.EN + "”"}, Value: value, Clause: p.Clause})
	}
}

// sinceWords is a company value with the day it holds from.
func (w *work) sinceWords(v expr.Value, t rulebook.FieldType, since string) Text {
	return sinceText(Text{w.wordsIn(v, t, false), w.wordsIn(v, t, true)}, since)
}

// rowSince is the same for a row of a table.
func (w *work) rowSince(p *rulebook.Parameter, row map[string]expr.Value, since string) Text {
	var zh, en []string
	for _, c := range append(append([]expr.Column{}, p.Key...), p.Out...) {
		v := row[c.Name]
		if v == nil {
			continue
		}
		t, l := p.Column(c.Name)
		name := textOr(l, c.Name)
		zh, en = append(zh, name.ZH+" "+w.wordsIn(v, t, false)), append(en, name.EN+" "+w.wordsIn(v, t, true))
	}
	return sinceText(Text{strings.Join(zh, "，"), strings.Join(en, ", ")}, since)
}

func sinceText(x Text, since string) Text {
	if since != "" {
		x.ZH, x.EN = x.ZH+"，"+since+" 起", x.EN+", since "+since
	}
	return x
}

// whyCalendar lists the days that did not count.
func (w *work) whyCalendar(v *Why, in *instance) {
	end := in.due
	if end.IsZero() {
		end = w.now
	}
	if !workingUnit(in.within.Unit) {
		v.Steps = append(v.Steps, WhyStep{Label: Text{"日历", "Calendar"}, Value: Text{"按自然日计，节假日也算", "Natural days; holidays count"}})
		return
	}
	cal := w.world.calendar
	var days []string
	n := 0
	for d := calendar.DateOf(in.from, cal.Zone); !d.After(calendar.DateOf(end, cal.Zone)) && n < 400; d = d.AddDays(1) {
		n++
		if cal.IsWorkday(d) {
			continue
		}
		s := d.String()[5:]
		if name := cal.Days[d].Name; name != "" {
			s += " " + name
		}
		days = append(days, s)
	}
	val := Text{"没有休息日", "No days off"}
	if len(days) > 0 {
		list := strings.Join(days[:min(len(days), 12)], "、")
		val = Text{fmt.Sprintf("跳过 %d 个休息日：%s", len(days), list), fmt.Sprintf("%d days off skipped: %s", len(days), list)}
	}
	v.Steps = append(v.Steps, WhyStep{Label: Text{"日历", "Calendar"}, Value: val})
}

func (w *work) whyAction(r *Record, name string) (*Why, error) {
	a := r.form.Action(name)
	if a == nil {
		return nil, unknownAction(r.form, name)
	}
	l := actionText(a)
	open, closed, err := w.foresee(r, a, w.view(r))
	if err != nil {
		return nil, err
	}
	v := &Why{Steps: []WhyStep{}}
	if closed == nil {
		v.Text = Text{"“" + l.ZH + "”可以由你办", "“" + l.EN + "” is open to you"}
		if open.Sign != nil && open.Sign.Why != nil {
			v.Steps = append(v.Steps, WhyStep{Label: Text{"为什么由你", "Why you"}, Value: open.Sign.Why.Text, Clause: open.Sign.Why.Clause})
		}
		for _, m := range open.Missing {
			v.Steps = append(v.Steps, WhyStep{Label: Text{"还缺", "Missing"}, Value: m.Say, Clause: m.Clause})
		}
		return v, nil
	}
	p := w.problem(closed, r)
	v.Text = p.TitleT
	for _, item := range p.Items {
		v.Steps = append(v.Steps, WhyStep{Label: Text{"因为", "Because"}, Value: item.Say, Clause: item.Clause})
		for _, f := range item.Facts {
			v.Steps = append(v.Steps, WhyStep{Label: f.Label, Value: f.Value})
		}
		for _, x := range item.Params {
			v.Steps = append(v.Steps, WhyStep{Label: x.Label, Value: w.briefWords(x, r), Clause: item.Clause})
		}
	}
	for _, p := range p.WhoMay {
		v.Steps = append(v.Steps, WhyStep{Label: Text{"谁能办", "Who may"}, Value: strings.TrimSpace(p.Post + " " + p.Name)})
	}
	return v, nil
}

// briefWords is a company value that decided, in words.
func (w *work) briefWords(x ParamBrief, r *Record) Text {
	p := r.form.Book.Parameter(x.ID)
	if p == nil {
		return sinceText(Text{fmt.Sprint(x.Value), fmt.Sprint(x.Value)}, x.Since)
	}
	return w.sinceWords(w.view(r).Values[p.ID], p.Type, x.Since)
}
