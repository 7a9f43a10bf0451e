package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Change is one step from the schema that is there to the one that is wanted.
type Change struct {
	Kind  string // create table, create sequence, create function, create trigger, add column, create index, create search, drop search, drop index, drop trigger, label
	Table string
	Name  string // of the column or index
	SQL   string
}

// Describe is the step as a person reads it before it runs.
func (c Change) Describe() string {
	switch c.Kind {
	case "create table":
		return c.Kind + " " + c.Table
	case "label", createSearch, "drop search":
		return strings.TrimSuffix(c.Kind+" "+c.Table+"."+c.Name, ".")
	}
	return c.Kind + " " + c.Table + "." + c.Name
}

// Plan compares the wanted tables with those that are there. Changes only add: tables, columns,
// indexes; what is there and not wanted stays, except indexes of our own making, which hold no
// data. What cannot be reached by adding is an error that names it.
func (db *DB) Plan(ctx context.Context, tables []Table) ([]Change, error) {
	if err := checkTables(tables); err != nil {
		return nil, err
	}
	if err := db.refresh(ctx); err != nil {
		return nil, err
	}
	p := planner{dialect: db.drv.dialect(), names: db.names.Store}
	db.kept.declare(tables)
	for i := range tables {
		p.table(&tables[i], db.schema.Load().tables[tables[i].Name])
	}
	p.pieces(tables, db.schema.Load())
	return p.list, errors.Join(p.errs...)
}

// Apply makes the changes, all or none.
func (db *DB) Apply(ctx context.Context, changes []Change) error {
	if len(changes) == 0 {
		return nil
	}
	return db.apply(ctx, changes, func(*Tx) error { return nil })
}

// apply makes the changes and does what belongs into their transaction.
func (db *DB) apply(ctx context.Context, changes []Change, then func(*Tx) error) error {
	err := db.Write(ctx, func(tx *Tx) error {
		// Nodes that start together take turns; each step passes over what another has done.
		if err := tx.Lock("store.schema"); err != nil {
			return err
		}
		fill := false
		for _, c := range changes {
			if _, err := tx.exec(c.SQL, nil); err != nil {
				return fmt.Errorf("store: %s: %w", c.Describe(), err)
			}
			fill = fill || c.Kind == createSearch
		}
		if fill {
			if err := tx.fillSmall(); err != nil {
				return err
			}
		}
		return then(tx)
	})
	if err != nil || len(changes) == 0 {
		return err
	}
	return db.refresh(ctx)
}

type planner struct {
	dialect dialect
	names   func(physical, declared any)
	list    []Change
	errs    []error
}

func (p *planner) add(kind, table, name, sql string) {
	p.list = append(p.list, Change{kind, table, name, sql})
}

func (p *planner) errorf(format string, args ...any) {
	p.errs = append(p.errs, errUse(format, args...))
}

func (p *planner) table(want *Table, have *table) {
	nullable := map[string]bool{} // as it will be: a column added later cannot be NOT NULL
	for _, c := range want.Columns {
		nullable[c.Name] = !c.NotNull && !slices.Contains(want.Primary, c.Name)
	}
	if have == nil {
		p.create(want, nullable)
		have = &table{}
	} else {
		p.alter(want, have, nullable)
	}
	if p.dialect == postgres && want.Name == "journal_entry" && have.byName["turn"] == nil {
		p.add("create sequence", want.Name, "turn", "CREATE SEQUENCE IF NOT EXISTS "+quote(turnSequence))
	}
	if p.dialect == postgres {
		p.labels(want, have)
	}
	wanted := map[string]bool{}
	for _, x := range want.Indexes {
		name := indexName(want.Name, x)
		p.names(name, x.Name)
		if wanted[name] {
			continue
		}
		wanted[name] = true
		if _, there := have.indexes[name]; !there {
			p.add("create index", want.Name, x.Name, p.indexSQL(want.Name, name, x, nullable))
		}
	}
	var old []string
	for name := range have.indexes {
		if strings.HasPrefix(name, "ix_") && !wanted[name] {
			old = append(old, name)
		}
	}
	slices.Sort(old)
	for _, name := range old {
		p.add("drop index", want.Name, name, "DROP INDEX IF EXISTS "+quote(name))
	}
	p.guards(want, have)
}

func (p *planner) create(want *Table, nullable map[string]bool) {
	var b strings.Builder
	b.WriteString("CREATE TABLE IF NOT EXISTS " + quote(want.Name) + " (")
	for _, c := range want.Columns {
		b.WriteString(quote(c.Name) + " " + physicalType(p.dialect, c.Kind))
		if !nullable[c.Name] {
			b.WriteString(" NOT NULL")
		}
		b.WriteString(", ")
	}
	b.WriteString("PRIMARY KEY (" + quoteAll(want.Primary) + "))")
	p.add("create table", want.Name, "", b.String())
}

func (p *planner) alter(want *Table, have *table, nullable map[string]bool) {
	if !slices.Equal(want.Primary, have.primary) {
		p.errorf("table %s: the primary key is (%s) and cannot become (%s)", want.Name, strings.Join(have.primary, ", "), strings.Join(want.Primary, ", "))
	}
	for _, c := range want.Columns {
		is := have.byName[c.Name]
		if is == nil {
			p.add("add column", want.Name, c.Name, "ALTER TABLE "+quote(want.Name)+" ADD COLUMN "+
				pick(p.dialect == postgres, "IF NOT EXISTS ", "")+quote(c.Name)+" "+physicalType(p.dialect, c.Kind))
			nullable[c.Name] = true
			continue
		}
		if kind := pick(c.Kind == JSON, Text, c.Kind); is.Kind != kind {
			p.errorf("column %s.%s is %s and cannot become %s", want.Name, c.Name, is.Kind, c.Kind)
		}
		if is.NotNull && nullable[c.Name] {
			p.errorf("column %s.%s is required and cannot become optional", want.Name, c.Name)
		}
		nullable[c.Name] = !is.NotNull
	}
}

func (p *planner) labels(want *Table, have *table) {
	say := func(column, on, is, label string) {
		if is != label {
			p.add("label", want.Name, column, "COMMENT ON "+on+" IS "+literal(label))
		}
	}
	say("", "TABLE "+quote(want.Name), have.label, want.Label)
	for _, c := range want.Columns {
		is := ""
		if h := have.byName[c.Name]; h != nil {
			is = h.Label
		}
		say(c.Name, "COLUMN "+quote(want.Name)+"."+quote(c.Name), is, c.Label)
	}
}

// indexSQL puts NULLs first where there can be any, because that is how Select sorts; PostgreSQL
// cannot use an index for an order that differs in this.
func (p *planner) indexSQL(table, name string, x Index, nullable map[string]bool) string {
	cols := make([]string, len(x.Columns))
	for i, c := range x.Columns {
		cols[i] = quote(c) + pick(p.dialect == postgres && nullable[c], " NULLS FIRST", "")
	}
	sql := "CREATE " + pick(x.Unique, "UNIQUE ", "") + "INDEX IF NOT EXISTS " + quote(name) + " ON " + quote(table) + " (" + strings.Join(cols, ", ") + ")"
	if x.Where != "" {
		sql += " WHERE " + x.Where
	}
	return sql
}

// indexName carries a digest of the definition: a changed index is a new one and the old one goes,
// without comparing SQL that each database spells its own way. It stays within 63 bytes, where
// PostgreSQL cuts names off.
func indexName(table string, x Index) string {
	h := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %t %q", table, x.Name, x.Columns, x.Unique, x.Where))
	return "ix_" + x.Name[:min(len(x.Name), 50)] + "_" + hex.EncodeToString(h[:4])
}

// literal is a text constant, for the one place that cannot take a parameter.
func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// checkTables finds what neither database could make.
func checkTables(tables []Table) error {
	var p planner
	seen := map[string]bool{}
	named := func(what, n string) {
		if n == "" || len(n) > 63 || !storable(n) {
			p.errorf("%s %q: a name has 1 to 63 bytes", what, n)
		}
	}
	for i := range tables {
		t := &tables[i]
		named("table", t.Name)
		if seen[t.Name] {
			p.errorf("table %s is declared twice", t.Name)
		}
		seen[t.Name] = true
		cols := map[string]bool{}
		for _, c := range t.Columns {
			named("column of "+t.Name, c.Name)
			if cols[c.Name] {
				p.errorf("column %s.%s is declared twice", t.Name, c.Name)
			}
			cols[c.Name] = true
			switch c.Kind {
			case Text, Int, Bool, JSON, Blob:
			default:
				p.errorf("column %s.%s has the unknown kind %q", t.Name, c.Name, c.Kind)
			}
		}
		if len(t.Primary) == 0 {
			p.errorf("table %s has no primary key", t.Name)
		}
		known := func(of string, list []string) {
			for _, c := range list {
				if !cols[c] {
					p.errorf("%s of table %s names the column %s, which is not there", of, t.Name, c)
				}
			}
		}
		known("the primary key", t.Primary)
		byName := map[string]Index{}
		for _, x := range t.Indexes {
			named("index of "+t.Name, x.Name)
			known("index "+x.Name, x.Columns)
			if y, twice := byName[x.Name]; twice && indexName(t.Name, x) != indexName(t.Name, y) {
				p.errorf("table %s declares two different indexes %s", t.Name, x.Name)
			}
			byName[x.Name] = x
		}
	}
	return errors.Join(p.errs...)
}
