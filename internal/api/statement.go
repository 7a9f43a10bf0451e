package api

import (
	"errors"
	"mime"
	"net/http"
	"strconv"

	"github.com/xuri/excelize/v2"

	"zhanggui/internal/engine"
	"zhanggui/internal/fault"
)

func statement(c *call) error {
	v, _, err := c.s.Engine.Statement(c.ctx(), c.now, c.actor, c.query("month"), false)
	return answer(c, v, err)
}

// statementSheet is the month's statement as a workbook: a sheet of persons and one of units.
func statementSheet(c *call) error {
	v, stamps, err := c.s.Engine.Statement(c.ctx(), c.now, c.actor, c.query("month"), true)
	if err != nil {
		return err
	}
	book := excelize.NewFile()
	defer book.Close()
	for i, part := range []struct {
		name string
		rows []engine.StatementRow
	}{{c.say("个人", "Persons"), v.Persons}, {c.say("单位", "Units"), v.Units}} {
		if i == 0 {
			err = book.SetSheetName(book.GetSheetName(0), part.name)
		} else {
			_, err = book.NewSheet(part.name)
		}
		if err != nil {
			return err
		}
		if err := c.statementPart(book, part.name, v, stamps, part.rows, i == 0); err != nil {
			return err
		}
	}
	h := c.w.Header()
	h.Set("Content-Type", c.route.kind)
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": c.say("奖罚月结 ", "Statement ") + v.Month + ".xlsx"}))
	if _, err := book.WriteTo(c.w); err != nil {
		panic(http.ErrAbortHandler)
	}
	return nil
}

func (c *call) statementPart(book *excelize.File, sheet string, v *engine.Statement, stamps []engine.Text, rows []engine.StatementRow, persons bool) error {
	line := 0
	put := func(cells ...any) error {
		line++
		return book.SetSheetRow(sheet, "A"+strconv.Itoa(line), &cells)
	}
	var lines [][]any
	for _, s := range stamps {
		lines = append(lines, []any{c.say(s.ZH, s.EN)})
	}
	lines = append(lines, []any{c.say(v.Month+" 奖罚月结：只计已确认的；供工资核算参考，不自动扣发", v.Month+" statement of rewards and penalties: confirmed ones only; for payroll to consider, nothing is deducted by it")})
	if v.Hidden > 0 {
		lines = append(lines, []any{c.say("另有 "+strconv.Itoa(v.Hidden)+" 笔金额无权查看，未计入", strconv.Itoa(v.Hidden)+" more entries whose amounts are not yours to see are left out")})
	}
	head := []any{c.say("单位", "Unit"), c.say("账簿", "Ledger"), c.say("笔数", "Entries"), c.say("记入", "Added"), c.say("冲回", "Taken back"), c.say("净额", "Net"), c.say("其中可申诉或申诉中", "Of it under or open to appeal")}
	if persons {
		head = append([]any{c.say("姓名", "Person")}, head...)
	}
	lines = append(lines, head)
	for _, cells := range lines {
		if err := put(cells...); err != nil {
			return fault.Wrap(fault.Internal, err, "表写不出来", "The sheet cannot be written")
		}
	}
	twoPlaces, err := book.NewStyle(&excelize.Style{NumFmt: 4})
	if err != nil {
		return fault.Wrap(fault.Internal, err, "表写不出来", "The sheet cannot be written")
	}
	for _, r := range rows {
		cells := []any{r.Unit, c.say(r.Ledger.ZH, r.Ledger.EN), r.Entries}
		if persons {
			cells = append([]any{r.Person}, cells...)
		}
		err := put(cells...)
		for i, amount := range []string{r.Added, r.Taken, r.Net, r.Open} { // as numbers, so that payroll can add them up
			at, bad := excelize.CoordinatesToCellName(len(cells)+1+i, line)
			err = errors.Join(err, bad, book.SetCellDefault(sheet, at, amount), book.SetCellStyle(sheet, at, at, twoPlaces))
		}
		if err != nil {
			return fault.Wrap(fault.Internal, err, "表写不出来", "The sheet cannot be written")
		}
	}
	return nil
}
