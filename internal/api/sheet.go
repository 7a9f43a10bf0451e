package api

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"

	"zhanggui/internal/fault"
)

const (
	sheetRows    = 100_000
	sheetColumns = 100
	sheetBytes   = 20 * megabyte
)

// sheet is a table as people keep it: a head and rows of text. The first row is the head.
type sheet struct {
	head []string
	rows []sheetRow
}

// sheetRow is a row with its number in the file; blank rows are left out, numbers stay.
type sheetRow struct {
	n     int
	cells []string
}

// readSheet reads a workbook's first sheet, or text separated by commas, semicolons or tabs.
func readSheet(b []byte) (*sheet, error) {
	s := &sheet{}
	var err error
	if bytes.HasPrefix(b, []byte("PK\x03\x04")) {
		err = s.workbook(b)
	} else {
		err = s.text(b)
	}
	var known *fault.Error
	switch {
	case errors.As(err, &known):
		return nil, err
	case err != nil:
		return nil, fault.Wrap(fault.Invalid, err, "文件看不懂，请存成 Excel（.xlsx）或 CSV", "The file cannot be read; save it as Excel (.xlsx) or CSV")
	case len(s.rows) == 0:
		return nil, fault.At("file", "文件里没有数据：第一行是栏名，从第二行起是数据", "The file holds no data: the first row names the columns, data begins in the second")
	}
	return s, nil
}

// add takes a row; the first that says something is the head.
func (s *sheet) add(n int, cells []string) error {
	for i, c := range cells {
		cells[i] = strings.TrimSpace(c)
	}
	for len(cells) > 0 && cells[len(cells)-1] == "" {
		cells = cells[:len(cells)-1]
	}
	switch {
	case len(cells) == 0:
		return nil
	case len(cells) > sheetColumns:
		return fault.At("file", "栏太多，最多 100 栏", "Too many columns; 100 at most")
	case s.head == nil:
		s.head = cells
		return nil
	case len(s.rows) >= sheetRows:
		return fault.At("file", "行太多，一次最多 100000 行，请分成几份", "Too many rows; 100,000 at most, split the file")
	}
	s.rows = append(s.rows, sheetRow{n, cells})
	return nil
}

func (s *sheet) workbook(b []byte) error {
	book, err := excelize.OpenReader(bytes.NewReader(b), excelize.Options{UnzipSizeLimit: 200 * megabyte, UnzipXMLSizeLimit: 16 * megabyte,
		ShortDatePattern: "yyyy-mm-dd", LongDatePattern: "yyyy-mm-dd", LongTimePattern: "hh:mm"})
	if err != nil {
		return err
	}
	defer book.Close()
	rows, err := book.Rows(book.GetSheetName(0))
	if err != nil {
		return err
	}
	defer rows.Close()
	for n := 1; rows.Next(); n++ {
		cells, err := rows.Columns()
		if err != nil {
			return err
		}
		if err := s.add(n, cells); err != nil {
			return err
		}
	}
	return rows.Error()
}

// text reads CSV; one that is no UTF-8 is what Chinese Excel writes by itself.
func (s *sheet) text(b []byte) error {
	b = bytes.TrimPrefix(b, []byte("\ufeff"))
	if !utf8.Valid(b) {
		var err error
		if b, err = simplifiedchinese.GB18030.NewDecoder().Bytes(b); err != nil {
			return err
		}
	}
	if bytes.IndexByte(b, 0) >= 0 {
		return errors.New("not text")
	}
	r := csv.NewReader(bytes.NewReader(b))
	r.FieldsPerRecord, r.LazyQuotes = -1, true
	line, _, _ := bytes.Cut(b, []byte("\n"))
	for _, c := range []rune{'\t', ';'} {
		if strings.Count(string(line), string(c)) > strings.Count(string(line), ",") {
			r.Comma = c
		}
	}
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		n, _ := r.FieldPos(0)
		if err := s.add(n, cells); err != nil {
			return err
		}
	}
}
