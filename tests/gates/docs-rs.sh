#!/usr/bin/env bash
# Builds the documentation as docs.rs does, and checks that it names the features of its items.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# Only rustdoc gets unstable options: if cargo did, it would compile the dependencies again.
target=${CARGO_TARGET_DIR:-target}
RUSTDOC=$PWD/tests/gates/rustdoc-unstable RUSTDOCFLAGS='--cfg docsrs -D warnings' \
    cargo doc --quiet --locked --workspace --all-features --no-deps
for item in publish/index cli/index jupdate/index; do
    grep -q 'Available on <strong>crate feature' "$target/doc/rockon_sync/$item.html" || {
        echo "$item.html names no feature"
        exit 1
    }
done
echo 'the documentation builds as on docs.rs'
