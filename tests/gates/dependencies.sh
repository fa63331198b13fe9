#!/usr/bin/env bash
# Checks the dependencies against deny.toml: licences, duplicates, sources, Rust versions,
# advisories. Clippy checks the standard library's Rust version: `incompatible_msrv`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

if ! python3 -c 'import tomllib' 2>/dev/null; then
    echo 'python3 is missing, or older than 3.11; on Debian: apt-get install python3'
    exit 77
fi
python3 tests/gates/dependencies.py
if cargo deny --version 2>/dev/null; then
    cargo deny --offline check licenses bans sources
fi
