# What there is to do here; `make` alone lists it.

CARGO ?= cargo
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
# Where `make install` puts the C library; DESTDIR goes before it, for packagers.
PREFIX ?= /usr/local
DESTDIR ?=
# Arguments of the benchmark.
BENCH ?=

.DEFAULT_GOAL := help
.PHONY: help build demo bench test instructions lint doc install clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-12s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Build the command: target/release/rockon-sync
	$(CARGO) build --release -p rockon-sync --features cli

demo: build ## Show what it is for, on a sample catalog (about 2 seconds once built)
	$(CARGO) build --release -p rockon-sync-tests --bin demo
	@"$(TARGET_DIR)/release/demo" "$(TARGET_DIR)/release/rockon-sync"

bench: build ## Compare it with what one would take instead (about 20 minutes); BENCH=--help for parts
	tests/bench/run.sh --program "$(TARGET_DIR)/release/rockon-sync" $(BENCH)

test: ## Run every check and test, and count them
	@tests/run.sh

instructions: ## Count the instructions of what grows with the catalog (needs valgrind)
	@tests/instructions/run.sh

lint: ## Check the formatting, and what clippy has to say
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --all-features -- -D warnings

doc: ## Build the documentation: target/doc/rockon_sync/index.html
	$(CARGO) doc --workspace --all-features --no-deps

install: ## Install the C library and its header below PREFIX
	rockon-sync-ffi/install.sh "$(PREFIX)" "$(DESTDIR)"

clean: ## Remove everything that was built
	$(CARGO) clean
	rm -rf build
