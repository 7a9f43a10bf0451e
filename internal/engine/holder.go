package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"zhanggui/internal/query"
	"zhanggui/internal/store"
)

// Who holds a clock is a list, which no index finds somebody in. But the same lists come again and again, one for each post:
// so a clock carries a mark of its list, with an index, and each list of several people is written down once. Whose clocks are
// asked for is looked up among the lists, and then the clocks by the marks of his. A clock written by a program from before
// the marks has none, and is looked through.

var holderTable = store.Table{Name: "holder_list", Apart: true, Label: "期限归属名单", Primary: []string{"id"}, Columns: []store.Column{
	{Name: "id", Kind: "text", NotNull: true}, {Name: "list", Kind: "text", NotNull: true}}}

// heldMark is the mark of a list.
func heldMark(list []byte) string {
	sum := sha256.Sum256(list)
	return hex.EncodeToString(sum[:8])
}

// hold gives a clock its holders.
func (w *work) hold(c *Record, ids []string) error {
	list, err := json.Marshal(ids)
	if err != nil {
		return err
	}
	setCol(c, "holder", string(list))
	mark := heldMark(list)
	if c.str("held") == mark {
		return nil
	}
	setCol(c, "held", mark)
	if _, known := w.e.lists.Load(mark); known || len(ids) < 2 {
		return nil
	}
	if !w.e.opts.Quiet { // what is only tried out is undone with all it wrote down
		w.tx.OnCommit(func() { w.e.lists.Store(mark, true) })
	}
	return w.tx.Upsert(holderTable.Name, []string{"id"}, store.Row{"id": mark, "list": string(list)})
}

const heldLists = 40 // more are asked together

// clocksHeld are the running clocks that one of these people holds, the most urgent first.
func (w *work) clocksHeld(people []string, most int) ([]store.Row, error) {
	table := w.clockForm().Table
	col := func(name string) query.Expr { return query.Col{Alias: "c", Name: name} }
	order := []query.Order{{Expr: col("due")}, {Expr: col("id")}}
	held := query.Op{Name: "in", Args: []query.Expr{col("held")}}
	var holding, listed []query.Expr
	for _, id := range people {
		own, err := json.Marshal([]string{id})
		if err != nil {
			return nil, err
		}
		held.Args = append(held.Args, query.Const{Value: heldMark(own)})
		holding = append(holding, holds("c", "holder", id))
		listed = append(listed, holds("l", "list", id))
	}
	lists, err := w.tx.Select(query.Select{Table: holderTable.Name, Alias: "l", Where: query.Op{Name: "or", Args: listed}})
	if err != nil {
		return nil, err
	}
	for _, l := range lists {
		held.Args = append(held.Args, query.Const{Value: l["id"]})
	}
	// From the index alone, which has those of one list in one state in this order: of many only the first are read.
	first := query.Select{Table: table, Alias: "c", Order: order, Limit: most, Columns: []query.Column{{Name: "id", Expr: col("id")}, {Name: "due", Expr: col("due")}}}
	if len(held.Args) <= heldLists {
		for _, mark := range held.Args[1:] {
			for _, state := range runningStates {
				first.Any = append(first.Any, query.And(query.Op{Name: "=", Args: []query.Expr{col("held"), mark}}, query.Eq("c", "state", state)))
			}
		}
	} else {
		first.Where = query.And(held, running("c"))
	}
	found, err := w.tx.Select(first)
	if err != nil {
		return nil, err
	}
	them := query.Op{Name: "or", Args: holding}
	var rows []store.Row
	if len(found) > 0 {
		ids := query.Op{Name: "in", Args: []query.Expr{col("id")}}
		for _, r := range found {
			ids.Args = append(ids.Args, query.Const{Value: r["id"]})
		}
		if rows, err = w.tx.Select(query.Select{Table: table, Alias: "c", Where: query.And(ids, them), Order: order}); err != nil {
			return nil, err
		}
	}
	unmarked, err := w.tx.Select(query.Select{Table: table, Alias: "c", Where: query.And(query.Op{Name: "isnull", Args: []query.Expr{col("held")}}, running("c"), them), Order: order, Limit: most})
	if err != nil || len(unmarked) == 0 {
		return rows, err
	}
	rows = append(rows, unmarked...)
	slices.SortStableFunc(rows, func(a, b store.Row) int {
		if d := strings.Compare(str(a["due"]), str(b["due"])); d != 0 {
			return d
		}
		return strings.Compare(str(a["id"]), str(b["id"]))
	})
	return rows[:min(most, len(rows))], nil
}
