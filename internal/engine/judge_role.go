package engine

import (
	"slices"

	"zhanggui/internal/calendar"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
)

// judgeGrant refuses a role that its holder may not have together with another, whoever grants it. Grants to one person take
// turns, so that two at once cannot both find the other not there yet.
func (w *work) judgeGrant(r *Record, a *rulebook.Action) error {
	person, role := str(r.row["person"]), str(r.row["role"])
	if person == "" || r.State() == "void" {
		return nil
	}
	if err := w.tx.Lock("roles of " + person); err != nil {
		return err
	}
	excluded := w.excludedBy(r, role)
	if len(excluded) == 0 {
		return nil
	}
	rows, err := w.tx.Select(query.Select{Table: r.form.Table, Alias: "t", Where: query.Eq("t", "person", person)})
	if err != nil {
		return err
	}
	from, until := day(r.row["from"]), day(r.row["until"])
	for _, row := range rows {
		i := slices.IndexFunc(excluded, func(x exclusion) bool { return x.role == str(row["role"]) })
		if i < 0 || str(row["id"]) == r.id || str(row["state"]) == "void" || ends(until, day(row["from"])) || ends(day(row["until"]), from) {
			continue
		}
		zh, en := w.roleName(role), w.roleName(excluded[i].role)
		return w.refuse("who", r, a, []Reason{{Clause: excluded[i].clause, Field: "role",
			Say: label("“"+zh.ZH+"”和“"+en.ZH+"”不能由同一人担任", "One person cannot hold both “"+zh.EN+"” and “"+en.EN+"”")}})
	}
	return nil
}

// ends tells whether one span of days is over before another begins; zero is open.
func ends(until, from calendar.Date) bool {
	return until != calendar.Date{} && from != calendar.Date{} && until.Before(from)
}

// exclusion is a role that another excludes, and by which clause.
type exclusion struct{ role, clause string }

// excludedBy are the roles that cannot be held beside one, whichever of the two says so.
func (w *work) excludedBy(r *Record, role string) []exclusion {
	var list []exclusion
	for _, b := range w.e.Lib.Books {
		view := w.viewFor(b, r)
		for _, x := range b.Roles {
			for _, c := range x.Conflicts {
				switch {
				case !view.Awake(&c.Node):
				case x.ID == role:
					list = append(list, exclusion{c.With, c.Clause})
				case c.With == role:
					list = append(list, exclusion{x.ID, c.Clause})
				}
			}
		}
	}
	return list
}

func (w *work) roleName(id string) Text {
	for _, b := range w.e.Lib.Books {
		if x := b.Role(id); x != nil {
			return textOr(x.Label, id)
		}
	}
	return Text{ZH: id, EN: id}
}
