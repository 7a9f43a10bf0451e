# `make` prints what there is. Everything here works from a fresh checkout.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
export CGO_ENABLED := 0

BIN := bin/zhanggui
WEB_SOURCES := $(shell find web/src web/public -type f 2>/dev/null) web/index.html web/package.json web/package-lock.json web/tsconfig.json web/vite.config.ts

.PHONY: help run build demo check test test-long test-go test-web lint kept planted verify vulnerabilities bench clean go

help: ## print this
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## build what changed and serve the demonstration company from ./data
	@$(BIN) serve --demo

build: web/dist/index.html go ## the program with the web application inside: bin/zhanggui

go:
	@.ci/deps.sh go
	go build -trimpath -o $(BIN) .

web/node_modules/.package-lock.json: web/package-lock.json web/package.json
	@.ci/deps.sh node
	cd web && npm ci --no-audit --no-fund
	@touch $@

web/dist/index.html: web/node_modules/.package-lock.json $(WEB_SOURCES)
	cd web && npm run build
	@touch $@

demo: build ## make the demonstration company anew
	$(BIN) demo --force

check: build ## compile the rulebooks, run their scenarios
	$(BIN) check
	$(BIN) test

test: ## everything that can fail, with the time each stage takes
	@.ci/test.sh

test-long: ## the long numbers: kills, power cuts (needs root), every step, every door; half an hour and more
	@.ci/test.sh long

test-go: ## the Go tests, on SQLite and PostgreSQL
	@.ci/test.sh go

test-web: ## the web: types, unit tests, and in a real browser
	@.ci/test.sh web e2e

lint: ## gofmt, go vet, staticcheck
	@.ci/test.sh lint

kept: ## keep a database of today's schema for the tests of upgrades, before a release: make kept NAME=2026-12
	go test ./internal/app -run TestKept -count 1 -keep-schema "$(NAME)"

planted: ## plant each fault of .ci/planted and see its test turn red
	@.ci/planted.sh

verify: ## modules and generated files are what the sources say
	go mod verify
	go mod tidy -diff

vulnerabilities: build ## hold the program against the list of known vulnerabilities; DB=file:///… names a copy of the list
	go run golang.org/x/vuln/cmd/govulncheck@v1.9.0 $(if $(DB),-db $(DB)) -mode binary bin/zhanggui

bench: build ## speed, as ratios within one run, against bare loops and a peer (docs/performance.md)
	cd internal/bench/peer && go build -o ../../../bin/peer .
	go run ./internal/bench -book 14-complaint -form 14.complaint -peer bin/peer $(BENCH)

clean: ## remove what was built and the demonstration; a company's data is not touched
	rm -rf bin web/test-results data/demo.db data/demo.db-wal data/demo.db-shm data/demo.db.new data/demo.key data/demo.keys.db data/demo.keys.db-wal data/demo.keys.db-shm data/demo.master.key
	find web/dist -mindepth 1 ! -name .keep -delete
