package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"zhanggui/internal/fault"
)

// Generation is of what programs keep in a database and how they read it. A program raises it when it keeps something that one
// before it would lose, overwrite or misunderstand; from its first start on the database is closed to those.
const Generation = 2

// GenerationKey is where meta has the generation of the newest program that worked on the database, and that program's version.
// Without it the database is older than the count, and open to all.
const GenerationKey = "generation"

// Newer is why this program must leave a database alone, by what meta has at GenerationKey; nil if it may work on it.
func Newer(mark string) error {
	if mark == "" {
		return nil
	}
	number, program, _ := strings.Cut(mark, " ")
	if n, err := strconv.Atoi(number); err == nil && n <= Generation {
		return nil
	}
	return fault.New(fault.Unavailable,
		fmt.Sprintf("更新的程序（%s）已经在这个数据库里工作过：它是第 %s 代，本程序只懂到第 %d 代，什么也没有改动。请改用 %s 或更新的版本；一定要退回旧版本，请恢复升级以前的备份", program, number, Generation, program),
		fmt.Sprintf("A newer program (%s) has worked on this database: it is of generation %s, this program knows up to %d; nothing was changed. Use %s or a later version; to go back to an old one, restore a backup made before the upgrade",
			program, number, Generation, program))
}

// Outlived answers why this program must not work on the database any more: a newer one has begun to. It is nil while all is well,
// and err only says that the database could not be asked.
func (db *DB) Outlived(ctx context.Context) (reason, err error) {
	err = db.Read(ctx, func(tx *Tx) error {
		if tx.schema.tables["meta"] == nil {
			return nil
		}
		mark, err := tx.generation()
		reason = Newer(mark)
		return err
	})
	return reason, err
}

// outlived asks within a transaction of SQLite that writes, so that no act follows the start of a newer program: once for all acts
// that share the transaction, since nobody else writes meanwhile. On PostgreSQL the acts ask, with what they read anyway.
func (tx *Tx) outlived() error {
	if tx.schema.tables["meta"] == nil {
		return nil
	}
	mark, err := tx.generation()
	if err != nil {
		return tx.fail(err)
	}
	return Newer(mark)
}

// generation reads the mark. It asks without the schema, which may be just in the making.
func (tx *Tx) generation() (mark string, err error) {
	rows, err := tx.s.query(tx.ctx, `SELECT "value" FROM "meta" WHERE "key" = `+literal(GenerationKey), nil, []column{{"value", Text}})
	if err != nil || len(rows) == 0 {
		return "", err
	}
	mark, _ = rows[0]["value"].(string)
	return mark, nil
}

// Upgrade makes the changes and, in the same transaction, marks the database as this program's, whose version is given for people
// to read. One that a newer program has marked meanwhile is refused.
func (db *DB) Upgrade(ctx context.Context, changes []Change, program string) error {
	return db.apply(ctx, changes, func(tx *Tx) error {
		mark, err := tx.generation()
		if err == nil {
			err = Newer(mark)
		}
		if err != nil {
			return err
		}
		number, _, _ := strings.Cut(mark, " ")
		if number == strconv.Itoa(Generation) {
			return nil
		}
		_, err = tx.exec(`INSERT INTO "meta" ("key", "value") VALUES (`+literal(GenerationKey)+`, `+literal(strconv.Itoa(Generation)+" "+program)+`)
ON CONFLICT ("key") DO UPDATE SET "value" = excluded."value"`, nil)
		return err
	})
}
