//go:build long && linux

package app_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"zhanggui/internal/store"
)

// cluster is one PostgreSQL server of a pair, with every sync on. Root runs it as the user postgres.
type cluster struct {
	t    *testing.T
	dir  string
	port string
}

func (c *cluster) data() string { return filepath.Join(c.dir, "data") }

func (c *cluster) run(name string, args ...string) {
	c.t.Helper()
	path := name
	if found, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name); err == nil && len(found) > 0 {
		path = found[len(found)-1]
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = c.dir
	if os.Getuid() == 0 {
		who, err := user.Lookup("postgres")
		if err != nil {
			c.t.Fatal(err)
		}
		uid, _ := strconv.Atoi(who.Uid)
		gid, _ := strconv.Atoi(who.Gid)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
		if err := os.Chown(c.dir, uid, gid); err != nil {
			c.t.Fatal(err)
		}
	}
	log, err := os.Create(filepath.Join(c.t.TempDir(), name+".log")) // a server goes on holding it, so no pipe
	if err != nil {
		c.t.Fatal(err)
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		said, _ := os.ReadFile(log.Name())
		server, _ := os.ReadFile(filepath.Join(c.dir, "log"))
		c.t.Fatalf("%s %v: %v\n%s\n%s", name, args, err, said, server)
	}
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	dir, err := os.MkdirTemp("", "zgfo") // short: the path of a socket has little room
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return &cluster{t, dir, port}
}

func (c *cluster) start() {
	c.t.Helper()
	c.run("pg_ctl", "-D", c.data(), "-l", filepath.Join(c.dir, "log"), "-w", "-o",
		"-c listen_addresses=127.0.0.1 -c port="+c.port+" -c unix_socket_directories="+c.dir+" -c max_connections=150 -c shared_buffers=32MB", "start")
	c.t.Cleanup(func() {
		if _, err := os.Stat(filepath.Join(c.data(), "postmaster.pid")); err == nil {
			c.run("pg_ctl", "-D", c.data(), "-m", "immediate", "-w", "stop")
		}
	})
}

// crash ends the server as a power cut of its machine would, and it does not come back.
func (c *cluster) crash() {
	c.t.Helper()
	b, err := os.ReadFile(filepath.Join(c.data(), "postmaster.pid"))
	if err != nil {
		c.t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(strings.SplitN(string(b), "\n", 2)[0]))
	if err != nil {
		c.t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		c.t.Fatal(err)
	}
	for range 500 { // its children see it and go
		if err := syscall.Kill(pid, 0); errors.Is(err, syscall.ESRCH) {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	_ = os.Remove(filepath.Join(c.data(), "postmaster.pid"))
}

// warned waits until the program is told, or not told any more, that what is acknowledged may be lost with this server.
func (c *cluster) warned() func(bool) {
	c.t.Helper()
	db, err := store.Open(c.t.Context(), "postgres://app@127.0.0.1:"+c.port+"/postgres")
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = db.Close() })
	return func(want bool) {
		c.t.Helper()
		for range 6000 {
			list, err := db.Warnings(c.t.Context())
			if err != nil {
				c.t.Fatal(err)
			}
			if want == (len(list) == 1 && strings.Contains(list[0], "the standby is asynchronous")) && (want || len(list) == 0) {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		c.t.Fatalf("it is not so that an asynchronous standby is warned of: %t", want)
	}
}

// Ensure that an asynchronous standby is warned of and a synchronous one not; that with a synchronous standby nothing acknowledged is lost when the server dies under load and the standby takes
// over: the nodes find it by themselves, numbers go on without a hole, and what was due is done once.
func TestFailover_NothingAcknowledgedIsLost(t *testing.T) {
	first, second := newCluster(t), newCluster(t)
	first.run("initdb", "-D", first.data(), "-A", "trust", "-U", "app", "-E", "UTF8", "--locale=C.UTF-8")
	first.start()
	second.run("pg_basebackup", "-h", "127.0.0.1", "-p", first.port, "-U", "app", "-D", second.data(), "-R", "-X", "stream", "-c", "fast",
		"-d", "application_name=second")
	second.start()
	warned := first.warned()
	warned(true)
	first.run("psql", "-h", "127.0.0.1", "-p", first.port, "-U", "app", "-d", "postgres", "-c", "ALTER SYSTEM SET synchronous_standby_names = 'second'", "-c", "SELECT pg_reload_conf()")
	warned(false)
	first.run("psql", "-h", "127.0.0.1", "-p", first.port, "-U", "app", "-d", "postgres", "-c", "CREATE DATABASE house TEMPLATE template0")

	c := newNodes(t, fmt.Sprintf("postgres://app@127.0.0.1:%s,127.0.0.1:%s/house", first.port, second.port), 2)
	stop := make(chan struct{})
	wg := c.load(stop, "load")
	c.until("acts flow", func() bool { c.mu.Lock(); defer c.mu.Unlock(); return len(c.acked) > 100 })
	first.crash()
	c.mu.Lock()
	before := len(c.acked)
	c.mu.Unlock()
	second.run("pg_ctl", "-D", second.data(), "-w", "promote")
	// Until it has a standby of its own it must not wait for one.
	second.run("psql", "-h", "127.0.0.1", "-p", second.port, "-U", "app", "-d", "postgres", "-c", "ALTER SYSTEM RESET synchronous_standby_names", "-c", "SELECT pg_reload_conf()")
	c.until("acts flow again", func() bool { c.mu.Lock(); defer c.mu.Unlock(); return len(c.acked) > before+100 })
	close(stop)
	wg.Wait()
	c.until("everything due is done", func() bool { return time.Now().After(c.due) && c.missed() == 0 })
	for _, w := range c.wrong() {
		t.Error(w)
	}
	t.Logf("%d acknowledged before the crash, %d in all", before, len(c.acked))
}
