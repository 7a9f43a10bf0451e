package store

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"zhanggui/internal/journal"
	"zhanggui/internal/query"
)

// keeping knows which tables are business data, and the key of the digests. While it is on, every write
// into such a table must be told of by an entry in the same transaction: the store notes what is written
// and hands it to the entry, so that no way of writing can be forgotten.
type keeping struct {
	mu   sync.Mutex
	on   bool
	kept atomic.Pointer[kept]
	salt atomic.Pointer[[]byte]
	hold atomic.Pointer[error]
	wait atomic.Pointer[func() error]
}

// kept is what was declared; it is replaced whole.
type kept struct {
	apart  map[string]bool
	secret map[string]map[string]bool
	untold map[string]map[string]bool
}

func (k *keeping) declare(tables []Table) {
	k.mu.Lock()
	defer k.mu.Unlock()
	next := &kept{apart: map[string]bool{}, secret: map[string]map[string]bool{}, untold: map[string]map[string]bool{}}
	if old := k.kept.Load(); old != nil {
		maps.Copy(next.apart, old.apart)
		maps.Copy(next.secret, old.secret)
		maps.Copy(next.untold, old.untold)
	}
	for _, t := range tables {
		next.apart[t.Name] = t.Apart
		cols, untold := map[string]bool{}, map[string]bool{}
		for _, c := range t.Columns {
			if c.Secret {
				cols[c.Name] = true
			}
			if c.Untold {
				untold[c.Name] = true
			}
		}
		next.secret[t.Name], next.untold[t.Name] = cols, untold
	}
	k.kept.Store(next)
}

// now is what holds for a transaction that begins; nil while no journal is kept.
func (k *keeping) now() *kept {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.on {
		return nil
	}
	return k.kept.Load()
}

// KeepJournal makes this DB refuse every transaction that writes into a business table without an entry. The tables
// must have been declared by Plan.
func (db *DB) KeepJournal() {
	db.kept.mu.Lock()
	defer db.kept.mu.Unlock()
	db.kept.on = true
}

// Hold refuses every further entry, and with it every act, for this reason; nil lets them go on.
func (db *DB) Hold(reason error) {
	if reason == nil {
		db.kept.hold.Store(nil)
		return
	}
	db.kept.hold.Store(&reason)
}

// Guard asks fn before every entry; its error refuses the entry, and the act with it, for now.
func (db *DB) Guard(fn func() error) { db.kept.wait.Store(&fn) }

// Held is why entries are refused, nil while they are not.
func (db *DB) Held() error {
	if p := db.kept.hold.Load(); p != nil {
		return *p
	}
	return nil
}

type rowKey struct{ table, key string }

// written is what a transaction left in one row.
type written struct {
	table, key  string
	set         map[string]any
	fresh, gone bool
}

// keyOf is the primary key as text: the value itself, or a list in JSON if there are several.
func keyOf(t *table, get func(column string) any) string {
	if len(t.primary) == 1 {
		return fmt.Sprint(get(t.primary[0]))
	}
	list := make([]string, len(t.primary))
	for i, n := range t.primary {
		list[i] = fmt.Sprint(get(n))
	}
	b, _ := json.Marshal(list)
	return string(b)
}

func (tx *Tx) keeps(t *table) bool { return tx.kept != nil && !tx.kept.apart[t.name] }

// tells reports whether the journal has anything to say of columns of a table.
func (tx *Tx) tells(t *table, names []string) bool {
	return tx.keeps(t) && slices.ContainsFunc(names, func(n string) bool { return !tx.kept.untold[t.name][n] })
}

// note remembers what is being written, for the entry.
func (tx *Tx) note(t *table, names []string, args []any, w written) {
	if !tx.keeps(t) {
		return
	}
	w.table, w.key = t.name, keyOf(t, func(column string) any { return args[slices.Index(names, column)] })
	if tx.at == nil {
		tx.at = map[rowKey]*written{}
	}
	k := rowKey{w.table, w.key}
	have := tx.at[k]
	if have == nil {
		have = &written{table: w.table, key: w.key}
		tx.at[k] = have
		tx.wrote = append(tx.wrote, have)
	}
	if w.gone || w.fresh {
		*have = w
	}
	if have.set == nil {
		have.set = make(map[string]any, len(names))
	}
	if w.gone {
		return
	}
	for i, n := range names {
		if !slices.Contains(t.primary, n) && !tx.kept.untold[t.name][n] {
			have.set[n] = args[i]
		}
	}
}

// keepWritten answers how to forget what is noted from now on.
func (tx *Tx) keepWritten() func() {
	list := make([]written, len(tx.wrote))
	for i, w := range tx.wrote {
		list[i] = *w
		list[i].set = maps.Clone(w.set)
	}
	return func() {
		tx.wrote, tx.at = nil, map[rowKey]*written{}
		for i := range list {
			tx.wrote = append(tx.wrote, &list[i])
			tx.at[rowKey{list[i].table, list[i].key}] = &list[i]
		}
	}
}

// Wrote tells whether the transaction has written business data that no entry tells of yet.
func (tx *Tx) Wrote() bool { return len(tx.wrote) > 0 }

// longText is what an entry repeats of a text; of a longer one it keeps the digest.
const longText = 64

// turnSequence gives the turns on PostgreSQL.
const turnSequence = "journal_turn"

const turnSQL = `SELECT nextval('` + turnSequence + `') AS "turn"`

// fillEntry gives an entry its turn and the rows written. Every lock on those rows is held here, so
// whoever writes one of them later gets a later turn, whatever his clock says.
func (tx *Tx) fillEntry(e *journal.Entry) error {
	var err error
	if e.Turn, err = tx.turn(); err != nil {
		return err
	}
	e.Rows = nil
	for _, w := range tx.wrote {
		r := journal.Row{Table: w.table, Key: w.key, New: w.fresh, Gone: w.gone, Set: make(map[string]any, len(w.set))}
		for name, v := range w.set {
			if v == nil && w.fresh {
				continue
			}
			if r.Set[name], err = tx.journaled(w.table, w.key, name, v); err != nil {
				return err
			}
		}
		e.Rows = append(e.Rows, r)
	}
	tx.wrote, tx.at = nil, nil
	return nil
}

// turn is the next among all acts. On SQLite there is one writer, and it asks once a commit; a member that fails leaves a gap, as
// on PostgreSQL.
func (tx *Tx) turn() (int64, error) {
	c, _ := tx.s.(*liteConn)
	if l, whole := tx.db.drv.(*lite); !whole || l == nil {
		c = nil
	}
	if c != nil && c.turn > 0 {
		c.turn++
		return c.turn, nil
	}
	sql := `SELECT COALESCE(MAX("turn"), 0) + 1 AS "turn" FROM "journal_entry"`
	if tx.db.drv.dialect() == postgres {
		sql = turnSQL
	}
	rows, err := tx.ask(sql, nil, []column{{"turn", Int}})
	if err != nil {
		return 0, tx.fail(err)
	}
	n, _ := rows[0]["turn"].(int64)
	if c != nil {
		c.turn = n
	}
	return n, nil
}

// journaled is a value as the journal keeps it.
func (tx *Tx) journaled(table, key, column string, v any) (any, error) {
	s, text := v.(string)
	_, bytes := v.([]byte)
	if v == nil || !(bytes || text && len(s) > longText || tx.kept.secret[table][column]) {
		return v, nil
	}
	salt, err := tx.salt()
	return digest(salt, table, key, column, v), err
}

// digest of a value in its place. The salt never leaves the database: without it a short secret could be found by trying.
func digest(salt []byte, table, key, column string, v any) journal.Digest {
	h := hmac.New(sha256.New, salt)
	b, _ := v.([]byte)
	if b == nil {
		b = fmt.Append(nil, v)
	}
	fmt.Fprintf(h, "%q %q %q %T ", table, key, column, v)
	h.Write(b)
	return journal.Digest(hex.EncodeToString(h.Sum(nil)[:16]))
}

// Digest is a short stand-in for a secret text, the same for the same text in this installation.
func (tx *Tx) Digest(text string) (string, error) {
	salt, err := tx.salt()
	if err != nil {
		return "", err
	}
	return "#" + string(digest(salt, "", "", "", text)[:16]), nil
}

// IsDigest tells whether a text can be such a stand-in.
func IsDigest(text string) bool {
	_, err := hex.DecodeString(strings.TrimPrefix(text, "#"))
	return len(text) == 17 && text[0] == '#' && err == nil
}

const saltKey = "journal_salt"

// salt is read once, and made with the first entry.
func (tx *Tx) salt() ([]byte, error) {
	if p := tx.db.kept.salt.Load(); p != nil {
		return *p, nil
	}
	find := func() (string, error) {
		rows, err := tx.Select(query.Select{Table: "meta", Alias: "m", Where: query.Eq("m", "key", saltKey)})
		if err != nil || len(rows) == 0 {
			return "", err
		}
		s, _ := rows[0]["value"].(string)
		return s, nil
	}
	text, err := find()
	if err != nil {
		return nil, err
	}
	if text == "" && tx.readonly {
		return nil, nil // nothing was digested yet
	}
	if text == "" {
		var b [32]byte
		_, _ = rand.Read(b[:])
		t, err := tx.table("meta")
		if err != nil {
			return nil, err
		}
		names := []string{"key", "value"}
		// Of two nodes one is first, and the other waits for it here.
		if _, err := tx.exec(tx.insertSQL(t, names)+` ON CONFLICT ("key") DO NOTHING`, []any{saltKey, base64.StdEncoding.EncodeToString(b[:])}); err != nil {
			return nil, err
		}
		if text, err = find(); err != nil {
			return nil, err
		}
	}
	salt, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errUse("meta %s cannot be read", saltKey)
	}
	tx.OnCommit(func() { tx.db.kept.salt.Store(&salt) })
	return salt, nil
}
