# Demitasse: `make run` and `make test` are all that is needed; the rest are their parts.
# The work is done by scripts/*.sh. CARGO_TARGET_DIR is respected where it is set.

.DEFAULT_GOAL := help
.PHONY: help run test build bench eval chaos hostile fuzz bombs soak deps fmt lint test-rust test-web e2e image-test audit

ARGS ?=

help: ## Lists the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

run: ## Builds the web UI and a release binary, starts it and prints its URL (ARGS="--help" for options)
	@scripts/deps.sh build
	@scripts/web.sh build
	@scripts/run.sh $(ARGS)

test: ## Installs what is missing and runs every check
	@scripts/deps.sh test
	@scripts/check.sh all

build: ## Builds the web UI and a release binary
	@scripts/deps.sh build
	@scripts/web.sh build
	@scripts/build.sh

bench: ## Measures the steps of the engine, upload to completed, accepted uploads, API and workers on shared stores, and claims
	@scripts/deps.sh test
	@scripts/web.sh build
	@POSTGRES_FSYNC=on scripts/services.sh run scripts/bench.sh

eval: ## Measures the engine beside its peers on a folder of images (CORPUS=DIR ARGS="--only a,b --limit 6")
	@scripts/deps.sh build
	@cargo xtask eval --corpus "$(CORPUS)" $(ARGS)

chaos: ## Uploads while workers, API and Redis are killed, on each pair of stores; nothing may be lost or doubled
	@scripts/deps.sh test
	@scripts/services.sh run scripts/chaos.sh long $(ARGS)

hostile: ## Uploads 20,000 hostile files, others each time (ARGS="FILES SEED"); a thousand are in make test
	@scripts/deps.sh test
	@scripts/hostile.sh $(ARGS)

fuzz: ## Fuzzes every target for a minute, led by coverage (ARGS="SECONDS TARGET..."); a short form is in make test
	@scripts/deps.sh build
	@scripts/fuzz.sh $(ARGS)

bombs: ## Measures what small files cost that claim very much
	@scripts/deps.sh build
	@cargo build --quiet --locked --workspace --all-features --bin bombs
	@"$${CARGO_TARGET_DIR:-target}/debug/bombs"

soak: ## Memory under ten thousand uploads, and four times as many uploads as can be done
	@scripts/deps.sh build
	@cargo xtask soak
	@cargo xtask overload

deps: ## Installs what building and testing need
	@scripts/deps.sh test

fmt: ## Formats Rust and web sources
	@scripts/check.sh --fix format

lint: ## Formatting, spelling, clippy, licenses, unused dependencies
	@scripts/check.sh lint

test-rust: ## Tests and documentation of the Rust crates
	@scripts/check.sh rust

test-web: ## Types, lint and unit tests of the web UI
	@scripts/check.sh web

e2e: ## End-to-end tests in headless Chromium against the real binary
	@scripts/check.sh e2e

image-test: ## Builds the container image with buildah and runs it with podman (needs root)
	@scripts/image-test.sh

audit: ## Security advisories of crates and npm packages (needs the network)
	@scripts/check.sh advisories
