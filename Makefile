# Targets of this project; `make` alone lists them.

CARGO ?= cargo
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
# The directory of `make install`. Packagers set DESTDIR, which is put in front of it.
PREFIX ?= /usr/local
DESTDIR ?=
# Arguments of the benchmark.
BENCH ?=

.DEFAULT_GOAL := help
.PHONY: help build demo bench test instructions gates lint doc book wheels dist dist-test \
	reproducible django-matrix install install-command install-library clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Build the command: target/release/rockon-sync
	$(CARGO) build --release -p rockon-sync --features cli

demo: build ## Demonstrate the command on a sample catalog (about 2 seconds once built)
	$(CARGO) build --release -p rockon-sync-tests --bin demo
	@"$(TARGET_DIR)/release/demo" "$(TARGET_DIR)/release/rockon-sync"

bench: build ## Compare it with the alternatives (about 20 minutes); BENCH=--help for parts
	tests/bench/run.sh --program "$(TARGET_DIR)/release/rockon-sync" $(BENCH)

test: ## Run all tests, and count them
	@tests/run.sh tests

gates: ## Check formatting, lints, dependencies, packaging, spelling, ...
	@tests/run.sh gates

instructions: ## Count instructions of operations that grow with the catalog (needs valgrind)
	@tests/instructions/run.sh

lint: ## Run rustfmt and clippy
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --all-features -- -D warnings

doc: ## Build the documentation: target/doc/rockon_sync/index.html
	$(CARGO) doc --workspace --all-features --no-deps

book: ## Build the pages of docs/ as a book, and check its links: build/book/index.html
	packaging/book.sh

wheels: ## Build and try the Python wheels for ARCHES (x86_64 and aarch64)
	packaging/wheels.sh
	DIST=build/dist-wheels tests/dist/run.sh tests/dist/test_wheels.py

dist: ## Build and try what a release consists of, for ARCHES: build/dist
	packaging/dist.sh
	tests/dist/run.sh

dist-test: ## Try what `make dist` has built
	tests/dist/run.sh

reproducible: ## Build it again in another directory, and compare every byte
	tests/dist/reproducible.sh

django-matrix: ## Test the Django example with each supported Django, on the oldest and newest Python
	tests/django/matrix.sh

install: install-command install-library ## Install everything below PREFIX

install-command: build ## Install the command, its man pages, completions and systemd units
	packaging/install-command.sh "$(TARGET_DIR)/release/rockon-sync" "$(DESTDIR)$(PREFIX)"

install-library: ## Install the C library and its header
	rockon-sync-ffi/install.sh "$(PREFIX)" "$(DESTDIR)"

clean: ## Remove all build results
	$(CARGO) clean
	rm -rf build
