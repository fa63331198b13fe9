#!/usr/bin/env bash
# Tests the page that `publish --page` writes in a browser, and its feed in a feed reader's parser.
# Screenshots are written to build/page/shots. Arguments are passed to pytest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

for tool in chromium chromedriver python3; do
    command -v "$tool" >/dev/null || { echo "$tool is missing" >&2; exit 77; }
done
# With the features of the other tests, nothing is compiled twice.
cargo build --quiet --workspace --all-features --bin rockon-sync
ROCKON_SYNC_PROGRAM=$(realpath "${CARGO_TARGET_DIR:-target}/debug/rockon-sync")
export ROCKON_SYNC_PROGRAM

venv=build/page/venv
[[ -x $venv/bin/pip ]] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --requirement tests/page/requirements.txt
"$venv/bin/python" -m pytest -q -rs tests/page "$@"
