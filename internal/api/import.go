package api

import (
	"bytes"
	"context"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/xuri/excelize/v2"

	"zhanggui/internal/engine"
	"zhanggui/internal/fault"
)

// A sheet is uploaded like any attachment, read, tried and brought in. Trying and bringing in go on by themselves
// and can be stopped; a row comes in once however often its file is sent, since its key is the file's and its own.

type importReadBody struct {
	File string `json:"file"`
}

type importBody struct {
	File    string   `json:"file"`
	Columns []string `json:"columns"` // the field of each column, "" for none
	Dry     bool     `json:"dry"`
}

type importRead struct {
	Rows    int                `json:"rows"`
	Columns []importColumn     `json:"columns"`
	Fields  []engine.FieldView `json:"fields"`
}

type importColumn struct {
	Name   string   `json:"name"`
	Sample []string `json:"sample"`
	Field  string   `json:"field"` // guessed by its name
}

// importView is how far an import is.
type importView struct {
	ID      string      `json:"id"`
	Form    string      `json:"form"`
	File    string      `json:"file"`
	Name    string      `json:"name"`
	Dry     bool        `json:"dry"`
	State   string      `json:"state"` // running done stopped broken
	Total   int         `json:"total"`
	Done    int         `json:"done"`
	Good    int         `json:"good"`
	Refused int         `json:"refused"`
	Head    []string    `json:"head"`
	Rows    []importRow `json:"rows"` // refused ones, the first 200
	Problem *problem    `json:"problem,omitempty"`
}

// importRow is a refused row: its number in the file and what is wrong.
type importRow struct {
	Row   int                  `json:"row"`
	Items []engine.ImportWrong `json:"items"`
	cells []string
}

const (
	importShown = 200
	importKept  = time.Hour // after it has ended
)

type imports struct {
	sync.Mutex
	all map[string]*importJob
}

type importJob struct {
	sync.Mutex
	view   importView
	person string
	stop   context.CancelFunc
	ended  time.Time
}

// begin keeps a job, if its person has no other running; old ones are dropped.
func (k *imports) begin(j *importJob, now time.Time) error {
	k.Lock()
	defer k.Unlock()
	for id, x := range k.all {
		x.Lock()
		running, old := x.ended.IsZero(), !x.ended.IsZero() && now.Sub(x.ended) > importKept
		x.Unlock()
		if old {
			delete(k.all, id)
		}
		if running && x.person == j.person {
			return fault.New(fault.TooMany, "你有一份正在导入，等它办完或停下", "One of your imports is running; wait for it or stop it")
		}
	}
	k.all[j.view.ID] = j
	return nil
}

// job finds one's own; that of another does not exist.
func (c *call) job() (*importJob, error) {
	k := &c.s.imports
	k.Lock()
	defer k.Unlock()
	j := k.all[c.path("id")]
	if j == nil || j.person != c.actor.Person {
		return nil, fault.New(fault.NotFound, "这次导入的进度已经不在；导入过的行不会再导一次，可以重新来", "This import is no longer known; rows that came in do not come in twice, begin anew")
	}
	return j, nil
}

// sheetOf loads an uploaded file of one's own.
func (c *call) sheetOf(id string) (*engine.FileValue, *sheet, error) {
	f, err := c.s.Engine.File(c.ctx(), c.now, c.actor, id)
	if err != nil {
		return nil, nil, err
	}
	if f.Size > sheetBytes {
		return nil, nil, fault.Wrap(fault.Invalid, errTooLarge, "文件太大，最多 20 MB", "The file is too large; 20 MB at most")
	}
	var b bytes.Buffer
	if err := c.s.Engine.CopyFile(c.ctx(), f.ID, &b); err != nil {
		return nil, nil, err
	}
	s, err := readSheet(b.Bytes())
	return f, s, err
}

// importer judges who may bring records in, then reads the sheet.
func (c *call) importer(file string) (*engine.Importer, []engine.FieldView, *engine.FileValue, *sheet, error) {
	im, fields, err := c.s.Engine.Importer(c.ctx(), c.now, c.actor, c.path("key"))
	if err != nil {
		return nil, nil, nil, nil, err
	}
	f, s, err := c.sheetOf(file)
	return im, fields, f, s, err
}

func readImport(c *call) error {
	var in importReadBody
	if err := c.decode(&in); err != nil {
		return err
	}
	_, fields, _, s, err := c.importer(in.File)
	if err != nil {
		return err
	}
	out := importRead{Rows: len(s.rows), Columns: []importColumn{}, Fields: fields}
	taken := map[string]bool{}
	for i, name := range s.head {
		col := importColumn{Name: name, Sample: []string{}, Field: guess(name, fields, taken)}
		taken[col.Field] = true
		for _, r := range s.rows[:min(len(s.rows), 20)] {
			if i < len(r.cells) && r.cells[i] != "" && len(col.Sample) < 3 {
				col.Sample = append(col.Sample, r.cells[i])
			}
		}
		out.Columns = append(out.Columns, col)
	}
	return c.json(http.StatusOK, out)
}

// guess finds the field a column's name means: the same words first, else one that holds the other.
func guess(name string, fields []engine.FieldView, taken map[string]bool) string {
	bare := func(s string) string {
		s, _, _ = strings.Cut(strings.ToLower(s), "（")
		s, _, _ = strings.Cut(s, "(")
		return strings.Map(func(r rune) rune {
			if strings.ContainsRune(" *　:：_-/", r) {
				return -1
			}
			return r
		}, s)
	}
	n := bare(name)
	if n == "" {
		return ""
	}
	near := ""
	for _, f := range fields {
		if taken[f.ID] {
			continue
		}
		for _, l := range []string{bare(f.Label.ZH), bare(f.Label.EN), bare(f.ID)} {
			switch {
			case l == n:
				return f.ID
			case near == "" && len(l) > 3 && len(n) > 3 && (strings.Contains(l, n) || strings.Contains(n, l)):
				near = f.ID
			}
		}
	}
	return near
}

func startImport(c *call) error {
	var in importBody
	if err := c.decode(&in); err != nil {
		return err
	}
	im, fields, f, s, err := c.importer(in.File)
	if err != nil {
		return err
	}
	if err := judgeColumns(in.Columns, fields, len(s.head)); err != nil {
		return err
	}
	// It outlives its request; the person's right to each row is asked with each row.
	ctx, stop := context.WithCancel(context.WithoutCancel(c.ctx()))
	j := &importJob{person: c.actor.Person, stop: stop, view: importView{ID: newReference(), Form: c.path("key"), File: f.ID, Name: f.Name, Dry: in.Dry, State: "running", Total: len(s.rows), Head: s.head, Rows: []importRow{}}}
	if err := c.s.imports.begin(j, c.now); err != nil {
		stop()
		return err
	}
	if !in.Dry {
		if err := im.Begin(c.ctx(), c.now, f.Name, len(s.rows)); err != nil {
			j.end("broken", c.now, nil)
			return err
		}
	}
	go c.bring(ctx, j, im, s, in)
	return c.json(http.StatusAccepted, j.look())
}

func judgeColumns(columns []string, fields []engine.FieldView, most int) error {
	known, seen := map[string]bool{}, map[string]bool{}
	for _, f := range fields {
		known[f.ID] = true
	}
	for _, id := range columns {
		switch {
		case id == "":
		case !known[id]:
			return fault.At("columns", "没有“"+id+"”这一项", "There is no field "+id)
		case seen[id]:
			return fault.At("columns", "两栏不能填同一项", "Two columns cannot fill the same field")
		default:
			seen[id] = true
		}
	}
	if len(seen) == 0 || len(columns) > most {
		return fault.At("columns", "请说明每栏填哪一项", "Say which field each column fills")
	}
	return nil
}

// bring takes the rows in, one after the other, until all are judged or somebody stops it.
func (c *call) bring(ctx context.Context, j *importJob, im *engine.Importer, s *sheet, in importBody) {
	defer j.stop()
	for _, r := range s.rows {
		if ctx.Err() != nil {
			j.end("stopped", c.s.Clock(), nil)
			return
		}
		key := ""
		if !in.Dry {
			key = "import/" + in.File + "/" + strconv.Itoa(r.n)
		}
		_, wrong, err := im.Row(context.WithoutCancel(ctx), c.s.Clock(), in.Columns, r.cells, key, in.Dry)
		if err != nil {
			p := c.accident(err)
			j.end("broken", c.s.Clock(), &p)
			return
		}
		j.Lock()
		j.view.Done++
		if len(wrong) == 0 {
			j.view.Good++
		} else {
			j.view.Refused++
			j.view.Rows = append(j.view.Rows, importRow{r.n, wrong, r.cells})
		}
		j.Unlock()
	}
	j.end("done", c.s.Clock(), nil)
}

func (j *importJob) end(state string, now time.Time, p *problem) {
	j.Lock()
	defer j.Unlock()
	j.view.State, j.view.Problem, j.ended = state, p, now
}

// look is the job as its person sees it now.
func (j *importJob) look() importView {
	j.Lock()
	defer j.Unlock()
	v := j.view
	v.Rows = append([]importRow{}, v.Rows[:min(len(v.Rows), importShown)]...)
	return v
}

func importState(c *call) error {
	j, err := c.job()
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, j.look())
}

func stopImport(c *call) error {
	j, err := c.job()
	if err != nil {
		return err
	}
	j.stop()
	return c.none()
}

// importRefused writes the refused rows as they came, the reason behind them: mended, the file can be sent again.
func importRefused(c *call) error {
	j, err := c.job()
	if err != nil {
		return err
	}
	j.Lock()
	head, rows, name := j.view.Head, append([]importRow{}, j.view.Rows...), j.view.Name
	j.Unlock()
	book := excelize.NewFile()
	defer book.Close()
	out, err := book.NewStreamWriter("Sheet1")
	if err != nil {
		return err
	}
	put := func(n int, cells []string) error {
		var list []any
		for _, s := range cells {
			list = append(list, s) // text, never a formula
		}
		return out.SetRow("A"+strconv.Itoa(n), list)
	}
	wide := len(head)
	for _, r := range rows {
		wide = max(wide, len(r.cells))
	}
	row := func(cells []string, reason string) []string {
		full := make([]string, wide, wide+1)
		copy(full, cells)
		return append(full, reason)
	}
	if err := put(1, row(head, c.say("原因", "Reason"))); err != nil {
		return err
	}
	for i, r := range rows {
		var why []string
		for _, x := range r.Items {
			say := c.say(x.Say.ZH, x.Say.EN)
			if x.Clause != "" {
				say += c.say("（", " (") + x.Clause + c.say("）", ")")
			}
			why = append(why, say)
		}
		if err := put(i+2, row(r.cells, strings.Join(why, c.say("；", "; ")))); err != nil {
			return err
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("Content-Type", c.route.kind)
	base, _, _ := strings.Cut(cleanName(name), ".")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": base + c.say("-没导入的行", "-refused") + ".xlsx"}))
	if _, err := book.WriteTo(c.w); err != nil {
		panic(http.ErrAbortHandler)
	}
	return nil
}
