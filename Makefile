# The commands of this repository. CI runs the same ones: see .ci/run.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

GO ?= go
PKG ?= ./...
FUZZTIME ?= 30s
TESTTIMEOUT ?= 9m
ROUNDS ?= 8
# Pinned: another version may have other opinions. See docs/adr/0003-linting.md.
GOLANGCI := $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
# Debian packages of the programs that tests talk to; internal/peer has the same names.
PEERS := chromium nodejs npm haproxy caddy redis-server postgresql oathtool
chromium_programs := chromium chromium-browser google-chrome
nodejs_programs := node nodejs
# Debian keeps the server off the PATH.
postgresql_programs := postgres $(wildcard /usr/lib/postgresql/*/bin/postgres)
# Node packages that tests talk to, in the versions and with the hashes of the lock file there.
MODULES := test/peers

.PHONY: help build lint test cover fuzz bench soak tidy peers

help: ## Print this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/\1\t\2/' | expand -t 10

build: ## Compile everything; the example and the commands land in bin/
	$(GO) build ./...
	@mkdir -p bin; mains=$$($(GO) list -f '{{if eq .Name "main"}}{{.ImportPath}}{{end}}' ./... | grep -v /internal/ || true); \
	for main in $$mains; do echo "$(GO) build -o bin/$${main##*/} $$main"; $(GO) build -o "bin/$${main##*/}" "$$main"; done

lint: ## gofmt, go vet, golangci-lint
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "not formatted; run gofmt -w on:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GOLANGCI) run ./...

test: ## go vet, and all tests with the race detector in random order; ends with the skips and the counts
	$(GO) vet $(PKG)
	@$(GO) run ./internal/cmd/testsummary -race -shuffle=on -timeout $(TESTTIMEOUT) $(PKG)

cover: ## Test coverage: cover.out, and the total
	$(GO) test -coverpkg=./... -coverprofile=cover.out -timeout $(TESTTIMEOUT) $(PKG)
	@$(GO) tool cover -func=cover.out | tail -n 1

fuzz: ## Each fuzz target for FUZZTIME (30s), one after another
	@packages=$$($(GO) list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}' $(PKG)); \
	for package in $$packages; do \
		targets=$$($(GO) test -list '^Fuzz' "$$package"); \
		for target in $$(grep '^Fuzz' <<<"$$targets" || true); do \
			echo "== $$package $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$package"; \
		done; \
	done

bench: ## Benchmarks with allocations; then, against other libraries, a table of ROUNDS (8) rounds
	$(GO) test -run '^$$' -bench . -benchmem $(PKG)
	@if [ "$(PKG)" = ./... ]; then cd bench && $(GO) vet ./... && $(GO) test -short ./... && $(GO) run ./cmd/table -rounds $(ROUNDS); fi

soak: ## The tests that take minutes
	@AUTHTEST_SOAK=1 $(GO) run ./internal/cmd/testsummary -race -run Soak -timeout 60m $(PKG)

tidy: ## go mod tidy; fails if it changed something
	@before=$$(cat go.mod go.sum | cksum); $(GO) mod tidy; \
	if [ "$$before" != "$$(cat go.mod go.sum | cksum)" ]; then echo "go.mod or go.sum was not tidy; it is now"; exit 1; fi

peers: ## Install the programs and Node packages that tests talk to (Debian, Ubuntu)
	@missing=""; $(foreach peer,$(PEERS),found=""; \
		for program in $(or $($(peer)_programs),$(peer)); do if command -v $$program >/dev/null; then found=yes; fi; done; \
		if [ -z "$$found" ]; then missing="$$missing $(peer)"; fi;) \
	if [ -z "$$missing" ]; then echo "nothing to install: found $(PEERS)"; exit 0; fi; \
	if ! command -v apt-get >/dev/null; then echo "this is not a Debian system; please install by hand:$$missing" >&2; exit 1; fi; \
	sudo=""; if [ "$$(id -u)" != 0 ]; then sudo=sudo; fi; \
	if [ -n "$$sudo" ] && ! command -v sudo >/dev/null; then echo "installing$$missing needs root or sudo: run make peers as root" >&2; exit 1; fi; \
	echo "installing:$$missing"; \
	$$sudo apt-get update </dev/null; \
	$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $$missing </dev/null
	@if cmp -s $(MODULES)/package-lock.json $(MODULES)/node_modules/.installed; then echo "nothing to install: $(MODULES) is up to date"; exit 0; fi; \
	npm ci --prefix $(MODULES) --ignore-scripts --no-audit --no-fund </dev/null; \
	cp $(MODULES)/package-lock.json $(MODULES)/node_modules/.installed
