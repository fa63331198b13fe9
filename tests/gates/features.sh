#!/usr/bin/env bash
# Checks that the core builds without features, with each of them, and with all of them. Features follow
# the directories of the core, so that a missing one proves that no other directory imports it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

for features in '' http publish page jupdate s3 cli internals fuzzing; do
    echo "features: ${features:-none}"
    # Clippy, because it shares the compiled dependencies with the lints of the workspace.
    cargo clippy --quiet -p rockon-sync --no-default-features --features "$features" -- -D warnings
done

# One set of root certificates, and no more crates in a client than it needs.
crates=$(cargo tree --locked -p rockon-sync -e normal --prefix none | sed 's/ .*//' | sort -u)
echo "crates of a client: $(wc -l <<<"$crates")"
if grep -E '^(webpki-root-certs|webpki-roots)$' <<<"$crates"; then
    echo 'FAILED: a second set of root certificates'
    exit 1
fi
