#!/usr/bin/env bash
# Validates the files of `packaging/`, and runs them as their users do. Arguments are passed to
# pytest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

for tool in git python3 rsync; do
    command -v "$tool" >/dev/null || { echo "$tool is missing" >&2; exit 77; }
done
# With the features of the other tests, nothing is compiled twice.
cargo build --quiet --workspace --all-features --bin rockon-sync
PATH=$(realpath "${CARGO_TARGET_DIR:-target}/debug"):$PATH
export PATH

python=$(packaging/venv.sh build/packaging/venv --requirement tests/packaging/requirements.txt)
"$python" -m pytest -q -rs tests/packaging "$@"
