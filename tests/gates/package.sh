#!/usr/bin/env bash
# Packages every crate, and checks the published one as a user may build it: from the package alone,
# and with the oldest versions of its dependencies that it accepts.
#
# Both at once, since each would compile all dependencies again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# Uncommitted changes are checked too.
cargo package --quiet --workspace --no-verify --allow-dirty
target=$(cargo metadata --format-version 1 --no-deps --locked |
    sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml)
crate=rockon-sync-$version

# A fixed directory, so that only changes are compiled again.
scratch=$PWD/build/gates/package
mkdir -p "$scratch"
rm -rf "${scratch:?}/$crate"
# Files in the package have one old time, with which cargo would consider none of them changed.
tar -xmf "$target/package/$crate.crate" -C "$scratch"
cd "$scratch/$crate"
for file in README.md LICENSE-MIT LICENSE-APACHE; do
    [[ -s $file ]] || { echo "$file is missing in the package"; exit 1; }
done

# A workspace of its own, because the directory is inside another workspace.
printf '\n[workspace]\n' >>Cargo.toml
rm Cargo.lock
# The resolver's option is unstable; the compiler uses no unstable feature.
RUSTC_BOOTSTRAP=1 cargo generate-lockfile --quiet -Z direct-minimal-versions
export CARGO_TARGET_DIR=$scratch/target
cargo check --quiet --locked --lib --bins --features cli
echo "$crate is complete, and builds with its oldest dependencies"
