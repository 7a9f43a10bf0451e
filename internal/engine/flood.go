package engine

import (
	"strconv"
	"sync"
	"time"

	"zhanggui/internal/fault"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
)

// filings knows how many records a person may still open in a form before the database is asked again how many he opened
// within 24 hours: a tenth of what was left when it was last asked, so that hardly an act pays for the question.
type filings struct {
	mu   sync.Mutex
	left map[[2]string]int // person, form
}

// mayFile holds a person to so many records a form in 24 hours: a program that runs wild, or somebody who means harm, fills
// neither the register nor the disk. Several nodes count each for itself between two questions.
func (w *work) mayFile(f *rulebook.Form) error {
	most := w.e.opts.RecordsADay
	if most <= 0 || w.actor.System || w.actor.Person == "" {
		return nil
	}
	key := [2]string{w.actor.Person, f.Key}
	if w.e.filings.take(key) {
		return nil
	}
	n, err := w.tx.Count(f.Table, query.And(query.Eq("t", "by", w.actor.Person), query.Op{Name: ">", Args: []query.Expr{
		query.Col{Alias: "t", Name: "at"}, query.Const{Value: instant(w.now.Add(-24 * time.Hour))}}}))
	if err != nil {
		return err
	}
	if int(n) >= most {
		limit := strconv.Itoa(most)
		return fault.New(fault.TooMany,
			"“"+f.Label.ZH+"”一天里最多登记 "+limit+" 份，你已经登满，明天再登；不够用请管理员调高上限",
			"At most "+limit+" records of “"+f.Label.EN+"” a person a day: go on tomorrow, or have the administrator raise the limit")
	}
	w.e.filings.grant(key, (most-int(n)-1)/10)
	return nil
}

// take uses up one of those that need no question.
func (f *filings) take(key [2]string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left[key] == 0 {
		return false
	}
	f.left[key]--
	return true
}

func (f *filings) grant(key [2]string, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left == nil {
		f.left = map[[2]string]int{}
	}
	f.left[key] = n
}
