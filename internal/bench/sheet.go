package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"time"

	"github.com/xuri/excelize/v2"

	"zhanggui/internal/auth"
)

// imports is how long a sheet of customers takes to come in, as a clerk does it: sent, mapped and brought in by the running program, each
// row an act of its own.
func (r *run) imports() error {
	const rows = 100_000
	s, err := r.shop("sqlite:" + r.file("import.db"))
	if err != nil {
		return err
	}
	err = auth.New(s.db, staff{s}, auth.Options{}).SetPassword(r.ctx, s.now, s.clerk, password, false)
	if err := errors.Join(err, s.db.Close()); err != nil {
		return err
	}
	address, stop, _, err := r.serve(r.program, "--listen", "/api/health", "serve", "--database", "sqlite:"+r.file("import.db"), "--key", r.file("import.key"))
	if err != nil {
		return err
	}
	defer stop()
	client := clientOf(2)
	csrf, err := signInAs(client, address, "chen")
	if err != nil {
		return err
	}
	file, kind, err := sheetOf(rows)
	if err != nil {
		return err
	}
	begin := time.Now()
	var sent struct{ ID string }
	if err := ask(client, address+"/api/file", csrf, kind, file, &sent); err != nil {
		return err
	}
	order, err := json.Marshal(map[string]any{"file": sent.ID, "columns": []string{"name", "country"}})
	if err != nil {
		return err
	}
	var job struct {
		ID, State            string
		Total, Done, Refused int
	}
	if err := ask(client, address+"/api/form/base.customer/import", csrf, "application/json", order, &job); err != nil {
		return err
	}
	for job.State == "running" {
		time.Sleep(100 * time.Millisecond)
		if err := ask(client, address+"/api/import/"+job.ID, csrf, "", nil, &job); err != nil {
			return err
		}
	}
	took := time.Since(begin)
	r.say("%d customers from a sheet in %s: %.0f rows /s (%s, %d refused)", job.Done, took.Round(time.Second), float64(job.Done)/took.Seconds(), job.State, job.Refused)
	return nil
}

// sheetOf is a workbook of customers, as a form that is sent, and its type.
func sheetOf(rows int) ([]byte, string, error) {
	book := excelize.NewFile()
	defer book.Close()
	out, err := book.NewStreamWriter("Sheet1")
	if err != nil {
		return nil, "", err
	}
	err = out.SetRow("A1", []any{"名称", "国家"})
	for i := 0; i < rows && err == nil; i++ {
		err = out.SetRow(fmt.Sprintf("A%d", i+2), []any{fmt.Sprintf("泰和泵业第 %d 分公司", i), "CN"})
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	if err := errors.Join(err, out.Flush()); err != nil {
		return nil, "", err
	}
	part, err := form.CreateFormFile("file", "customers.xlsx")
	if err == nil {
		err = book.Write(part)
	}
	err = errors.Join(err, form.Close())
	return body.Bytes(), form.FormDataContentType(), err
}

// ask sends a body, or asks where there is none, and reads the answer.
func ask(c *http.Client, address, csrf, kind string, body []byte, into any) error {
	method := http.MethodGet
	if body != nil {
		method = http.MethodPost
	}
	req, err := http.NewRequest(method, address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if body != nil {
		req.Header.Set("Content-Type", kind)
		req.Header.Set("X-CSRF-Token", csrf)
	}
	text, err := send(c, req)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}
