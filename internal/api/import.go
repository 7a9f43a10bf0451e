package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"

	"zhanggui/internal/auth"
	"zhanggui/internal/engine"
	"zhanggui/internal/fault"
	"zhanggui/internal/job"
)

// A sheet is uploaded like any attachment, read, tried and brought in. Trying and bringing in are jobs: they go on by
// themselves, on another node if this one ends, and can be stopped; a row comes in once however often its file is sent, since its key is the file's and its own.

type importReadBody struct {
	File string `json:"file"`
}

type importBody struct {
	File    string   `json:"file"`
	Columns []string `json:"columns"` // the field of each column, "" for none
	Match   string   `json:"match"`   // the field by which a row is known to be about a record that is there; "": each is a new one
	Dry     bool     `json:"dry"`
}

type importRead struct {
	Rows    int                `json:"rows"`
	Columns []importColumn     `json:"columns"`
	Fields  []engine.FieldView `json:"fields"`
	Match   []string           `json:"match"` // fields by which rows can be matched with records
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
	Match   string      `json:"match,omitempty"`
	Changed int         `json:"changed,omitempty"` // of the good ones: records that were there and are changed
	Same    int         `json:"same,omitempty"`    // and those that say so already
	Head    []string    `json:"head"`
	Rows    []importRow `json:"rows"`  // refused ones, the first 200
	Alike   []importRow `json:"alike"` // on a trial: ones that can come in and may be there already, the first 200
	Problem *problem    `json:"problem,omitempty"`
}

// importRow is a row: its number in the file, and what is wrong with it, or what it may be the same as.
type importRow struct {
	Row   int                  `json:"row"`
	Items []engine.ImportWrong `json:"items"`
	Alike []engine.Alike       `json:"alike,omitempty"`
	Twin  int                  `json:"twin,omitempty"` // a row before it that says the same in a field that tells them apart
	How   string               `json:"how,omitempty"`  // of a row about a record that is there: changed or same
}

// importOrder is what the job of an import is told. The cells stay in the file.
type importOrder struct {
	Form    string   `json:"form"`
	File    string   `json:"file"`
	Name    string   `json:"name"`
	Columns []string `json:"columns"`
	Match   string   `json:"match,omitempty"`
	Head    []string `json:"head"`
	Dry     bool     `json:"dry"`
	worker
}

const (
	importKind  = "import"
	importShown = 200
	importAhead = 64  // rows that have been begun and are not kept yet
	importStep  = 20  // rows after which it is written down how far an import is,
	importSteps = 500 // or, of many, a part of them
)

// job finds one's own; that of another does not exist.
func (c *call) job() (*job.Job, importOrder, error) {
	var o importOrder
	j, err := c.s.Jobs.Of(c.ctx(), c.actor.Person, importKind, c.path("id"))
	if fault.KindOf(err) == fault.NotFound {
		err = fault.New(fault.NotFound, "这次导入的进度已经不在；导入过的行不会再导一次，可以重新来", "This import is no longer known; rows that came in do not come in twice, begin anew")
	}
	if err == nil {
		err = json.Unmarshal(j.Input, &o)
	}
	return j, o, err
}

// importNotes is what an import noted of its rows.
type importNotes struct {
	refused, alike []importRow
	changed, same  int
}

// notes reads it; limit keeps to the first rows of each kind, 0 = all.
func (c *call) notes(j *job.Job, o importOrder, limit int) (importNotes, error) {
	n := importNotes{refused: []importRow{}, alike: []importRow{}}
	few := limit
	if o.Match != "" {
		few = 0 // what became of each row stands in them
	}
	list, err := c.s.Jobs.Notes(c.ctx(), j, few)
	for _, note := range list {
		var some []importRow
		if err := json.Unmarshal(note, &some); err != nil {
			return n, err
		}
		for _, x := range some {
			switch {
			case x.How == engine.RowChanged:
				n.changed++
			case x.How == engine.RowSame:
				n.same++
			case len(x.Items) > 0:
				n.refused = append(n.refused, x)
			default:
				n.alike = append(n.alike, x)
			}
		}
	}
	if limit > 0 {
		n.refused, n.alike = n.refused[:min(len(n.refused), limit)], n.alike[:min(len(n.alike), limit)]
	}
	return n, err
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
	out := importRead{Rows: len(s.rows), Columns: []importColumn{}, Fields: fields, Match: []string{}}
	for _, f := range fields {
		if engine.ImportMatch(f) {
			out.Match = append(out.Match, f.ID)
		}
	}
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
	if in.Match != "" && (!slices.Contains(in.Columns, in.Match) || !slices.ContainsFunc(fields, func(f engine.FieldView) bool { return f.ID == in.Match && engine.ImportMatch(f) })) {
		return fault.At("match", "不能按“"+in.Match+"”认已有的：要用不会重复的一项，并且表里有这一栏", "Rows cannot be matched by "+in.Match+": it has to be a field that no two have alike, and a column of the sheet")
	}
	o := importOrder{Form: c.path("key"), File: f.ID, Name: f.Name, Columns: in.Columns, Match: in.Match, Head: s.head, Dry: in.Dry, worker: c.worker()}
	input, err := json.Marshal(o)
	if err != nil {
		return err
	}
	j := &job.Job{Kind: importKind, Person: c.actor.Person, Input: input, Total: len(s.rows)}
	if err := im.Begin(c.ctx(), c.now, f.Name, len(s.rows), in.Dry, c.s.Jobs.Add(j)); err != nil {
		return err
	}
	return c.json(http.StatusAccepted, lookAt(j, o, importNotes{refused: []importRow{}, alike: []importRow{}}))
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

// runImport takes the rows in, one after the other, from where the job stands. It is nobody's request any more, so who ordered
// it is judged anew, and with each row his right to it.
func (s *server) runImport(ctx context.Context, r *job.Run) error {
	var o importOrder
	if err := json.Unmarshal(r.Input, &o); err != nil {
		return err
	}
	c := s.atWork(ctx, r, o.Form, "import", "", o.worker)
	return c.ended(ctx, r, c.bring(ctx, r, o))
}

// worker is how who ordered a job came in.
type worker struct {
	Stale   bool   `json:"stale,omitempty"`
	EN      bool   `json:"en,omitempty"`
	Address string `json:"address,omitempty"`
	Request string `json:"request"`
}

func (c *call) worker() worker {
	return worker{Stale: c.actor.Stale, EN: c.en, Address: c.actor.Address, Request: c.id}
}

// atWork is the call of a job, which is nobody's request any more and has nobody to answer to.
func (s *server) atWork(ctx context.Context, r *job.Run, form, what, asked string, o worker) *call {
	q := (&http.Request{Method: http.MethodPost, URL: &url.URL{Path: "/api/form/" + form + "/" + what, RawQuery: asked}, Header: http.Header{}}).WithContext(ctx) // it goes nowhere: it says what is asked
	q.SetPathValue("key", form)
	return &call{s: s, w: nobody{}, r: q, route: &route{path: "/api/form/{key}/" + what}, now: s.Clock(), en: o.EN, id: o.Request,
		actor: engine.Actor{Person: r.Person, Origin: "web", Address: o.Address, Request: o.Request, Stale: o.Stale, Prove: s.Auth.Prover(s.Clock(), auth.Principal{Person: r.Person})}}
}

// ended tells who ordered the job why it ended, if it is not done.
func (c *call) ended(ctx context.Context, r *job.Run, err error) error {
	if err == nil || ctx.Err() != nil || job.Over(err) {
		return err
	}
	p := c.problem(err)
	if r.Problem, err = json.Marshal(p); err != nil {
		return err
	}
	return fault.New(fault.Kind(p.Kind), p.Title, p.Title) // a rule's no is none that passes
}

func (c *call) bring(ctx context.Context, r *job.Run, o importOrder) error {
	im, _, _, s, err := c.importer(o.File)
	if err != nil {
		return err
	}
	var noted []importRow
	save := func() error {
		if len(noted) == 0 {
			return r.Save(ctx, nil)
		}
		note, err := json.Marshal(noted)
		if err != nil {
			return err
		}
		noted = nil
		return r.Save(ctx, note)
	}
	for _, row := range s.rows[:min(r.Done, len(s.rows))] {
		im.Seen(o.Columns, row.cells, row.n)
	}
	return errors.Join(c.rowsInTurn(ctx, im, o, s.rows[min(r.Done, len(s.rows)):], func(row sheetRow, b brought) error {
		if b.err != nil {
			return b.err
		}
		r.Done++
		if len(b.wrong) == 0 {
			r.Good++
		} else {
			r.Refused++
			noted = append(noted, importRow{Row: row.n, Items: b.wrong})
		}
		if b.how == engine.RowChanged || b.how == engine.RowSame {
			noted = append(noted, importRow{Row: row.n, Items: []engine.ImportWrong{}, How: b.how})
		}
		if o.Dry && b.how == engine.RowNew {
			twin, list, err := im.Alike(ctx, c.s.Clock(), o.Columns, row.cells, row.n)
			if err != nil {
				return err
			}
			if twin > 0 || len(list) > 0 {
				noted = append(noted, importRow{Row: row.n, Items: []engine.ImportWrong{}, Alike: list, Twin: twin})
			}
		}
		if r.Done%max(importStep, len(s.rows)/importSteps) == 0 {
			return save()
		}
		return nil
	}), save())
}

// brought is what became of a row.
type brought struct {
	how   string
	wrong []engine.ImportWrong
	err   error
}

// rowsInTurn brings rows in and tells take of each, in the order of the sheet. A row asks for its turn once the one before comes before it, and take
// hears of it once it is kept: so the rows share commits. One that may look for what an earlier row brought waits until that is kept.
func (c *call) rowsInTurn(ctx context.Context, im *engine.Importer, o importOrder, rows []sheetRow, take func(sheetRow, brought) error) error {
	most := importAhead
	if o.Dry || o.Match != "" || im.Refers(o.Columns) {
		most = 0
	} else {
		ctx = engine.Share(ctx)
	}
	type coming struct {
		row  sheetRow
		done chan brought
	}
	var list []coming
	settle := func(most int) error {
		for len(list) > most {
			x := list[0]
			list = list[1:]
			b := <-x.done
			err := take(x.row, b)
			if err == nil {
				continue
			}
			whole := b.err == nil // it is stopped: what has begun ends before, and is told of as far as it came in in turn
			for _, x := range list {
				b := <-x.done
				if whole = whole && b.err == nil; whole {
					_ = take(x.row, b)
				}
			}
			list = nil
			return err
		}
		return nil
	}
	for _, row := range rows {
		key := ""
		if !o.Dry {
			key = "import/" + o.File + "/" + strconv.Itoa(row.n)
		}
		x := coming{row, make(chan brought, 1)}
		turn := make(chan struct{})
		at := engine.AtTurn(ctx, func() { close(turn) })
		go func() {
			how, wrong, err := im.Row(at, c.s.Clock(), o.Match, o.Columns, row.cells, key, o.Dry)
			x.done <- brought{how, wrong, err}
		}()
		select {
		case <-turn:
		case b := <-x.done:
			x.done <- b
		}
		list = append(list, x)
		if err := settle(most); err != nil {
			return err
		}
	}
	return settle(0)
}

// nobody reads what is written for him.
type nobody struct{}

func (nobody) Header() http.Header         { return http.Header{} }
func (nobody) Write(b []byte) (int, error) { return len(b), nil }
func (nobody) WriteHeader(int)             {}

// lookAt is a job as its person sees it.
func lookAt(j *job.Job, o importOrder, n importNotes) importView {
	return importView{ID: j.ID, Form: o.Form, File: o.File, Name: o.Name, Dry: o.Dry, State: j.State, Total: j.Total, Done: j.Done, Good: j.Good, Refused: j.Refused, Head: o.Head, Rows: n.refused, Alike: n.alike, Match: o.Match, Changed: n.changed, Same: n.same, Problem: problemOf(j)}
}

// problemOf is why a job was given up, as its person is told.
func problemOf(j *job.Job) *problem {
	p := &problem{}
	if j.State != job.Broken || json.Unmarshal(j.Problem, p) != nil {
		return nil
	}
	return p
}

func importState(c *call) error {
	j, o, err := c.job()
	if err != nil {
		return err
	}
	n, err := c.notes(j, o, importShown)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, lookAt(j, o, n))
}

func stopImport(c *call) error {
	j, _, err := c.job()
	if err != nil {
		return err
	}
	if err := c.s.Jobs.Stop(c.ctx(), j); err != nil {
		return err
	}
	return c.none()
}

// importRefused writes the refused rows as they came, the reason behind them: mended, the file can be sent again.
func importRefused(c *call) error {
	j, o, err := c.job()
	if err != nil {
		return err
	}
	n, err := c.notes(j, o, 0)
	if err != nil {
		return err
	}
	_, s, err := c.sheetOf(o.File)
	if err != nil {
		return err
	}
	cells := map[int][]string{}
	for _, r := range s.rows {
		cells[r.n] = r.cells
	}
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
	wide := len(o.Head)
	for _, r := range n.refused {
		wide = max(wide, len(cells[r.Row]))
	}
	row := func(cells []string, reason string) []string {
		full := make([]string, wide, wide+1)
		copy(full, cells)
		return append(full, reason)
	}
	if err := put(1, row(o.Head, c.say("原因", "Reason"))); err != nil {
		return err
	}
	for i, r := range n.refused {
		var why []string
		for _, x := range r.Items {
			say := c.say(x.Say.ZH, x.Say.EN)
			if x.Clause != "" {
				say += c.say("（", " (") + x.Clause + c.say("）", ")")
			}
			why = append(why, say)
		}
		if err := put(i+2, row(cells[r.Row], strings.Join(why, c.say("；", "; ")))); err != nil {
			return err
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("Content-Type", c.route.kind)
	base, _, _ := strings.Cut(cleanName(o.Name), ".")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": base + c.say("-没导入的行", "-refused") + ".xlsx"}))
	if _, err := book.WriteTo(c.w); err != nil {
		panic(http.ErrAbortHandler)
	}
	return nil
}
