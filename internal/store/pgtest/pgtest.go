// Package pgtest gives each test a PostgreSQL database of its own. Tests only.
//
// The server is the one ZHANGGUI_TEST_POSTGRES names (see .ci/postgres.sh); without it every test
// process starts a private one, which ends with the process. A machine without PostgreSQL fails the
// test: a suite that skips half of its promises says nothing.
package pgtest

import (
	"bufio"
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
)

//go:embed postgres.sh
var script string

// DSN is the address of a new, empty database that is dropped at the end of the test.
func DSN(t testing.TB) string {
	t.Helper()
	server, err := server()
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	var b [6]byte
	if _, err := rand.Read(b[:]); err != nil {
		t.Fatal(err)
	}
	name := "test_" + hex.EncodeToString(b[:])
	if err := Exec(server, `CREATE DATABASE "`+name+`" TEMPLATE template0`); err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() {
		if err := Exec(server, `DROP DATABASE "`+name+`" WITH (FORCE)`); err != nil {
			t.Errorf("pgtest: %v", err)
		}
	})
	u, err := url.Parse(server)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	u.Path = "/" + name
	return u.String()
}

// Role makes a role that may sign in and owns nothing, and answers the address of a database as that role. It goes with the test.
func Role(t testing.TB, dsn string) (name, as string) {
	t.Helper()
	var b [6]byte
	if _, err := rand.Read(b[:]); err != nil {
		t.Fatal(err)
	}
	name = "role_" + hex.EncodeToString(b[:])
	if err := Exec(dsn, `CREATE ROLE "`+name+`" LOGIN`); err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() {
		for _, sql := range []string{`DROP OWNED BY "` + name + `"`, `DROP ROLE "` + name + `"`} {
			if err := Exec(dsn, sql); err != nil {
				t.Errorf("pgtest: %v", err)
			}
		}
	})
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("user", name)
	u.RawQuery, u.User = q.Encode(), nil
	return name, u.String()
}

// server finds or starts the server, once a process.
var server = sync.OnceValues(func() (string, error) {
	if dsn := os.Getenv("ZHANGGUI_TEST_POSTGRES"); dsn != "" {
		return dsn, nil
	}
	cmd := exec.Command("sh", "-c", script, "postgres.sh", "hold")
	// The pipe is never closed by us: its end, when this process is gone, is the signal to stop.
	in, err := cmd.StdinPipe()
	if err != nil {
		return "", err
	}
	held = append(held, in)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	var grief strings.Builder
	cmd.Stderr = &grief
	if err := cmd.Start(); err != nil {
		return "", err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return "", errors.Join(fmt.Errorf("start PostgreSQL: %s", grief.String()), cmd.Wait())
	}
	return strings.TrimSpace(line), nil
})

// held keeps the pipe from being collected, which would close it.
var held []any

// Exec runs one statement, as whom the address names.
func Exec(server, sql string) error {
	u, err := url.Parse(server)
	if err != nil {
		return err
	}
	q := u.Query()
	q.Del("allow_unsafe")
	u.RawQuery = q.Encode()
	ctx := context.Background()
	c, err := pgx.Connect(ctx, u.String())
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	_, err = c.Exec(ctx, sql)
	return err
}
