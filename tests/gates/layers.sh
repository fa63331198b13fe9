#!/usr/bin/env bash
# Checks the order of the core's directories, as docs/explanation/architecture.md shows it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

if ! command -v python3 >/dev/null; then
    echo 'python3 is missing; on Debian: apt-get install python3'
    exit 77
fi
python3 tests/gates/layers.py rockon-sync/src docs/explanation/architecture.md
