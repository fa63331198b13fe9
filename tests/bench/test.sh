#!/usr/bin/env bash
# Tests of the benchmark itself: the relay, the tables, and a run of everything on the sample catalog.
# Further arguments go to pytest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# Whether it measures, not what: so as the other tests have built it, which costs no minutes.
cargo build --quiet --workspace --all-features --bin rockon-sync
ROCKON_SYNC_PROGRAM=$(realpath "${CARGO_TARGET_DIR:-target}/debug/rockon-sync")
export ROCKON_SYNC_PROGRAM

venv=build/bench/venv
[[ -x $venv/bin/pip ]] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --requirement tests/bench/requirements.txt
"$venv/bin/python" -m pytest -q -rs tests/bench "$@"
