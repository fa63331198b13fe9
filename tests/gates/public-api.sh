#!/usr/bin/env bash
# Compares the public interface of the crate, an item a line, with public-api.txt, so that no change of it
# goes unseen. To write it anew, WRITE_API=1 before the command.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
readonly LISTING=tests/gates/public-api.txt

if ! command -v python3 >/dev/null; then
    echo 'python3 is missing; on Debian: apt-get install python3'
    exit 77
fi

# Only rustdoc is told to do what is not stable yet: known to cargo, it would compile the dependencies anew.
target=${CARGO_TARGET_DIR:-target}
# With the features of the whole workspace, its dependencies are those that clippy has compiled; what only
# tests may use is hidden from documentation.
RUSTDOC=$PWD/tests/gates/rustdoc-json RUSTDOCFLAGS='-Z unstable-options --output-format json --cap-lints allow' \
    cargo doc --quiet --locked --workspace --all-features --no-deps
listed=$(mktemp)
trap 'rm "$listed"' EXIT
# 77 if this rustdoc writes what the listing cannot read; anything else is a fault.
python3 tests/gates/public_api.py "$target/doc/rockon_sync.json" >"$listed" || {
    status=$?
    cat "$listed"
    exit "$status"
}
if [[ -n ${WRITE_API-} ]]; then
    cp "$listed" "$LISTING"
elif ! diff -u "$LISTING" "$listed"; then
    echo "the public interface has changed; if it should have: WRITE_API=1 tests/gates/public-api.sh"
    exit 1
fi
echo "$(wc -l <"$LISTING") public items"
