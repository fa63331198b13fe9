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

python=$(packaging/venv.sh build/page/venv --requirement tests/page/requirements.txt)
"$python" -m pytest -q -rs tests/page "$@"
