#!/usr/bin/env bash
# Counts the instructions of operations that grow with the catalog, and compares them with the last
# run.
#
# Needs valgrind, and about ten minutes. The benchmark runner and the catalogs (1.5 GB) are created
# only once, below build/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# The runner must have the same version as the library that it runs.
version=$(sed -n '/^name = "gungraun"$/{n;s/^version = "\(.*\)"$/\1/p}' tests/instructions/Cargo.lock)
tools=$PWD/build/instructions
export ROCKON_SYNC_INSTRUCTIONS=$tools/catalogs
export CARGO_TARGET_DIR=$tools/target

if ! command -v valgrind >/dev/null; then
    echo 'valgrind is missing; on Debian: apt-get install valgrind' >&2
    exit 1
fi
if [[ $("$tools/bin/gungraun-runner" --version 2>/dev/null) != *" $version" ]]; then
    cargo install --quiet --locked --root "$tools" --version "$version" gungraun-runner
fi
mkdir -p "$ROCKON_SYNC_INSTRUCTIONS"
cargo run --quiet --release --manifest-path tests/instructions/Cargo.toml
PATH=$tools/bin:$PATH cargo bench --quiet --manifest-path tests/instructions/Cargo.toml "$@"
