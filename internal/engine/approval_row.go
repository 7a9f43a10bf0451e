package engine

import (
	"strings"

	"zhanggui/internal/expr"
	"zhanggui/internal/rulebook"
)

// rowSeat begins the path of a seat that belongs to one row of a report.
const rowSeat = "row."

// rowSeats opens a seat for each row of a report that somebody must sign by itself (14-9.9c: the heads concerned) and tells
// whether all of them are signed. Who must sign is asked of the record the row reports on. A person may sign many rows, and sign
// them besides a seat of his own: his being concerned is a fact of the row, not a second check.
func (w *work) rowSeats(r *Record, a *rulebook.Approval, signed map[string]signature, out []string, st *approvalState) (bool, error) {
	if a.Row == nil || r.form.Report == nil {
		return true, nil
	}
	rows, err := r.Lines("rows")
	if err != nil {
		return false, err
	}
	form := w.e.Lib.Form(r.form.Report.Of)
	var ids []string
	for _, row := range rows {
		ids = append(ids, str(row.row["of"]))
	}
	reported, err := w.many(form, ids)
	if err != nil {
		return false, err
	}
	done := true
	for i, row := range rows {
		of := reported[ids[i]]
		if of == nil {
			continue
		}
		v, err := a.Row.Eval(w.scope(of, w.viewFor(a.Book, of), nil))
		if err != nil {
			return false, err
		}
		if v == nil {
			continue // the case concerns nobody
		}
		seats := rowPaths(row.id, v)
		for _, path := range sortedKeys(seats) {
			if _, ok := signed[path]; ok {
				continue
			}
			var may []string
			for _, p := range seats[path] {
				if !contains(out, p) {
					may = append(may, p)
				}
			}
			if len(may) == 0 {
				st.empty = append(st.empty, path)
			}
			st.open[path] = may
			done = false
		}
	}
	return done, nil
}

// rowPaths are the seats of one row with who may take each: one for whoever is named, or of a list one for each that it names.
func rowPaths(row string, v expr.Value) map[string][]string {
	list, several := v.([]expr.Value)
	if !several {
		return map[string][]string{rowSeat + row: personIDs(v)}
	}
	paths := map[string][]string{}
	for _, x := range list {
		ids := personIDs(x) // nobody is a seat that stays empty, as for one
		paths[rowSeat+row+"."+strings.Join(ids, ".")] = ids
	}
	return paths
}

// seatsOf answers the seats a person signs now: one of the approval's own and every row that waits for him. Who has none stands in
// for an absent person, whom on names.
func (st *approvalState) seatsOf(person string) (seats []string, on string) {
	if seats = st.openTo(person); len(seats) > 0 {
		return seats, ""
	}
	if on = st.standIn[person]; on != "" {
		seats = st.openTo(on)
	}
	return seats, on
}

func (st *approvalState) openTo(person string) []string {
	var seats []string
	own := false
	for _, path := range sortedKeys(st.open) {
		row := strings.HasPrefix(path, rowSeat)
		if (row || !own) && contains(st.open[path], person) {
			seats = append(seats, path)
			own = own || !row
		}
	}
	return seats
}
