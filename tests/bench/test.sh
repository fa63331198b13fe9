#!/usr/bin/env bash
# Tests of the benchmark itself: the relay, the tables, and a run of everything on the sample catalog.
# Further arguments go to pytest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

program=${CARGO_TARGET_DIR:-target}/release/rockon-sync
[[ -x $program ]] || cargo build --release -p rockon-sync --features cli
ROCKON_SYNC_PROGRAM=$(realpath "$program")
export ROCKON_SYNC_PROGRAM

venv=build/bench/venv
[[ -x $venv/bin/pip ]] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --requirement tests/bench/requirements.txt
"$venv/bin/python" -m pytest -q -rs tests/bench "$@"
