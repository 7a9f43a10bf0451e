package app_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"zhanggui/internal/backup"
	"zhanggui/internal/store"
)

// Ensure that a program stays away from a database on which a newer one has worked: a running server does no act more and ends,
// no command opens it, what is in it stays as it is, and the refusal says which version to use (P26).
func TestNewer(t *testing.T) {
	for _, kind := range []string{"sqlite", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			v := keptVictim(t, kind, map[string]string{"buy": keptForm})
			v.args = []string{"--leave", "0s"}
			found(t, slices.Concat([]string{"--database", v.at()}, v.common, v.keys)...)
			db := v.sql(v.at())
			var mark string
			if err := db.QueryRow(`SELECT "value" FROM "meta" WHERE "key" = 'generation'`).Scan(&mark); err != nil || !strings.HasPrefix(mark, fmt.Sprintf("%d ", store.Generation)) {
				t.Fatalf("the mark is %q: %v", mark, err)
			}
			set := func(to string) {
				t.Helper()
				res, err := db.Exec(`UPDATE "meta" SET "value" = '` + to + `' WHERE "key" = 'generation'`)
				if err != nil {
					t.Fatal(err)
				}
				if n, err := res.RowsAffected(); n != 1 || err != nil {
					t.Fatal(n, err)
				}
			}
			newer := fmt.Sprintf("%d v9.8.7", store.Generation+1)

			v.start()
			v.token = machineToken(t, v.url)
			if _, ok := v.send("c0-1"); !ok {
				t.Fatal("nothing can be done at all")
			}
			set(newer)
			if _, ok := v.send("c0-2"); ok { // the very next act
				t.Error("an act was done after a newer program had begun")
			}
			var exit *exec.ExitError
			if err := v.cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(v.log.String(), "Use v9.8.7 or a later version") {
				t.Errorf("the running server ended with %v, saying\n%s", err, v.log.String())
			}

			before := content(t, v)
			packed, restored := v.file("newer.backup"), "sqlite:"+v.file("restored.db")
			commands := [][]string{
				{"serve", "--database", v.at(), "--key", v.file("journal.key"), "--listen", "127.0.0.1:0"},
				{"verify", "--database", v.at(), "--key", v.file("journal.key")},
				{"plan", "--database", v.at()},
				{"admin", "create", "--database", v.at(), "--account", "wu", "--name", "吴芳"},
				{"move", "--from", v.at(), "--to", "sqlite:" + v.file("moved.db")},
			}
			if kind == "sqlite" {
				if _, err := db.Exec("VACUUM INTO ?", v.file("copy.db")); err != nil {
					t.Fatal(err)
				}
				if err := backup.Write(packed, v.file("copy.db"), backup.Manifest{}, ""); err != nil {
					t.Fatal(err)
				}
				commands = append(commands, []string{"backup", "--database", v.at(), v.file("older.backup")},
					[]string{"restore", "--database", restored, "--key", v.file("journal.key"), packed})
			} else {
				commands = append(commands, []string{"lend", "--database", v.at(), "--to", "nobody"})
			}
			for _, c := range commands {
				c = append(c, v.common...)
				if slices.Contains([]string{"serve", "admin"}, c[0]) {
					c = append(c, v.keys...)
				}
				run := exec.Command("zhanggui", c...)
				run.Stdin = strings.NewReader("slate harbour 12 echoes\n")
				out, err := run.CombinedOutput()
				if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(string(out), "A newer program (v9.8.7) has worked on this database") {
					t.Errorf("%s: %v\n%s", c[0], err, out)
				}
				if content(t, v) != before {
					t.Fatalf("%s changed the database", c[0])
				}
			}
			for _, name := range []string{"moved.db", "older.backup", "restored.db"} {
				if _, err := os.Stat(v.file(name)); !os.IsNotExist(err) {
					t.Errorf("%s was made: %v", name, err)
				}
			}

			// It is the mark alone that keeps it away.
			set(mark)
			v.start()
			if _, ok := v.send("c0-3"); !ok {
				t.Error("nothing can be done any more")
			}
			v.stop()
		})
	}
}

// content is all that is in a database, each table as text.
func content(t *testing.T, v *victim) string {
	t.Helper()
	db := v.sql(v.at())
	if v.dsn == "" {
		return string(dump(t, db))
	}
	rows, err := db.Query(`SELECT query_to_xml('SELECT * FROM ' || quote_ident(tablename) || ' t ORDER BY t::text', true, false, '')::text
FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var b strings.Builder
	for rows.Next() {
		var table string
		if err := rows.Scan(&table); err != nil {
			t.Fatal(err)
		}
		b.WriteString(table)
	}
	if err := rows.Err(); err != nil || !strings.Contains(b.String(), "journal_salt") {
		t.Fatal("the content cannot be read", err)
	}
	return b.String()
}
