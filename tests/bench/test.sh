#!/usr/bin/env bash
# Tests the benchmark itself: the relay, the tables, and a run of everything on the sample catalog.
# Arguments are passed to pytest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# A debug build is enough here. With the features of the other tests, nothing is compiled twice.
cargo build --quiet --workspace --all-features --bin rockon-sync
ROCKON_SYNC_PROGRAM=$(realpath "${CARGO_TARGET_DIR:-target}/debug/rockon-sync")
export ROCKON_SYNC_PROGRAM

python=$(packaging/venv.sh build/bench/venv --requirement tests/bench/requirements.txt)
"$python" -m pytest -q -rs tests/bench "$@"
