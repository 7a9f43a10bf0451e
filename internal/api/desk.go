package api

import (
	"net/http"
	"strconv"
	"time"

	"zhanggui/internal/calendar"
	"zhanggui/internal/engine"
	"zhanggui/internal/fault"
)

func tasks(c *call) error {
	v, err := c.s.Engine.Tasks(c.ctx(), c.now, c.actor, c.query("all") != "")
	return answer(c, v, err)
}

func taskCounts(c *call) error {
	v, err := c.s.Engine.Counts(c.ctx(), c.now, c.actor)
	return answer(c, v, err)
}

func clocks(c *call) error {
	n, _ := strconv.Atoi(c.query("limit"))
	v, err := c.s.Engine.Clocks(c.ctx(), c.now, c.actor, engine.ClockQuery{Form: c.query("form"), State: c.query("state"), Unit: c.query("unit"), Q: c.query("q"), Cursor: c.query("cursor"), Limit: n})
	return answer(c, v, err)
}

func notices(c *call) error {
	v, err := c.s.Engine.Notices(c.ctx(), c.now, c.actor)
	return answer(c, v, err)
}

func readNotice(c *call) error {
	if err := c.s.Engine.ReadNotice(c.ctx(), c.now, c.actor, c.path("id")); err != nil {
		return err
	}
	return c.none()
}

func search(c *call) error {
	v, err := c.s.Engine.Search(c.ctx(), c.now, c.actor, c.query("q"))
	return answer(c, v, err)
}

func scan(c *call) error {
	v, err := c.s.Engine.Scan(c.ctx(), c.now, c.actor, c.query("code"))
	return answer(c, v, err)
}

func ledgers(c *call) error {
	v, err := c.s.Engine.Ledgers(c.ctx(), c.now, c.actor)
	return answer(c, v, err)
}

func ledger(c *call) error {
	v, err := c.s.Engine.Ledger(c.ctx(), c.now, c.actor, c.path("id"), c.query("book"), c.query("person"), c.query("month"))
	return answer(c, v, err)
}

func reports(c *call) error {
	v, err := c.s.Engine.Reports(c.ctx(), c.now, c.actor)
	return answer(c, v, err)
}

type statAnswer struct {
	Rows []engine.StatRow `json:"rows"`
}

func stat(c *call) error {
	v, err := c.s.Engine.Stat(c.ctx(), c.now, c.actor, engine.StatQuery{Form: c.query("form"), By: c.query("by"), Where: c.query("where"), Sum: c.query("sum")})
	return answer(c, statAnswer{v}, err)
}

func board(c *call) error {
	v, err := c.s.Engine.Board(c.ctx(), c.now, c.actor)
	return answer(c, v, err)
}

func journalPage(c *call) error {
	n, _ := strconv.Atoi(c.query("limit"))
	v, err := c.s.Engine.Journal(c.ctx(), c.now, c.actor, engine.JournalQuery{Person: c.query("person"), Record: c.query("record"), Clause: c.query("clause"),
		Action: c.query("action"), Cursor: c.query("cursor"), Refused: c.flag("refused"), Limit: n})
	if err == nil && c.query("cursor") == "" {
		err = c.readJournal(map[string]any{"person": c.query("person"), "record": c.query("record"), "clause": c.query("clause"), "action": c.query("action")})
	}
	return answer(c, v, err)
}

func journalEntry(c *call) error {
	v, err := c.s.Engine.JournalEntry(c.ctx(), c.now, c.actor, c.path("id"))
	if err == nil {
		err = c.readJournal(map[string]any{"entry": c.path("id")})
	}
	return answer(c, v, err)
}

// readJournal records that somebody reads the journal. Where nothing can be recorded, because the server found that its
// database is older than it was, auditors must still be able to look.
func (c *call) readJournal(asked map[string]any) error {
	if c.s.Engine.DB.Held() != nil {
		return nil
	}
	for k, v := range asked {
		if v == "" {
			delete(asked, k)
		}
	}
	return c.s.Engine.Note(c.ctx(), c.now, c.actor, "", "", "read_journal", asked)
}

func rights(c *call) error {
	v, err := c.s.Engine.Rights(c.ctx(), c.now, c.actor, c.path("id"))
	return answer(c, v, err)
}

// handing shows an administrator what a leaver would hand over.
func handing(c *call) error {
	v, err := c.s.Engine.Handing(c.ctx(), c.now, c.actor, c.path("id"))
	return answer(c, v, err)
}

func calendarOf(c *call) error {
	year, err := strconv.Atoi(c.query("year"))
	if c.query("year") == "" {
		year, err = c.now.In(calendar.Standard().Zone).Year(), nil
	}
	if err != nil {
		return fault.At("year", "年份要写成 2026", "Write the year as 2026")
	}
	v, err := c.s.Engine.Calendar(c.ctx(), c.now, c.actor, year)
	return answer(c, v, err)
}

func health(c *call) error { return c.json(http.StatusOK, map[string]bool{"ok": true}) }

// ready tells a load balancer whether to send anybody here.
func ready(c *call) error {
	if c.s.Ready != nil {
		if err := c.s.Ready(); err != nil {
			return err
		}
	}
	if err := c.s.Engine.DB.Failed(); err != nil {
		return fault.Wrap(fault.Unavailable, err, "数据库写不进磁盘（坏了、满了或变成了只读）。修好后要重新启动", "The database cannot write to its disk: it is broken, full or read-only. Mend it, then restart")
	}
	if _, err := c.s.Engine.Has(c.ctx(), c.now, engine.Actor{System: true}, ""); err != nil {
		return fault.Wrap(fault.Unavailable, err, "数据库暂时不可用", "The database is away")
	}
	return c.json(http.StatusOK, map[string]bool{"ok": true})
}

type handView struct {
	Now    string `json:"now"`
	Manual bool   `json:"manual"`
}

type turnBody struct {
	Set     string `json:"set,omitempty"`
	Advance string `json:"advance,omitempty"`
}

type turned struct {
	Now   string `json:"now"`
	Fired int    `json:"fired"`
}

func hand(c *call) error { return c.json(http.StatusOK, handView{instant(c.now), true}) }

func turn(c *call) error {
	var in turnBody
	if err := c.decode(&in); err != nil {
		return err
	}
	var to time.Time
	switch {
	case in.Set != "":
		t, err := time.Parse(time.RFC3339Nano, in.Set)
		if err != nil {
			return fault.At("set", "时间要写成 2026-03-18T10:00:00+08:00", "Write the time as 2026-03-18T10:00:00+08:00")
		}
		to = t
	case in.Advance != "":
		sp, err := calendar.ParseSpan(in.Advance)
		if err != nil {
			return fault.At("advance", "时长要写成 15d、4h、30m", "Write the length as 15d, 4h or 30m")
		}
		to = calendar.Standard().Add(c.now, sp)
	default:
		return fault.At("set", "要写 set 或 advance", "Give set or advance")
	}
	if to.After(c.now.AddDate(2, 0, 0)) {
		return fault.At("set", "一次最多拨两年", "Two years at most in one turn")
	}
	n, err := c.s.ManualClock.Turn(c.ctx(), to)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, turned{instant(to), n})
}
