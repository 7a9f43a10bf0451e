package main

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the same driver, for the bare inserts
)

// postgres holds whole acts on a PostgreSQL that syncs against bare inserts, each a transaction of its own as pgbench does.
func (r *run) postgres() error {
	address, stop, err := r.cluster()
	if err != nil {
		return err
	}
	defer stop()
	s, err := r.shop(address)
	if err != nil {
		return err
	}
	defer s.db.Close()
	rows, err := s.rowsOf(r.ctx)
	if err != nil {
		return err
	}
	db, err := sql.Open("pgx", address)
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(64)
	if _, err := db.ExecContext(r.ctx, `CREATE TABLE bare (id BIGSERIAL PRIMARY KEY, at TEXT, c0 TEXT, c1 TEXT, c2 TEXT, c3 TEXT); CREATE INDEX ON bare (at, id); CREATE INDEX ON bare (c0)`); err != nil {
		return err
	}
	insert := func(int) error {
		tx, err := db.BeginTx(r.ctx, nil)
		if err != nil {
			return err
		}
		for range rows {
			if _, err := tx.ExecContext(r.ctx, `INSERT INTO bare (at, c0, c1, c2, c3) VALUES ($1, $2, $3, $4, $5)`, "2026-01-01", "法兰漏水", "泰和泵业", "周工", "折让"); err != nil {
				return errors.Join(err, tx.Rollback())
			}
		}
		return tx.Commit()
	}
	for _, callers := range []int{1, 64} {
		acts, err := r.medianOf(func() (float64, error) { return r.rate(callers, func(int) error { return s.act(r.ctx) }) })
		if err != nil {
			return err
		}
		bare, err := r.medianOf(func() (float64, error) { return r.rate(callers, insert) })
		if err != nil {
			return err
		}
		r.say("acts, %2d callers    %8.0f /s   %.2f of bare transactions of %d rows (%.0f /s)", callers, acts, acts/bare, rows, bare)
	}
	return nil
}

// postgresReads is reads on PostgreSQL, which the same databases are moved to.
func (r *run) postgresReads() error {
	address, stop, err := r.cluster()
	if err != nil {
		return err
	}
	defer stop()
	few := map[string]look{}
	tell := func(name string, x look) { few[name] = x }
	for _, records := range []int{10_000, min(r.records, mostMoved)} {
		if err := r.postgresReadsOf(address, records, tell); err != nil {
			return err
		}
		tell = r.against(few, min(r.records, mostMoved))
	}
	return nil
}

const mostMoved = 300_000 // moving goes row by row

func (r *run) postgresReadsOf(address string, records int, tell func(string, look)) error {
	file, err := r.large(records)
	if err != nil {
		return err
	}
	server, err := sql.Open("pgx", address)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("moved%d", records)
	_, err = server.ExecContext(r.ctx, "CREATE DATABASE "+name)
	if err := errors.Join(err, server.Close()); err != nil {
		return err
	}
	lib, err := library()
	if err != nil {
		return err
	}
	from, err := r.database("sqlite:"+file, lib)
	if err != nil {
		return err
	}
	defer from.Close()
	address = strings.Replace(address, "/postgres?", "/"+name+"?", 1)
	to, err := r.database(address, lib)
	if err != nil {
		return err
	}
	begin := time.Now()
	_, err = from.MoveTo(r.ctx, to)
	if err := errors.Join(err, to.Close()); err != nil {
		return err
	}
	r.say("%d records moved to PostgreSQL in %s", records, time.Since(begin).Round(time.Second))
	keys, err := keysOf(r.ctx, file)
	if err != nil {
		return err
	}
	s, err := r.open(address, demoNow, keys)
	if err != nil {
		return err
	}
	defer s.db.Close()
	return r.looks(s, tell)
}

// cluster starts a private PostgreSQL that syncs every commit.
func (r *run) cluster() (address string, stop func(), err error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	if len(found) == 0 {
		return "", nil, errors.New("no PostgreSQL on this machine")
	}
	bin := found[len(found)-1]
	dir, err := os.MkdirTemp("", "zgpg")
	if err != nil {
		return "", nil, err
	}
	as := func(args ...string) *exec.Cmd { return exec.CommandContext(r.ctx, args[0], args[1:]...) }
	if os.Getuid() == 0 {
		id, err := exec.CommandContext(r.ctx, "id", "-u", "postgres").Output()
		if err != nil {
			return "", nil, err
		}
		uid, _ := strconv.Atoi(strings.TrimSpace(string(id)))
		if err := errors.Join(os.Chown(dir, uid, uid), os.Chmod(dir, 0o755)); err != nil {
			return "", nil, err
		}
		as = func(args ...string) *exec.Cmd {
			return exec.CommandContext(r.ctx, "setpriv", append([]string{"--reuid=postgres", "--regid=postgres", "--clear-groups", "--"}, args...)...)
		}
	}
	run := func(args ...string) error {
		c := as(args...)
		c.Dir = dir
		if out, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", filepath.Base(args[0]), err, out)
		}
		return nil
	}
	if err := run(bin+"/initdb", "-D", dir+"/data", "-A", "trust", "-U", "app", "-E", "UTF8", "--locale=C.UTF-8"); err != nil {
		return "", nil, err
	}
	if err := run(bin+"/pg_ctl", "-D", dir+"/data", "-l", dir+"/log", "-w", "start", "-o", "-c listen_addresses='' -c unix_socket_directories="+dir+" -c max_connections=200 -c shared_buffers=256MB"); err != nil {
		return "", nil, err
	}
	return "postgres:///postgres?host=" + dir + "&user=app", func() {
		_ = run(bin+"/pg_ctl", "-D", dir+"/data", "-m", "immediate", "-w", "stop")
		_ = os.RemoveAll(dir)
	}, nil
}
