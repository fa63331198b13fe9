#!/usr/bin/env bash
# Builds what `make dist` has built again, in another directory, and fails if a byte differs.
# build/dist must have been built from the current commit.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

dist=$(realpath "${DIST:-build/dist}")
[[ -f $dist/SHA256SUMS ]] || { echo "$dist: nothing is built; run make dist first" >&2; exit 1; }
# Longer than the first directory, and not below it.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
again="$scratch/built again in another directory"
git clone --quiet --no-hardlinks . "$again"
# The same tools, which need not be built again.
mkdir "$again/build"
ln -s "$PWD"/build/dist-{tools,rust} "$again/build"
env -u DIST -u SIGN_KEY -u CARGO_TARGET_DIR "$again/packaging/dist.sh"
diff -u "$dist/SHA256SUMS" "$again/build/dist/SHA256SUMS"
echo "$(wc -l <"$dist/SHA256SUMS") artifacts are the same, byte for byte"
