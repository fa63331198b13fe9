#!/usr/bin/env bash
# Opens the page that `publish --page` writes in a browser, and its feed in a feed reader's parser.
# Screenshots to look at go to build/page/shots. Further arguments go to pytest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

for tool in chromium chromedriver python3; do
    command -v "$tool" >/dev/null || { echo "$tool is missing" >&2; exit 77; }
done
# As the other tests have built it: with other features, its dependencies would be compiled once more.
cargo build --quiet --workspace --all-features --bin rockon-sync
ROCKON_SYNC_PROGRAM=$(realpath "${CARGO_TARGET_DIR:-target}/debug/rockon-sync")
export ROCKON_SYNC_PROGRAM

venv=build/page/venv
[[ -x $venv/bin/pip ]] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --requirement tests/page/requirements.txt
"$venv/bin/python" -m pytest -q -rs tests/page "$@"
