#!/usr/bin/env bash
# All stages of the tests, or those that are named: deps build lint go rulebook web e2e; and
# long, which runs only when it is named.
# Stops at the first stage that fails. The last line is the browser tests' count, when they ran.
set -euo pipefail
cd "$(dirname "$0")/.."
export CGO_ENABLED=0

stages=("$@")
[ ${#stages[@]} -gt 0 ] || stages=(deps build lint go rulebook web e2e)
wanted() { [[ " ${stages[*]} " == *" $1 "* ]]; }
work=$(mktemp -d "${TMPDIR:-/tmp}/zhanggui-test.XXXXXX")
times=() last='' stage=''

finish() {
	status=$?
	for pid in "$work"/[12]/pid; do
		[ ! -s "$pid" ] || kill "$(cat "$pid")" 2>/dev/null || true
	done
	if [ -e "$work/postgres" ]; then .ci/postgres.sh stop || true; fi
	rm -rf "$work"
	echo
	echo "stage      seconds"
	[ ${#times[@]} -eq 0 ] || printf '%s\n' "${times[@]}"
	if [ $status -ne 0 ]; then
		echo "FAILED in stage $stage"
	elif [ -n "$last" ]; then
		echo "$last"
	fi
	exit $status
}
trap finish EXIT

run() { # run STAGE [FUNCTION], timed
	wanted "$1" || return 0
	stage=$1
	local begin=$SECONDS
	echo "== $1"
	"${2:-$1}"
	times+=("$(printf '%-10s %7d' "$1" $((SECONDS - begin)))")
}

deps() { .ci/deps.sh; }

build() { make --no-print-directory build; }

lint() {
	local unformatted
	unformatted=$(gofmt -l main.go internal rulebooks web/*.go)
	if [ -n "$unformatted" ]; then
		echo "gofmt -w would change:" >&2
		echo "$unformatted" >&2
		return 1
	fi
	go vet ./...
	go tool staticcheck ./...
}

gotest() {
	: >"$work/postgres"
	ZHANGGUI_TEST_POSTGRES=$(.ci/postgres.sh start) && export ZHANGGUI_TEST_POSTGRES
	go test -timeout 20m ./...
}

# The long numbers: hundreds of kills, power cuts (root, ext4 on a loop device), every step, everybody at every door.
# Whatever a machine cannot do is printed as NOT RUN.
long() {
	: >"$work/postgres"
	ZHANGGUI_TEST_POSTGRES=$(.ci/postgres.sh start) && export ZHANGGUI_TEST_POSTGRES
	go vet -tags long ./internal/...
	ZHANGGUI_LONG=1 go test -tags long -count 1 -timeout 6h -v ./internal/... | grep -E '^ *(--- |FAIL|ok|panic)|_test.go:[0-9]+:'
}

# Regulations that are finished: each clause that can be proven must be.
finished() { grep -v '^#' .ci/finished; }

rulebook() {
	[ -x bin/zhanggui ] || build
	bin/zhanggui check --quiet
	bin/zhanggui test
	local books
	books=$(finished || true)
	# shellcheck disable=SC2086
	[ -z "$books" ] || bin/zhanggui coverage --mutate $books
}

web() {
	[ -e web/node_modules/.package-lock.json ] || build
	(cd web && npm run --silent check)
}

# The real program on two free ports, each with a demonstration company of its own, met by a real browser.
e2e() {
	[ -x bin/zhanggui ] || build
	local n addresses='' status=0
	mkdir "$work/1" "$work/2"
	bin/zhanggui demo --database "sqlite:$work/1/demo.db"
	cp -a "$work/1/." "$work/2/"
	for n in 1 2; do
		serve "$work/$n"
		addresses+=${addresses:+,}$(sed -n 's/^ *address *//p' "$work/$n/out")
	done
	(cd web && ZHANGGUI_SERVER=$addresses npm run --silent e2e) | tee "$work/e2e.out" || status=$?
	last=$(tail -1 "$work/e2e.out")
	for n in 1 2; do
		kill "$(cat "$work/$n/pid")"
		wait "$(cat "$work/$n/pid")" || { echo "the server did not stop in order" >&2; status=1; }
		rm "$work/$n/pid"
		[ $status -eq 0 ] || tail -30 "$work/$n/err" >&2
	done
	[ $status -eq 0 ] || return $status
	[[ $last =~ ^[0-9]+\ passed,\ 0\ failed$ ]] || { echo "the last line of the browser tests is: $last" >&2; return 1; }
}

serve() { # serve FOLDER: waits until the server of that folder's demonstration says its address
	bin/zhanggui serve --demo --database "sqlite:$1/demo.db" --key "$1/demo.key" --listen 127.0.0.1:0 >"$1/out" 2>"$1/err" &
	echo $! >"$1/pid"
	for _ in $(seq 600); do
		! grep -qs '^ *address' "$1/out" || return 0
		kill -0 "$(cat "$1/pid")" 2>/dev/null || break
		sleep 0.1
	done
	cat "$1/out" "$1/err" >&2
	echo "the server did not start" >&2
	return 1
}

run deps
run build
run lint
run go gotest
run rulebook
run web
run e2e
run long
