package store

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
)

// guardSQL are the triggers by which the database itself refuses to change or delete a row of a written table, whoever
// asks: not only this program but also a person with the database's own tools. Who owns the tables can take the triggers
// away; what he does then is for the log and its witnesses to find.
//
// Names carry a digest of the definition, as those of indexes do, so that a column that comes later is guarded too.
func guardSQL(d dialect, t *Table) map[string]string {
	once, still := "", []string{}
	for _, c := range t.Columns {
		if c.Once {
			once = c.Name
			continue
		}
		still = append(still, c.Name)
	}
	rows := func(of string) string {
		list := make([]string, len(still))
		for i, n := range still {
			list[i] = of + "." + quote(n)
		}
		return "(" + strings.Join(list, ", ") + ")"
	}
	// What is allowed: one empty column filled, all others as they were.
	allowed := ""
	if once != "" {
		allowed = "OLD." + quote(once) + " IS NULL AND NEW." + quote(once) + " IS NOT NULL AND " + rows("NEW") +
			pick(d == postgres, " IS NOT DISTINCT FROM ", " IS ") + rows("OLD")
	}
	when := func(condition string) string { return pick(condition == "", "", " WHEN ("+condition+")") }
	not := ""
	if allowed != "" {
		not = "NOT (" + allowed + ")"
	}
	list := map[string]string{}
	add := func(what, event, each, condition string) {
		do := " EXECUTE FUNCTION " + quote(guardFunction) + "()"
		if d == sqlite {
			do = " BEGIN SELECT RAISE(ABORT, " + literal("the journal is written once: "+t.Name) + "); END"
		}
		body := event + " ON " + quote(t.Name) + each + when(condition) + do
		h := sha256.Sum256([]byte(body))
		name := "kept_" + t.Name + "_" + what + "_" + hex.EncodeToString(h[:4])
		list[name] = pick(d == postgres, "CREATE OR REPLACE TRIGGER ", "CREATE TRIGGER IF NOT EXISTS ") + quote(name) + " BEFORE " + body
	}
	add("change", "UPDATE", " FOR EACH ROW", not)
	add("delete", "DELETE", " FOR EACH ROW", "")
	if d == postgres {
		add("empty", "TRUNCATE", " FOR EACH STATEMENT", "")
		return list
	}
	// SQLite's INSERT OR REPLACE deletes without asking the trigger above.
	var taken []string
	unique := [][]string{t.Primary}
	for _, x := range t.Indexes {
		if x.Unique {
			unique = append(unique, x.Columns)
		}
	}
	for _, columns := range unique {
		var same []string
		for _, c := range columns {
			same = append(same, quote(c)+" = NEW."+quote(c))
		}
		taken = append(taken, "EXISTS (SELECT 1 FROM "+quote(t.Name)+" WHERE "+strings.Join(same, " AND ")+")")
	}
	add("replace", "INSERT", " FOR EACH ROW", strings.Join(taken, " OR "))
	return list
}

// guardFunction is what PostgreSQL's triggers call.
const guardFunction = "journal_kept"

const guardFunctionSQL = `CREATE OR REPLACE FUNCTION "` + guardFunction + `"() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN RAISE EXCEPTION 'the journal is written once: %', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege'; END$$`

// guards plans the triggers of a written table that are not there yet. Those of an older definition go, else a column
// that came later could never be filled.
func (p *planner) guards(want *Table, have *table) {
	if !want.Written {
		return
	}
	list := guardSQL(p.dialect, want)
	missing := false
	for name := range list {
		missing = missing || !slices.Contains(have.guards, name)
	}
	if !missing {
		return
	}
	if p.dialect == postgres {
		p.add("create function", want.Name, guardFunction, guardFunctionSQL)
	}
	for _, name := range have.guards {
		if list[name] == "" && strings.HasPrefix(name, "kept_") {
			p.add("drop trigger", want.Name, name, "DROP TRIGGER IF EXISTS "+quote(name)+pick(p.dialect == postgres, " ON "+quote(want.Name), ""))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(list)) {
		if !slices.Contains(have.guards, name) {
			p.add("create trigger", want.Name, name, list[name])
		}
	}
}
