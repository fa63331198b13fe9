#!/usr/bin/env bash
# Compares the public interface of the crate, one item per line, with public-api.txt, so that every
# change is visible in a review. WRITE_API=1 rewrites the file.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
readonly API=tests/gates/public-api.txt

if ! command -v python3 >/dev/null; then
    echo 'python3 is missing; on Debian: apt-get install python3'
    exit 77
fi

# Only rustdoc gets unstable options: if cargo did, it would compile the dependencies again.
target=${CARGO_TARGET_DIR:-target}
# With the features of the whole workspace, clippy has already compiled the dependencies. Items for
# tests only are hidden from the documentation.
RUSTDOC=$PWD/tests/gates/rustdoc-unstable RUSTDOCFLAGS='-Z unstable-options --output-format json --cap-lints allow' \
    cargo doc --quiet --locked --workspace --all-features --no-deps
listed=$(mktemp)
trap 'rm "$listed"' EXIT
# Exits with 77 if the format of this rustdoc is unknown; any other status is an error.
python3 tests/gates/public_api.py "$target/doc/rockon_sync.json" >"$listed" || {
    status=$?
    cat "$listed"
    exit "$status"
}
if [[ -n ${WRITE_API-} ]]; then
    cp "$listed" "$API"
elif ! diff -u "$API" "$listed"; then
    echo "the public interface has changed; if intended: WRITE_API=1 tests/gates/public-api.sh"
    exit 1
fi
echo "$(wc -l <"$API") public items"
