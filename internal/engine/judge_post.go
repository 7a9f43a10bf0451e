package engine

import (
	"slices"
	"strings"

	"zhanggui/internal/calendar"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
)

// What regulations ask of the posts that people hold: asked wherever somebody comes to hold one or to act for who does (a grant, a
// stand-in, a move to another unit), where a holder leaves, and where a unit adopts the regulation. Whether a condition still holds is
// asked again at each act.

// judgePosts is asked at the end of the act, when the change counts already.
func (w *work) judgePosts(r *Record, a *rulebook.Action) error {
	if w.seeding || w.actor.System || r.was == nil && !r.born() {
		return nil
	}
	var items []Reason
	var err error
	switch r.form.Key {
	case "base.role_grant":
		g := grantOf(r)
		if r.State() == grantAsked || r.State() == grantHeld {
			items, err = w.postReasons(g.person, r.id, []grant{g})
		}
		if !r.born() && (r.State() == grantHeld && !g.until.IsZero() || r.State() == grantEnded) {
			items = append(items, w.vacancies([]grant{g}, dayAfter(g.until, w))...)
		}
	case "base.absence":
		if stand := r.str("stand_in"); stand != "" {
			acting := w.grantsOf(r.str("person"))
			for i := range acting {
				acting[i].from, acting[i].until = dayOfInstant(r.row["from"], w), dayOfInstant(r.row["until"], w)
			}
			items, err = w.postReasons(stand, "", acting)
		}
	case "base.person":
		held := w.grantsOf(r.id)
		switch {
		case !w.world.active(r.id):
			items = w.vacancies(held, w.world.calendar.DateOf(w.now))
		case r.changed("unit"):
			items, err = w.postReasons(r.id, "", held)
		}
	case "base.adoption":
		if b := w.e.Lib.Book(r.str("book")); b != nil && r.born() {
			for _, s := range w.emptySeats(b, r.str("unit")) {
				if s.must {
					items = append(items, Reason{Clause: s.clause, Field: "book", Say: label("“"+s.role.Label.ZH+"”还没有人：要由他核签“"+s.signs.ZH+"”，先任命", "Nobody is "+s.role.Label.EN+", who must sign “"+s.signs.EN+"”: appoint somebody first")})
				}
			}
		}
	}
	if err != nil || len(items) == 0 {
		return err
	}
	return w.refuse("require", r, a, items)
}

func grantOf(r *Record) grant {
	day := func(v any) calendar.Date { d, _ := calendar.ParseDate(str(v)); return d }
	return grant{person: r.str("person"), role: r.str("role"), unit: r.str("unit"), from: day(r.row["from"]), until: day(r.row["until"])}
}

func dayAfter(d calendar.Date, w *work) calendar.Date {
	if d.IsZero() {
		return w.world.calendar.DateOf(w.now)
	}
	return d.AddDays(1)
}

func dayOfInstant(v any, w *work) calendar.Date {
	t, ok := parseInstant(v)
	if !ok {
		return calendar.Date{}
	}
	return w.world.calendar.DateOf(t)
}

// overlap tells whether two posts are held on a common day; no date is no limit.
func (g grant) overlap(h grant) bool {
	before := func(a, b calendar.Date) bool { return !a.IsZero() && !b.IsZero() && b.After(a) }
	return !before(g.until, h.from) && !before(h.until, g.from)
}

// postReasons tells why somebody may not come to hold posts: one of his excludes it, or a condition of it is not met. Who comes
// to hold posts takes turns with himself, so that two given at once cannot both find the other not there yet; asked is the
// record of the post that is being given.
func (w *work) postReasons(person, asked string, fresh []grant) ([]Reason, error) {
	p, err := w.person(person)
	if err != nil {
		return nil, err
	}
	if err := w.tx.Lock("posts of " + person); err != nil {
		return nil, err
	}
	held, err := w.grantsNow(person, asked)
	if err != nil {
		return nil, err
	}
	var items []Reason
	for _, b := range w.e.Lib.Books {
		for _, g := range fresh {
			view := w.world.view(w, b, first(g.unit, p.str("unit")), w.now)
			if view.Adoption == "" && b.ID != "base" {
				continue
			}
			for _, h := range append(held, fresh...) {
				if c := conflict(b, view, g.role, h.role); c != nil && g.overlap(h) {
					items = append(items, Reason{Clause: c.Clause, Field: "role", Say: label("“"+roleName(b, g.role).ZH+"”和“"+roleName(b, h.role).ZH+"”不能由同一人担任："+w.name(person),
						"One person may not be both "+roleName(b, g.role).EN+" and "+roleName(b, h.role).EN+": "+w.name(person))})
				}
			}
			role := b.Role(g.role)
			if role == nil {
				continue
			}
			for _, need := range role.Needs {
				if !view.Awake(&need.Node) {
					continue
				}
				ok, err := w.truth(need.That, view, w.scope(p, view, nil), true)
				if err != nil {
					return nil, err
				}
				if !ok {
					items = append(items, Reason{Clause: need.Clause, Field: "person", Say: sayOr(need.Say, "缺少任此角色的前提", "A condition of this role is not met")})
				}
			}
		}
	}
	return items, nil
}

// grantsNow are the posts somebody holds as the database has them now, but for one record.
func (w *work) grantsNow(person, but string) ([]grant, error) {
	form := w.e.Lib.Form("base.role_grant")
	rows, err := w.tx.Select(query.Select{Table: form.Table, Alias: "g", Where: query.And(query.Eq("g", "person", person), query.Op{Name: "<>", Args: []query.Expr{query.Col{Alias: "g", Name: "state"}, query.Const{Value: "void"}}})})
	if err != nil {
		return nil, err
	}
	var list []grant
	for _, row := range rows {
		if str(row["id"]) != but && str(row["state"]) != grantRefused {
			list = append(list, grantOf(w.adopt(form, row)))
		}
	}
	return list, nil
}

func (w *work) grantsOf(person string) []grant { return slices.Clone(w.world.held[person]) }

// conflict is the rule by which two roles exclude each other, whichever of them says so.
func conflict(b *rulebook.Book, view *rulebook.View, one, other string) *rulebook.Conflict {
	for _, x := range [][2]string{{one, other}, {other, one}} {
		if role := b.Role(x[0]); role != nil {
			for _, c := range role.Conflicts {
				if c.With == x[1] && view.Awake(&c.Node) {
					return c
				}
			}
		}
	}
	return nil
}

func roleName(b *rulebook.Book, id string) rulebook.Label {
	if r := b.Role(id); r != nil {
		return r.Label
	}
	return rulebook.Label{ZH: id, EN: id}
}

// vacancies tells which posts that must never be empty would be so from a day on.
func (w *work) vacancies(left []grant, from calendar.Date) []Reason {
	var items []Reason
	said := map[string]bool{}
	for _, g := range left {
		for i := range w.world.adoptions {
			x := &w.world.adoptions[i]
			b := w.e.Lib.Book(x.book)
			if b == nil || !inForce(x.from, x.until, from) {
				continue
			}
			role := b.Role(g.role)
			if role == nil || role.Holders != "one" || said[x.book+g.role] || w.isHeld(g.role, x.unit, from) ||
				!w.world.view(w, b, x.unit, w.now).Awake(&role.Node) {
				continue
			}
			said[x.book+g.role] = true
			items = append(items, Reason{Clause: role.Clause, Say: label("“"+role.Label.ZH+"”不能空缺：先任命接替的人", role.Label.EN+" may not be vacant: appoint the successor first")})
		}
	}
	return items
}

// isHeld tells whether anybody holds a role in a unit, above or below it, or in the company, on a day.
func (w *work) isHeld(role, unit string, on calendar.Date) bool {
	for _, g := range w.world.filled[role] {
		if inForce(g.from, g.until, on) && w.world.active(g.person) && (g.unit == "" || w.world.within(g.unit, unit) || w.world.within(unit, g.unit)) {
			return true
		}
	}
	return false
}

// emptySeat is a role that an approval needs and nobody holds.
type emptySeat struct {
	role   *rulebook.Role
	signs  rulebook.Label // what it would have to sign
	clause string
	must   bool // the regulation says that somebody holds it
}

// emptySeats are the roles whose signatures a regulation asks for and which nobody in a unit holds.
func (w *work) emptySeats(b *rulebook.Book, unit string) []emptySeat {
	var list []emptySeat
	on := w.world.calendar.DateOf(w.now)
	for _, role := range b.Roles {
		signs := signedFor(b, role.ID)
		if len(signs) == 0 || role.Org != "" || w.isHeld(role.ID, unit, on) {
			continue
		}
		var zh, en []string
		for _, a := range signs {
			zh, en = append(zh, a.Label.ZH), append(en, a.Label.EN)
		}
		list = append(list, emptySeat{role, rulebook.Label{ZH: strings.Join(zh, "”“"), EN: strings.Join(en, "”, “")}, first(role.Clause, signs[0].Clause), role.Holders == "one" || role.Holders == "some"})
	}
	return list
}

// signedFor are the approvals that name a role as a seat.
func signedFor(b *rulebook.Book, role string) []*rulebook.Approval {
	var list []*rulebook.Approval
	for _, a := range b.Approvals {
		named := false
		for _, who := range seatsOf(a) {
			for _, item := range who.Items {
				named = named || item.Expr != nil && contains(item.Expr.Names(), role)
			}
		}
		if named {
			list = append(list, a)
		}
	}
	return list
}
