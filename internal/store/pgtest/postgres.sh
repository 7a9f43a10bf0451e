#!/bin/sh
# A private PostgreSQL for tests: Debian's binaries, a throw-away data directory, a unix socket and
# no network. It never syncs, so that it is fast; never use it for data.
#
#   postgres.sh start   start it (or find it running) and print its address
#   postgres.sh stop    stop it and remove everything
#   postgres.sh hold    start one of its own, print its address, stop it when standard input ends
#
# PostgreSQL refuses to run as root; root runs it as the user postgres.
set -eu

fail() { echo "postgres.sh: $*" >&2; exit 1; }

# The newest installed version: Debian keeps the server's programs out of PATH.
bin=
for d in /usr/lib/postgresql/*/bin; do
	[ -x "$d/initdb" ] && bin=$d
done
[ -n "$bin" ] || { found=$(command -v initdb || true) && bin=${found%/initdb}; }
[ -n "$bin" ] || fail "no PostgreSQL server found; install the Debian package postgresql"

as() { "$@"; }
if [ "$(id -u)" = 0 ]; then
	id postgres >/dev/null 2>&1 || fail "running as root needs a user postgres"
	as() { setpriv --reuid=postgres --regid=postgres --clear-groups -- "$@"; }
fi

address() { echo "postgres:///postgres?host=$1&user=app&allow_unsafe=1"; }

# up DIR: make a cluster in DIR and start it. The path of the socket must stay short.
up() {
	chmod 755 "$1"
	[ "$(id -u)" != 0 ] || chown postgres:postgres "$1"
	(
		cd "$1"
		as "$bin/initdb" -D "$1/data" -A trust -U app -E UTF8 --locale=C.UTF-8 --no-sync
		as "$bin/pg_ctl" -D "$1/data" -l "$1/log" -w -t 30 start -o "-c listen_addresses='' -c unix_socket_directories='$1' \
-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200 -c shared_buffers=64MB \
-c autovacuum=off -c max_wal_size=512MB"
	) >"$1/setup" 2>&1 </dev/null || { cat "$1/setup" "$1/log" >&2 || true; fail "PostgreSQL did not start"; }
}

down() {
	(cd "$1" && as "$bin/pg_ctl" -D "$1/data" -m immediate -w stop) >/dev/null 2>&1 </dev/null || true
	rm -rf "$1"
}

tmp=${TMPDIR:-/tmp}
shared=$tmp/zhanggui-postgres-$(id -u)

case ${1:-} in
start)
	# mkdir is the lock: whoever makes the directory makes the cluster.
	if mkdir "$shared" 2>/dev/null; then
		up "$shared" && : >"$shared/ready"
	else
		n=0
		while [ ! -e "$shared/ready" ]; do
			n=$((n + 1))
			[ $n -lt 300 ] || fail "$shared is there but not ready; stop it first"
			sleep 0.1
		done
		(cd "$shared" && as "$bin/pg_ctl" -D "$shared/data" status) >/dev/null 2>&1 || {
			# Left over from a machine that went down.
			rm -rf "$shared"
			exec "$0" start
		}
	fi
	address "$shared"
	;;
stop)
	[ ! -d "$shared" ] || down "$shared"
	;;
hold)
	own=$(mktemp -d "$tmp/zgpg.XXXXXX")
	trap 'down "$own"' EXIT
	trap 'exit 1' INT TERM HUP
	up "$own"
	address "$own"
	exec >/dev/null 2>&1
	cat >/dev/null || true # until whoever started us is gone, however he went
	;;
*)
	fail "start, stop or hold?"
	;;
esac
