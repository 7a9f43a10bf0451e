package keep

import (
	"context"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"zhanggui/internal/query"
	"zhanggui/internal/store"
)

// indexID is the row of the index key among the data keys.
const indexID = "index"

// tables of a keystore. A destroyed key leaves its row without the key: the list of what was erased.
var tables = []store.Table{{Name: "data_key", Label: "数据密钥", Primary: []string{"id"}, Columns: []store.Column{
	{Name: "id", Kind: store.Text, NotNull: true}, {Name: "wrapped", Kind: store.Text}, {Name: "master", Kind: store.Text},
	{Name: "at", Kind: store.Text}, {Name: "gone", Kind: store.Text}},
	Indexes: []store.Index{{Name: "data_key_gone", Columns: []string{"gone"}, Where: `"gone" IS NOT NULL`}}}}

// keystore keeps data keys in a database of its own, wrapped by a master key of a file.
type keystore struct {
	db   *store.DB
	file string

	mu      sync.Mutex
	masters []master
}

// Open is the keeper of a keystore and its master key file. An empty keystore gets its index key, and the file is made if
// it is missing then; a keystore with keys whose file is missing does not open: without it nothing of them can be read.
func Open(ctx context.Context, db *store.DB, file string, at time.Time) (*Keeper, error) {
	plan, err := db.Plan(ctx, tables)
	if err == nil {
		err = db.Apply(ctx, plan)
	}
	if err != nil {
		return nil, fmt.Errorf("keystore: %w", err)
	}
	v := &keystore{db: db, file: file}
	var used int64
	if err := db.Read(ctx, func(tx *store.Tx) (err error) {
		used, err = tx.Count("data_key", nil)
		return err
	}); err != nil {
		return nil, fmt.Errorf("keystore: %w", err)
	}
	v.masters, err = readMasters(file)
	if errors.Is(err, fs.ErrNotExist) && used == 0 {
		if err = makeMaster(file); err == nil {
			v.masters, err = readMasters(file)
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the master key %s is missing, and the keystore has keys wrapped by it: bring the file back from where its copy is kept", file)
	}
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	k := &Keeper{vault: v, open: map[string]cipher.AEAD{}}
	keys, err := v.find(ctx, []string{indexID})
	if err != nil {
		return nil, err
	}
	if keys[indexID] == nil {
		if used > 0 {
			return nil, errors.New("keystore: the index key is missing")
		}
		// Of two nodes that start together one makes it; both then read what is there.
		if err := v.add(ctx, map[string][]byte{indexID: random(32)}, at); err != nil {
			return nil, err
		}
		if keys, err = v.find(ctx, []string{indexID}); err != nil {
			return nil, err
		}
		k.fresh = true
	}
	k.index = keys[indexID]
	return k, nil
}

// TakeBack leaves a keystore that was empty as it was found, if no key has come to it since: it was the wrong one, and the right one may
// yet be moved here.
func (k *Keeper) TakeBack(ctx context.Context) error {
	v, ok := k.vault.(*keystore)
	if !ok || !k.fresh {
		return nil
	}
	return v.db.Write(ctx, func(tx *store.Tx) error {
		n, err := tx.Count("data_key", nil)
		if err == nil && n == 1 {
			_, err = tx.Delete("data_key", query.Eq("k", "id", indexID))
		}
		return err
	})
}

// Move takes all keys of a keystore to an empty one in another database, proven equal, and then out of the first: what is erased later must
// be gone wherever it lay. It answers how many there were. Whoever makes keys in the first meanwhile stops it before anything is taken out.
func Move(ctx context.Context, from, to *store.DB) (int64, error) {
	plan, err := from.Plan(ctx, tables)
	if err == nil && len(plan) > 0 {
		err = errors.New("there is no keystore to move")
	}
	if err == nil {
		if plan, err = to.Plan(ctx, tables); err == nil {
			err = to.Apply(ctx, plan)
		}
	}
	if err != nil {
		return 0, fmt.Errorf("keystore: %w", err)
	}
	var there int64
	if err := from.Read(ctx, func(tx *store.Tx) (err error) { there, err = tx.Count("data_key", nil); return err }); err != nil {
		return 0, fmt.Errorf("keystore: %w", err)
	}
	if there == 0 {
		return 0, errors.New("the keystore has no keys: it is another one, or was moved already")
	}
	moved, err := from.MoveTo(ctx, to)
	if err != nil {
		return 0, fmt.Errorf("no key was moved: %w", err)
	}
	err = from.Write(ctx, func(tx *store.Tx) error {
		n, err := tx.Delete("data_key", query.Op{Name: "not", Args: []query.Expr{query.Op{Name: "isnull", Args: []query.Expr{query.Col{Alias: "k", Name: "id"}}}}})
		if err == nil && n != moved.Rows {
			err = errors.New("somebody works on it")
		}
		return err
	})
	if err == nil {
		err = from.Scrub(ctx, "data_key")
	}
	if err != nil {
		return 0, fmt.Errorf("the keys are in both keystores: stop what serves from the first, empty the second and move again: %w", err)
	}
	return moved.Rows, nil
}

func (v *keystore) first() master {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.masters[0]
}

// master of an id; the file is read again for one that is not known, since a rotation may have come in between.
func (v *keystore) master(id string) (master, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for again := false; ; again = true {
		for _, m := range v.masters {
			if m.id == id {
				return m, nil
			}
		}
		list, err := readMasters(v.file)
		if err != nil {
			return master{}, fmt.Errorf("master key: %w", err)
		}
		if again {
			return master{}, fmt.Errorf("keystore: a key is wrapped by the master key %s, which %s does not have", id, v.file)
		}
		v.masters = list
	}
}

func wrapped(m master, id string, key []byte) string {
	nonce := random(m.aead.NonceSize())
	return base64.StdEncoding.EncodeToString(m.aead.Seal(nonce, nonce, key, []byte("data_key|"+id)))
}

func (v *keystore) unwrap(row store.Row) ([]byte, error) {
	id, _ := row["id"].(string)
	by, _ := row["master"].(string)
	text, _ := row["wrapped"].(string)
	m, err := v.master(by)
	if err != nil {
		return nil, err
	}
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(b) < m.aead.NonceSize() {
		return nil, fmt.Errorf("keystore: the key %s is not readable", id)
	}
	n := m.aead.NonceSize()
	key, err := m.aead.Open(nil, b[:n], b[n:], []byte("data_key|"+id))
	if err != nil {
		return nil, fmt.Errorf("keystore: the key %s does not open: altered, or another master key", id)
	}
	return key, nil
}

func in(column string, ids []string) query.Expr {
	args := []query.Expr{query.Col{Alias: "k", Name: column}}
	for _, id := range ids {
		args = append(args, query.Const{Value: id})
	}
	return query.Op{Name: "in", Args: args}
}

func (v *keystore) find(ctx context.Context, ids []string) (map[string][]byte, error) {
	keys := map[string][]byte{}
	for len(ids) > 0 {
		n := min(len(ids), 500)
		var rows []store.Row
		if err := v.db.Read(ctx, func(tx *store.Tx) (err error) {
			rows, err = tx.Select(query.Select{Table: "data_key", Alias: "k", Where: in("id", ids[:n])})
			return err
		}); err != nil {
			return nil, fmt.Errorf("keystore: %w", err)
		}
		for _, row := range rows {
			id, _ := row["id"].(string)
			keys[id] = nil
			if row["wrapped"] == nil {
				continue
			}
			key, err := v.unwrap(row)
			if err != nil {
				return nil, err
			}
			keys[id] = key
		}
		ids = ids[n:]
	}
	return keys, nil
}

func (v *keystore) add(ctx context.Context, keys map[string][]byte, at time.Time) error {
	m := v.first()
	var rows []store.Row
	for id, key := range keys {
		rows = append(rows, store.Row{"id": id, "wrapped": wrapped(m, id, key), "master": m.id, "at": at.UTC().Format(time.RFC3339)})
	}
	err := v.db.Write(ctx, func(tx *store.Tx) error { return tx.InsertMany("data_key", rows) })
	if store.AsDuplicate(err) != nil { // only the index key has an id that another could give
		return nil
	}
	if err != nil {
		return fmt.Errorf("keystore: %w", err)
	}
	return nil
}

func (v *keystore) destroy(ctx context.Context, ids []string, at time.Time) error {
	err := v.db.Write(ctx, func(tx *store.Tx) error {
		for _, id := range ids {
			if id == indexID {
				return errors.New("the index key belongs to all")
			}
			if _, err := tx.Update("data_key", store.Row{"id": id, "gone": nil}, store.Row{"wrapped": nil, "gone": at.UTC().Format(time.RFC3339)}); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = v.db.Scrub(ctx, "data_key")
	}
	if err != nil {
		return fmt.Errorf("keystore: %w", err)
	}
	return nil
}

func (v *keystore) destroyed(ctx context.Context) ([]string, error) {
	var list []string
	err := v.db.Read(ctx, func(tx *store.Tx) error {
		list = nil
		rows, err := tx.Select(query.Select{Table: "data_key", Alias: "k", Columns: []query.Column{{Name: "id", Expr: query.Col{Alias: "k", Name: "id"}}},
			Where: query.Op{Name: "not", Args: []query.Expr{query.Op{Name: "isnull", Args: []query.Expr{query.Col{Alias: "k", Name: "gone"}}}}}})
		for _, row := range rows {
			id, _ := row["id"].(string)
			list = append(list, id)
		}
		return err
	})
	return list, err
}

// Rewrap wraps every key that an older master key wrapped by the first one of the file, and answers how many those were.
func (k *Keeper) Rewrap(ctx context.Context) (int, error) {
	v, ok := k.vault.(*keystore)
	if !ok {
		return 0, errors.New("keep: a keeper in memory has no master key")
	}
	list, err := readMasters(v.file)
	if err != nil {
		return 0, fmt.Errorf("master key: %w", err)
	}
	v.mu.Lock()
	v.masters = list
	v.mu.Unlock()
	total := 0
	for {
		n := 0
		err := v.db.Write(ctx, func(tx *store.Tx) error {
			n = 0
			rows, err := tx.SelectForUpdate(query.Select{Table: "data_key", Alias: "k", Limit: 500, Where: query.And(
				query.Op{Name: "<>", Args: []query.Expr{query.Col{Alias: "k", Name: "master"}, query.Const{Value: list[0].id}}},
				query.Op{Name: "not", Args: []query.Expr{query.Op{Name: "isnull", Args: []query.Expr{query.Col{Alias: "k", Name: "wrapped"}}}}})})
			if err != nil {
				return err
			}
			for _, row := range rows {
				key, err := v.unwrap(row)
				if err != nil {
					return err
				}
				id, _ := row["id"].(string)
				if _, err := tx.Update("data_key", store.Row{"id": id}, store.Row{"wrapped": wrapped(list[0], id, key), "master": list[0].id}); err != nil {
					return err
				}
			}
			n = len(rows)
			return nil
		})
		total += n
		if err != nil || n == 0 {
			return total, err
		}
	}
}
