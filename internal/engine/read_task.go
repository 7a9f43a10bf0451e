package engine

import (
	"context"
	"sort"
	"time"

	"zhanggui/internal/calendar"
	"zhanggui/internal/store"
)

// Task is something a person must do: a clock he holds, a signature to give, an open stage.
type Task struct {
	ID               string   `json:"id"`
	Form             string   `json:"form"`
	Record           string   `json:"record"`
	Number           string   `json:"number"`
	Title            string   `json:"title"`
	Object           string   `json:"object"`
	Customer         string   `json:"customer"`
	Deadline         string   `json:"deadline"`
	Label            Text     `json:"label"`
	Clause           string   `json:"clause"`
	Action           string   `json:"action"`
	ActionLabel      *Text    `json:"action_label"`
	Due              *string  `json:"due"`
	From             string   `json:"from"`
	State            string   `json:"state"` // ample warning late paused none
	PausedFor        string   `json:"paused_for,omitempty"`
	RemainingWorking bool     `json:"remaining_working"`
	Holder           []Holder `json:"holder"`
	Etag             string   `json:"etag"`
	Sign             bool     `json:"sign"`
	Stage            Text     `json:"stage"`
	Also             []Limit  `json:"also,omitempty"`    // later limits of the same record
	Answers          []Answer `json:"answers,omitempty"` // where one of several acts ends the limit: each that is open to the reader
}

// Answer is one act of several that end a limit.
type Answer struct {
	Action string `json:"action"`
	Label  Text   `json:"label"`
}

// Limit is one more time limit of a record that is a task already.
type Limit struct {
	Label  Text    `json:"label"`
	Clause string  `json:"clause"`
	Due    *string `json:"due"`
}

// TaskGroups are tasks by how soon.
type TaskGroups struct {
	Late  []Task `json:"late"`
	Today []Task `json:"today"`
	Week  []Task `json:"week"`
	Later []Task `json:"later"`
}

// TaskCounts are what a badge shows.
type TaskCounts struct {
	Late  int `json:"late"`
	Today int `json:"today"`
	Week  int `json:"week"`
	Later int `json:"later"`
}

// Recent is something that happened lately by the reader's hand.
type Recent struct {
	At     string `json:"at"`
	Text   Text   `json:"text"`
	Form   string `json:"form"`
	Record string `json:"record"`
}

// TaskList answers: what must I do, by when, what am I late with, what waits for others?
type TaskList struct {
	Now     string     `json:"now"`
	Groups  TaskGroups `json:"groups"`
	Waiting []Task     `json:"waiting"`
	Counts  TaskCounts `json:"counts"`
	More    bool       `json:"more"` // there are others, less urgent: they are told when all is asked for
	Recent  []Recent   `json:"recent"`
}

const (
	tasksFirst = 100 // each of a kind: what a day holds
	taskClocks = 500 // one person with more is not helped by the rest
)

// Tasks of the actor: the most urgent hundred, or all that is told of. Counts are of all.
func (e *Engine) Tasks(ctx context.Context, now time.Time, actor Actor, all bool) (*TaskList, error) {
	var t *TaskList
	err := e.read(ctx, now, actor, func(w *work) error {
		t = &TaskList{Now: instant(w.now), Waiting: []Task{}, Recent: []Recent{}}
		if w.me == nil {
			return nil
		}
		most := tasksFirst
		if all {
			most = taskClocks
		}
		list, rest, cut, err := w.tasks(most)
		if err != nil {
			return err
		}
		t.Groups, t.Counts = w.grouped_(list)
		w.addCounts(&t.Counts, rest)
		t.More = !all && (cut || len(rest) > 0)
		if t.Waiting, err = w.waitingForOthers(); err != nil {
			return err
		}
		t.Recent, err = w.recent()
		return err
	})
	return t, err
}

// Counts are the numbers beside 我的事, from the clocks alone: they are asked with every page.
func (e *Engine) Counts(ctx context.Context, now time.Time, actor Actor) (TaskCounts, error) {
	var c TaskCounts
	err := e.read(ctx, now, actor, func(w *work) error {
		c = TaskCounts{}
		if w.me == nil {
			return nil
		}
		rows, err := w.myClocks()
		if err == nil {
			w.addCounts(&c, onceOf(rows, map[string]bool{}))
		}
		return err
	})
	return c, err
}

// addCounts adds clocks to the numbers.
func (w *work) addCounts(c *TaskCounts, rows []store.Row) {
	for _, row := range rows {
		switch w.when(row) {
		case "late":
			c.Late++
		case "today":
			c.Today++
		case "week":
			c.Week++
		default:
			c.Later++
		}
	}
}

// matter is what a clock is about: the duties of a unit are matters of their own.
func matter(row store.Row) string {
	if str(row["of_form"]) == "base.unit" {
		return str(row["of_id"]) + "/" + str(row["name"])
	}
	return str(row["of_id"])
}

// onceOf are the first clocks of each matter that is not among the seen.
func onceOf(rows []store.Row, seen map[string]bool) (list []store.Row) {
	for _, row := range rows {
		if key := matter(row); !seen[key] {
			seen[key] = true
			list = append(list, row)
		}
	}
	return list
}

func (w *work) myClocks() ([]store.Row, error) {
	return w.clocksHeld(append([]string{w.me.id}, w.world.standsInFor(w.me.id, w.now)...), taskClocks)
}

// when tells the group of a clock.
func (w *work) when(row store.Row) string {
	st := w.clockState(row)
	due, ok := parseInstant(row["due"])
	switch {
	case st == "late":
		return "late"
	case !ok:
		return "later"
	}
	zone := w.world.calendar.Zone
	today := calendar.DateOf(w.now, zone)
	switch {
	case !due.After(today.End(zone)):
		return "today"
	case !due.After(today.AddDays(8 - today.Weekday()).Start(zone)):
		return "week"
	}
	return "later"
}

// tasks are the most urgent of each kind, the clocks of matters that are not among them, and whether stages were left out.
func (w *work) tasks(most int) (list []Task, rest []store.Row, cut bool, err error) {
	rows, err := w.myClocks()
	if err != nil {
		return nil, nil, false, err
	}
	var clocks []*Record
	told, done := map[string]bool{}, map[string]map[string]bool{}
	for i, row := range rows {
		if i < most {
			clocks, told[matter(row)] = append(clocks, w.adopt(w.clockForm(), row)), true
		}
		form := str(row["of_form"])
		if done[form] == nil {
			done[form] = map[string]bool{}
		}
		done[form][str(row["of_id"])] = true
	}
	rest = onceOf(rows[len(clocks):], told)
	of, err := w.ownersOf(clocks)
	if err != nil {
		return nil, nil, false, err
	}
	for _, c := range clocks {
		if r := of[c.id]; r != nil {
			list = append(list, w.clockTask(c, r))
		} else {
			delete(done[str(c.row["of_form"])], str(c.row["of_id"]))
		}
	}
	more, cut, err := w.stageTasks(done, most)
	return append(list, more...), rest, cut, err
}

// clockTask is what a clock asks of its holder.
func (w *work) clockTask(c, r *Record) Task {
	t := w.taskOf(r)
	x := w.clockOut(c.row)
	w.limit(&x, c.row, r)
	t.ID, t.Deadline, t.Label, t.Clause, t.From, t.Holder = c.id, x.Name, x.Label, x.Clause, x.From, x.Holder
	t.RemainingWorking = x.Working
	switch {
	case x.State == "late":
		t.State = "late"
	case x.Due == "":
		t.State, t.PausedFor = "paused", stateText(r.form, r.State()).ZH
	case x.Warned:
		t.State = "warning"
	default:
		t.State = "ample"
	}
	if x.Due != "" {
		t.Due = &x.Due
	}
	d, duty := w.clockSource(c.row)
	answers := w.answersTo(r, d)
	for _, a := range answers {
		t.Answers = append(t.Answers, Answer{a.ID, actionText(a)})
	}
	a := w.endingAction(r, d, duty)
	if a == nil && len(answers) > 0 {
		a = answers[0]
	}
	if a != nil {
		l := actionText(a)
		t.Action, t.ActionLabel = a.ID, &l
		view := w.view(r)
		id, _ := w.approvalOf(r, a, view)
		t.Sign = id != ""
		t.Clause = first(t.Clause, a.Clause)
	}
	return t
}

func (w *work) taskOf(r *Record) Task {
	t := Task{Form: r.form.Key, Record: r.id, Number: r.Number(), Title: w.title(r), Etag: r.Etag(), State: "none", Stage: stateText(r.form, r.State()), Holder: []Holder{}}
	for _, f := range r.form.Fields { // whom it concerns: the first business record it refers to
		to := w.e.Lib.Form(f.Type.Expr.Object)
		if to == nil || to.Kept != "" || live(f) || w.visible(r, f) != full {
			continue
		}
		if x, err := w.ref(to.Key, str(r.row[f.ID])); err == nil && x != nil && w.maySee(x) {
			t.Customer = w.label(x)
			break
		}
	}
	t.Object = first(t.Title, t.Number)
	return t
}

func (w *work) grouped_(list []Task) (TaskGroups, TaskCounts) {
	g := TaskGroups{Late: []Task{}, Today: []Task{}, Week: []Task{}, Later: []Task{}}
	sort.SliceStable(list, func(i, j int) bool { return dueOr(list[i]) < dueOr(list[j]) })
	for _, t := range oneEach(list) {
		switch w.when(store.Row{"state": either(t.State == "paused", "paused", "open"), "due": dueAny(t)}) {
		case "late":
			g.Late = append(g.Late, t)
		case "today":
			g.Today = append(g.Today, t)
		case "week":
			g.Week = append(g.Week, t)
		default:
			g.Later = append(g.Later, t)
		}
	}
	return g, TaskCounts{len(g.Late), len(g.Today), len(g.Week), len(g.Later)}
}

// oneEach makes one task of all that one record asks, the most urgent first: people count matters, not clocks.
func oneEach(list []Task) []Task {
	at := map[string]int{}
	var out []Task
	for _, t := range list {
		key := t.Form + "/" + t.Record
		if t.Form == "base.unit" { // the duties of a unit are matters of their own
			key += "/" + t.Deadline
		}
		i, there := at[key]
		if !there {
			at[key] = len(out)
			out = append(out, t)
			continue
		}
		if t.Deadline != "" {
			out[i].Also = append(out[i].Also, Limit{t.Label, t.Clause, t.Due})
		}
	}
	return out
}

func dueOr(t Task) string {
	switch {
	case t.Due != nil:
		return *t.Due
	case t.State == "paused":
		return "~~"
	}
	return "~"
}

func dueAny(t Task) any {
	if t.Due == nil {
		return nil
	}
	return *t.Due
}
