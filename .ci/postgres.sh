#!/bin/sh
# The tests' PostgreSQL: `ZHANGGUI_TEST_POSTGRES=$(.ci/postgres.sh start) go test ./...`, then `stop`.
exec "$(dirname "$0")/../internal/store/pgtest/postgres.sh" "$@"
