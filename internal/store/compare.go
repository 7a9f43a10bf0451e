package store

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"sort"
	"strconv"

	"zhanggui/internal/fault"
	"zhanggui/internal/journal"
	"zhanggui/internal/query"
)

// Difference is one place where a table does not hold what the journal says. Column is "" when a whole row is
// missing or should not be there.
type Difference struct {
	Table, Key, Column string
	Journal, Have      any    // a journal.Digest where the journal keeps no value
	Entry              string // the last entry that wrote it, "" if none ever did
}

func (d Difference) String() string {
	place := d.Table + " " + d.Key
	by := ""
	if d.Entry != "" {
		by = " (entry " + d.Entry + ")"
	}
	switch {
	case d.Column != "":
		return fmt.Sprintf("record differs: %s, %s: journal %s%s, table %s", place, d.Column, show(d.Journal), by, show(d.Have))
	case d.Have == nil:
		return fmt.Sprintf("record missing: %s: written by the journal%s, not in the table", place, by)
	}
	return fmt.Sprintf("record unknown: %s: in the table, and no entry wrote it%s", place, by)
}

func show(v any) string {
	switch x := v.(type) {
	case nil:
		return "(unset)"
	case journal.Digest:
		return "(digest " + string(x) + ")"
	case string:
		return strconv.Quote(x)
	}
	return fmt.Sprint(v)
}

// CompareReport says what rebuilding the tables from the journal found.
type CompareReport struct {
	Entries, Rows int64
	Differences   []Difference // the first, by table and key
}

// mostDifferences are looked at one by one; who finds as many has seen enough.
const mostDifferences = 200

// Compare rebuilds every row of business data from the journal and compares it with the table: at whatever row the
// two differ, it names the columns. It takes the tables from Plan. Memory does not grow with the journal: both
// sides are spread over files by row, as keyed hashes, and compared file by file. Acts may go on meanwhile;
// what seems to differ is looked at again, both sides at one moment.
func (db *DB) Compare(ctx context.Context) (CompareReport, error) {
	var rep CompareReport
	known := db.kept.kept.Load()
	if known == nil {
		return rep, errUse("compare before the tables are planned")
	}
	c := &comparison{db: db, ctx: ctx, apart: known.apart, untold: known.untold}
	_, _ = rand.Read(c.key[:])
	var entries int64
	err := db.Read(ctx, func(tx *Tx) (err error) {
		if entries, err = tx.Count("journal_entry", nil); err == nil {
			c.salt, err = tx.savedSalt()
		}
		return err
	})
	if err != nil {
		return rep, err
	}
	piles, err := newPiles(int(min(1+entries/20_000, 256)))
	if err != nil {
		return rep, err
	}
	defer piles.close()
	c.piles = piles
	each := func(fn func(*Tx) error) error { return db.Read(ctx, fn) }
	if rep.Entries, err = c.entries(each, func(_ string, r journal.Row) error { return piles.add(c.fingerprint(r, false)) }); err != nil {
		return rep, err
	}
	if rep.Rows, err = c.tables(each, func(r journal.Row) error { return piles.add(c.fingerprint(r, true)) }); err != nil {
		return rep, err
	}
	suspects, err := piles.suspects()
	if err != nil {
		return rep, err
	}
	if len(suspects) > 0 {
		if rep.Differences, err = c.look(suspects); err != nil {
			return rep, err
		}
	}
	pieces, err := c.blobs()
	rep.Differences = append(rep.Differences, pieces...)
	return rep, err
}

// blobs reads every attachment and compares its content with the sum in its row, which the journal vouches for.
func (c *comparison) blobs() (list []Difference, err error) {
	t := c.db.schema.Load().tables["blob"]
	if t == nil {
		return nil, nil
	}
	var after Row
	var pieces int64
	for more := true; more; {
		var rows []Row
		err := c.db.Read(c.ctx, func(tx *Tx) (err error) { rows, err = tx.Select(pageAfter(t, after)); return err })
		if err != nil {
			return nil, err
		}
		more = len(rows) == compareMembers
		for _, row := range rows {
			after = row
			id, _ := row["id"].(string)
			size, _ := row["size"].(int64)
			pieces += (size + blobChunk - 1) / blobChunk
			if err := c.db.CopyBlob(c.ctx, id, io.Discard); err != nil {
				if fault.KindOf(err) != fault.Internal {
					return nil, err
				}
				list = append(list, Difference{Table: "blob_chunk", Key: id, Column: "data", Journal: row["sha256"], Have: journal.Digest("other content")})
			}
		}
	}
	err = c.db.Read(c.ctx, func(tx *Tx) error {
		n, err := tx.Count("blob_chunk", nil)
		if err == nil && n != pieces && len(list) == 0 {
			list = append(list, Difference{Table: "blob_chunk", Key: "*", Column: "count", Journal: pieces, Have: n})
		}
		return err
	})
	return list, err
}

type comparison struct {
	db     *DB
	ctx    context.Context
	apart  map[string]bool
	untold map[string]map[string]bool
	salt   []byte
	key    [32]byte
	piles  *piles
}

// savedSalt is the salt as it stands in the database now, nil if nothing was digested yet.
func (tx *Tx) savedSalt() ([]byte, error) {
	rows, err := tx.Select(query.Select{Table: "meta", Alias: "m", Where: query.Eq("m", "key", saltKey)})
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	s, _ := rows[0]["value"].(string)
	return base64.StdEncoding.DecodeString(s)
}

// compareMembers are read in one look.
const compareMembers = 1000

// entries streams what the journal wrote, in its order.
func (c *comparison) entries(read func(func(*Tx) error) error, fn func(id string, r journal.Row) error) (n int64, err error) {
	last := int64(-1)
	for more := true; more; {
		err := read(func(tx *Tx) error {
			col := func(name string) query.Column {
				return query.Column{Name: name, Expr: query.Col{Alias: "e", Name: name}}
			}
			rows, err := tx.Select(query.Select{Table: "journal_entry", Alias: "e", Limit: compareMembers, Columns: []query.Column{col("id"), col("turn"), col("body")},
				Where: query.Op{Name: ">", Args: []query.Expr{col("turn").Expr, query.Const{Value: last}}}, Order: []query.Order{{Expr: col("turn").Expr}}})
			if err != nil {
				return err
			}
			more = len(rows) == compareMembers
			for _, row := range rows {
				id, _ := row["id"].(string)
				body, _ := row["body"].(string)
				last, _ = row["turn"].(int64)
				_, list, err := journal.Writes([]byte(body))
				if err != nil {
					continue // the audit of the log reports it; its rows will be missing here
				}
				n++
				for _, r := range list {
					if err := fn(id, r); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// tables streams all rows of business data as they are.
func (c *comparison) tables(read func(func(*Tx) error) error, fn func(journal.Row) error) (n int64, err error) {
	found := c.db.schema.Load()
	var names []string
	for name := range found.tables {
		if !c.apart[name] {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		t := found.tables[name]
		var after Row
		for more := true; more; {
			err := read(func(tx *Tx) error {
				rows, err := tx.Select(pageAfter(t, after))
				if err != nil {
					return err
				}
				more = len(rows) == compareMembers
				for _, row := range rows {
					after = row
					n++
					if err := fn(asRow(t, row, c.untold[t.name])); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

// pageAfter asks for the rows that follow one by primary key.
func pageAfter(t *table, after Row) query.Select {
	q := query.Select{Table: t.name, Alias: "t", Limit: compareMembers}
	var any []query.Expr
	var equal query.Expr
	for _, p := range t.primary {
		col := query.Col{Alias: "t", Name: p}
		q.Order = append(q.Order, query.Order{Expr: col})
		if after != nil {
			any = append(any, query.And(equal, query.Op{Name: ">", Args: []query.Expr{col, query.Const{Value: after[p]}}}))
			equal = query.And(equal, query.Eq("t", p, after[p]))
		}
	}
	switch len(any) {
	case 0:
	case 1:
		q.Where = any[0]
	default:
		q.Where = query.Op{Name: "or", Args: any}
	}
	return q
}

// asRow is a row of a table in the shape the journal has it, without the columns it does not tell.
func asRow(t *table, row Row, untold map[string]bool) journal.Row {
	r := journal.Row{Table: t.name, Key: keyOf(t, func(name string) any { return row[name] }), Set: map[string]any{}, New: true}
	for name, v := range row {
		if v != nil && !slices.Contains(t.primary, name) && !untold[name] {
			r.Set[name] = v
		}
	}
	return r
}

// plainOf makes values of both sides comparable.
func plainOf(v any) any {
	if n, ok := v.(json.Number); ok {
		i, err := n.Int64()
		if err == nil {
			return i
		}
	}
	return v
}

// same tells whether the table's value is the journal's.
func (c *comparison) same(table, key, column string, want, have any) bool {
	if d, ok := want.(journal.Digest); ok && have != nil {
		return digest(c.salt, table, key, column, have) == d
	}
	return plainOf(want) == have
}

// fingerprint is a row as hashes under a key of this run. A table's value is given as itself and as its digest, since only
// the journal knows which of the two it kept.
func (c *comparison) fingerprint(r journal.Row, table bool) print {
	p := print{row: c.hash(r.Table, r.Key), table: table, fresh: r.New, gone: r.Gone}
	for name, v := range r.Set {
		cell := cell{column: c.column(name)}
		v = plainOf(v)
		switch d, digested := v.(journal.Digest); {
		case v == nil:
		case digested:
			cell.value = c.hash("#", string(d))
		default:
			cell.value = c.hash("=", fmt.Sprintf("%T %v", v, v))
			if table {
				cell.digest = c.hash("#", string(digest(c.salt, r.Table, r.Key, name, v)))
			}
		}
		p.cells = append(p.cells, cell)
	}
	return p
}

func (c *comparison) hash(parts ...string) (h [12]byte) {
	m := hmac.New(sha256.New, c.key[:])
	for _, p := range parts {
		_ = binary.Write(m, binary.LittleEndian, int64(len(p)))
		m.Write([]byte(p))
	}
	copy(h[:], m.Sum(nil))
	return h
}

func (c *comparison) column(name string) uint32 {
	h := c.hash("column", name)
	return binary.LittleEndian.Uint32(h[:])
}

// look compares the rows under suspicion exactly, journal and tables at one moment.
func (c *comparison) look(suspects map[[12]byte]bool) (list []Difference, err error) {
	type state struct {
		row  journal.Row
		by   map[string]string
		last string
	}
	want := map[rowKey]*state{}
	var order []rowKey
	err = c.db.Read(c.ctx, func(tx *Tx) error {
		one := func(fn func(*Tx) error) error { return fn(tx) }
		_, err := c.entries(one, func(id string, r journal.Row) error {
			k := rowKey{r.Table, r.Key}
			if !suspects[c.hash(r.Table, r.Key)] {
				return nil
			}
			s := want[k]
			if s == nil {
				s = &state{}
				want[k] = s
				order = append(order, k)
			}
			if s.row.Set == nil || r.New || r.Gone {
				s.row, s.by = journal.Row{Table: r.Table, Key: r.Key, Set: map[string]any{}}, map[string]string{}
			}
			s.row.Gone, s.last = r.Gone, id
			for name, v := range r.Set {
				s.row.Set[name], s.by[name] = v, id
			}
			return nil
		})
		if err != nil {
			return err
		}
		_, err = c.tables(one, func(have journal.Row) error {
			k := rowKey{have.Table, have.Key}
			if !suspects[c.hash(have.Table, have.Key)] {
				return nil
			}
			s := want[k]
			if s == nil || s.row.Gone {
				d := Difference{Table: have.Table, Key: have.Key, Have: have.Key}
				if s != nil {
					d.Entry = s.last
				}
				list = append(list, d)
				delete(want, k)
				return nil
			}
			for _, name := range unionOf(s.row.Set, have.Set) {
				if w, h := s.row.Set[name], have.Set[name]; !c.same(have.Table, have.Key, name, w, h) {
					d := Difference{Table: have.Table, Key: have.Key, Column: name, Journal: plainOf(w), Have: h, Entry: s.by[name]}
					if _, secret := w.(journal.Digest); secret && h != nil {
						d.Have = digest(c.salt, have.Table, have.Key, name, h)
					}
					list = append(list, d)
				}
			}
			delete(want, k)
			return nil
		})
		return err
	})
	for _, k := range order {
		if s := want[k]; s != nil && !s.row.Gone {
			list = append(list, Difference{Table: k.table, Key: k.key, Entry: s.last})
		}
	}
	sort.SliceStable(list, func(i, j int) bool {
		return list[i].Table < list[j].Table || list[i].Table == list[j].Table && list[i].Key < list[j].Key
	})
	return list, err
}

func unionOf(a, b map[string]any) []string {
	var names []string
	for n := range a {
		names = append(names, n)
	}
	for n := range b {
		if _, both := a[n]; !both {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return names
}
