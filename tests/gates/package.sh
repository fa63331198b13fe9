#!/usr/bin/env bash
# Packs every crate, and checks the one that is published as its users may meet it: from the package alone,
# and with the oldest versions of its dependencies that it says it can do with.
#
# Both in one, since either would have to compile all the dependencies once more.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# A work in progress is checked too.
cargo package --quiet --workspace --no-verify --allow-dirty
target=$(cargo metadata --format-version 1 --no-deps --locked |
    sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml)
crate=rockon-sync-$version

# In the same place each time, so that only what changed is compiled again.
scratch=$PWD/build/gates/package
mkdir -p "$scratch"
rm -rf "${scratch:?}/$crate"
# The package has one old time for every file, by which cargo would take none for changed.
tar -xmf "$target/package/$crate.crate" -C "$scratch"
cd "$scratch/$crate"
for file in README.md LICENSE-MIT LICENSE-APACHE; do
    [[ -s $file ]] || { echo "the package is without $file"; exit 1; }
done

# A workspace of its own: it lies below another one's folder.
printf '\n[workspace]\n' >>Cargo.toml
rm Cargo.lock
# The resolver's option is not stable yet; the compiler is asked for nothing unstable.
RUSTC_BOOTSTRAP=1 cargo generate-lockfile --quiet -Z direct-minimal-versions
export CARGO_TARGET_DIR=$scratch/target
for features in '' cli; do
    cargo check --quiet --locked --lib --bins --features "$features"
done
echo "$crate is whole, and its oldest dependencies will do"
