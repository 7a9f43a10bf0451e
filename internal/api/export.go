package api

import (
	"context"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"

	"zhanggui/internal/engine"
	"zhanggui/internal/fault"
	"zhanggui/internal/job"
)

// A long list leaves as a job: it is judged and recorded when it is ordered, judged anew when it is worked on and when it is
// fetched, and each page of it shows what its person may see at that moment. What it has got together lies sealed beside the job
// until it is fetched, by him alone.

type exportBody struct {
	View   string   `json:"view"`
	Filter string   `json:"filter"`
	Q      string   `json:"q"`
	Sort   string   `json:"sort"`
	Fields []string `json:"fields"`
}

// exportView is how far an export is.
type exportView struct {
	ID      string   `json:"id"`
	Form    string   `json:"form"`
	At      string   `json:"at"`
	State   string   `json:"state"` // running done stopped broken
	Total   int      `json:"total"` // when it was ordered
	Done    int      `json:"done"`
	Until   string   `json:"until,omitempty"` // of one that is done: how long it can be fetched
	Problem *problem `json:"problem,omitempty"`
}

// exportOrder is what the job of an export is told. What is looked for may be personal; it is sealed.
type exportOrder struct {
	Form string `json:"form"`
	worker
}

// exportNote is what a job has got together: first the head, then page after page.
type exportNote struct {
	Columns []string `json:"columns,omitempty"`
	Head    [][]any  `json:"head,omitempty"`
	Rows    [][]any  `json:"rows,omitempty"`
	Next    string   `json:"next,omitempty"`
}

const (
	exportKind   = "export"
	exportKept   = 24 * time.Hour
	exportAtOnce = 5000 // rows that leave within one request
)

func startExport(c *call) error {
	var in exportBody
	if err := c.decode(&in); err != nil {
		return err
	}
	return c.orderExport(in)
}

// exportAskBody is an export that is asked for, with its purpose and its last day.
type exportAskBody struct {
	exportBody
	Purpose string `json:"purpose"`
	Until   string `json:"until"`
}

func askExport(c *call) error {
	var in exportAskBody
	if err := c.decode(&in); err != nil {
		return err
	}
	q := engine.ListQuery{Form: c.path("key"), View: in.View, Filter: in.Filter, Q: in.Q, Fields: in.Fields}
	out, err := c.s.Engine.AskExport(c.ctx(), c.now, c.actor, q, in.Purpose, in.Until, c.key())
	if err != nil {
		return err
	}
	return c.json(http.StatusCreated, out)
}

func exportRequests(c *call) error {
	list, err := c.s.Engine.ExportRequests(c.ctx(), c.now, c.actor)
	return answer(c, list, err)
}

func startRequested(c *call) error {
	q, err := c.s.Engine.RequestedExport(c.ctx(), c.now, c.actor, c.path("id"))
	if err != nil {
		return err
	}
	c.r.SetPathValue("key", q.Form)
	return c.orderExport(exportBody{View: q.View, Filter: q.Filter, Q: q.Q, Fields: q.Fields})
}

func (c *call) orderExport(in exportBody) error {
	asked := url.Values{}
	for name, v := range map[string]string{"view": in.View, "filter": in.Filter, "q": in.Q, "sort": in.Sort, "fields": strings.Join(in.Fields, ",")} {
		if v != "" {
			asked.Set(name, v)
		}
	}
	c.r.URL.RawQuery = asked.Encode()
	input, err := json.Marshal(exportOrder{Form: c.path("key"), worker: c.worker()})
	if err != nil {
		return err
	}
	j := &job.Job{Kind: exportKind, Person: c.actor.Person, Input: input, Private: []byte(c.r.URL.RawQuery)}
	if err := c.s.Engine.BeginExport(c.ctx(), c.now, c.actor, c.listQuery(), &j.Total, c.s.Jobs.Add(j)); err != nil {
		return err
	}
	return c.json(http.StatusAccepted, lookAtExport(j))
}

func lookAtExport(j *job.Job) exportView {
	var o exportOrder
	_ = json.Unmarshal(j.Input, &o) // ours
	v := exportView{ID: j.ID, Form: o.Form, At: instant(j.At), State: j.State, Total: j.Total, Done: j.Done, Problem: problemOf(j)}
	if j.State == job.Done {
		v.Until = instant(j.Ended.Add(exportKept))
	}
	return v
}

func myExports(c *call) error {
	list, err := c.s.Jobs.Mine(c.ctx(), c.actor.Person, exportKind)
	views := make([]exportView, len(list))
	for i, j := range list {
		views[i] = lookAtExport(j)
	}
	return answer(c, views, err)
}

// export finds one's own; that of another does not exist.
func (c *call) export() (*job.Job, error) {
	j, err := c.s.Jobs.Of(c.ctx(), c.actor.Person, exportKind, c.path("id"))
	if fault.KindOf(err) == fault.NotFound {
		err = noExport()
	}
	return j, err
}

func noExport() error {
	return fault.New(fault.NotFound, "这次导出已经不在了，请重新导出", "This export is no longer there; export anew")
}

func exportState(c *call) error {
	j, err := c.export()
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, lookAtExport(j))
}

func stopExport(c *call) error {
	j, err := c.export()
	if err != nil {
		return err
	}
	if err := c.s.Jobs.Stop(c.ctx(), j); err != nil {
		return err
	}
	return c.none()
}

// runExport gets the pages together, from where the job stands.
func (s *server) runExport(ctx context.Context, r *job.Run) error {
	var o exportOrder
	if err := json.Unmarshal(r.Input, &o); err != nil {
		return err
	}
	asked, err := s.Jobs.Private(ctx, r.Job)
	if err != nil {
		return err
	}
	c := s.atWork(ctx, r, o.Form, "export", string(asked), o.worker)
	return c.ended(ctx, r, c.gather(ctx, r))
}

func (c *call) gather(ctx context.Context, r *job.Run) error {
	q := c.listQuery()
	out, err := c.s.Engine.JudgeExport(ctx, c.now, c.actor, q, r.Total)
	if err != nil {
		return err
	}
	columns, cursor := out.Columns, ""
	save := func(n exportNote) error {
		b, err := json.Marshal(n)
		if err != nil {
			return err
		}
		return r.Save(ctx, b)
	}
	if r.Job.Done == 0 {
		if err := save(exportNote{Columns: columns, Head: c.exportHead(out)}); err != nil {
			return err
		}
	} else {
		list, err := c.s.exportNotes(ctx, r.Job)
		if err != nil || len(list) == 0 {
			return err
		}
		columns, cursor = list[0].Columns, list[len(list)-1].Next
		if cursor == "" {
			return nil // the last page was written down, the end was not
		}
	}
	for {
		now := c.s.Clock()
		// His right may have ended since the page before, and more rows may have come than it is good for.
		if _, err := c.s.Engine.JudgeExport(ctx, now, c.actor, q, max(r.Total, r.Job.Done)); err != nil {
			return err
		}
		page, err := c.s.Engine.ExportPage(ctx, now, c.actor, q, columns, cursor, max(r.Total, r.Job.Done))
		if err != nil {
			return err
		}
		cursor = page.Next
		if len(page.Rows) > 0 {
			n := exportNote{Next: cursor}
			for _, row := range page.Rows {
				n.Rows = append(n.Rows, c.exportRow(out.Form, columns, row))
			}
			r.Job.Done += len(n.Rows)
			if err := save(n); err != nil {
				return err
			}
		}
		if cursor == "" {
			return nil
		}
	}
}

func (s *server) exportNotes(ctx context.Context, j *job.Job) ([]exportNote, error) {
	raw, err := s.Jobs.Notes(ctx, j, 0)
	list := make([]exportNote, len(raw))
	for i, b := range raw {
		d := json.NewDecoder(strings.NewReader(string(b)))
		d.UseNumber() // a whole number stays one
		if err := d.Decode(&list[i]); err != nil {
			return nil, err
		}
	}
	return list, err
}

// fetchExport hands out what a job got together, to whom it is for, if he may still take such a list out.
func fetchExport(c *call) error {
	j, err := c.export()
	if err != nil {
		return err
	}
	v := lookAtExport(j)
	if j.State != job.Done || !c.now.Before(j.Ended.Add(exportKept)) {
		return noExport()
	}
	asked, err := c.s.Jobs.Private(c.ctx(), j)
	if err != nil {
		return err
	}
	c.r.SetPathValue("key", v.Form)
	c.r.URL.RawQuery = string(asked)
	out, err := c.s.Engine.JudgeExport(c.ctx(), c.now, c.actor, c.listQuery(), j.Done)
	if err != nil {
		return err
	}
	list, err := c.s.exportNotes(c.ctx(), j)
	if err != nil {
		return err
	}
	b, err := newWorkbook()
	if err != nil {
		return err
	}
	defer b.close()
	for _, n := range list {
		for _, cells := range append(n.Head, n.Rows...) {
			for i, x := range cells {
				if number, ok := x.(json.Number); ok {
					if whole, err := number.Int64(); err == nil {
						cells[i] = whole
					} else {
						cells[i] = number.String()
					}
				}
			}
			if err := b.put(cells); err != nil {
				return err
			}
		}
	}
	return b.send(c, out.Form.Label.ZH)
}

// export writes a short register as a workbook at once.
func export(c *call) error {
	b, err := newWorkbook()
	if err != nil {
		return err
	}
	defer b.close()
	var out *engine.Leaving
	head := func(l *engine.Leaving) error {
		out = l
		for _, cells := range c.exportHead(l) {
			if err := b.put(cells); err != nil {
				return err
			}
		}
		return nil
	}
	row := func(r engine.Row) error { return b.put(c.exportRow(out.Form, out.Columns, r)) }
	if err := c.s.Engine.Export(c.ctx(), c.now, c.actor, c.listQuery(), exportAtOnce, head, row); err != nil {
		return err
	}
	return b.send(c, out.Form.Label.ZH)
}

// workbook is one sheet, written row by row. Every cell is text or a number, never a formula.
type workbook struct {
	file  *excelize.File
	sheet *excelize.StreamWriter
	line  int
}

func newWorkbook() (*workbook, error) {
	b := &workbook{file: excelize.NewFile()}
	var err error
	b.sheet, err = b.file.NewStreamWriter("Sheet1")
	return b, err
}

func (b *workbook) put(cells []any) error {
	b.line++
	at, err := excelize.CoordinatesToCellName(1, b.line)
	if err != nil {
		return err
	}
	return b.sheet.SetRow(at, cells)
}

func (b *workbook) send(c *call, name string) error {
	if err := b.sheet.Flush(); err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("Content-Type", c.route.kind)
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": cleanName(name) + ".xlsx"}))
	if _, err := b.file.WriteTo(c.w); err != nil {
		panic(http.ErrAbortHandler)
	}
	return nil
}

func (b *workbook) close() { _ = b.file.Close() } // its temporary files; the system clears them anyway

// exportHead is what stands above the rows: the stamps, then the names of the columns.
func (c *call) exportHead(out *engine.Leaving) [][]any {
	var lines [][]any
	for _, s := range out.Stamps {
		lines = append(lines, []any{c.say(s.ZH, s.EN)})
	}
	var names []any
	for _, id := range out.Columns {
		switch id {
		case "number":
			names = append(names, c.say("编号", "Number"))
		case "state":
			names = append(names, c.say("状态", "State"))
		default:
			l := fieldOf(out.Form, id).Label
			names = append(names, c.say(l.ZH, l.EN))
		}
	}
	return append(lines, names)
}

func (c *call) exportRow(form *engine.FormView, columns []string, r engine.Row) []any {
	cells := make([]any, len(columns))
	for i, id := range columns {
		switch id {
		case "number":
			cells[i] = r.Number
		case "state":
			cells[i] = c.say(r.StateLabel.ZH, r.StateLabel.EN)
		default:
			cells[i] = c.cell(fieldOf(form, id), r.Values[id])
		}
	}
	return cells
}

func fieldOf(form *engine.FormView, id string) (f engine.FieldView) {
	for _, x := range form.Fields {
		if x.ID == id {
			return x
		}
	}
	return f
}

// cell is a value as a reader of a workbook wants it.
func (c *call) cell(f engine.FieldView, v any) any {
	switch x := v.(type) {
	case nil:
		return ""
	case engine.Masked:
		return x.Masked
	case engine.RefValue:
		return x.Label
	case bool:
		if x {
			return c.say("是", "Yes")
		}
		return c.say("否", "No")
	case string:
		for _, o := range f.Options {
			if o.ID == x {
				return c.say(o.Label.ZH, o.Label.EN)
			}
		}
		return x
	case []any:
		var parts []string
		for _, y := range x {
			if s, ok := c.cell(f, y).(string); ok {
				parts = append(parts, s)
			}
		}
		return strings.Join(parts, "、")
	case []engine.FileValue:
		var parts []string
		for _, y := range x {
			parts = append(parts, y.Name)
		}
		return strings.Join(parts, "、")
	case int64:
		return x
	}
	return ""
}
