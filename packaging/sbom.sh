#!/usr/bin/env bash
# Writes a software bill of materials (CycloneDX) beside every artifact in DIST.
set -euo pipefail
# shellcheck source=packaging/environment.sh
. "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

readonly CARGO_CYCLONEDX=0.5.9
cargo install --quiet --locked --root "$TOOLS/cargo" "cargo-cyclonedx@$CARGO_CYCLONEDX"
# The tool writes beside each Cargo.toml, so it gets a copy of the sources.
sources=$PWD/build/dist-stage/sources
rm -rf "$sources"
mkdir -p "$sources"
git ls-files -z | tar --null --files-from=- -c | tar -x -C "$sources"

# References contain the path as part of a URL.
encoded=$(python3 -c 'import sys, urllib.parse; print(urllib.parse.quote(sys.argv[1]))' "$sources")

# describe CRATE ARTIFACTS...: describes the artifacts, which are of this crate.
describe() {
    local artifact
    for artifact in "${@:2}"; do
        [[ -f $artifact ]] || fail "$artifact: no such artifact"
        # References to the project's own crates have the path of the sources.
        sed "s|$encoded|/rockon-sync|g" "$sources/$1/sbom.json" >"$artifact.cdx.json"
    done
}

for arch in $ARCHES; do
    # One run describes every crate of the workspace.
    PATH=$TOOLS/cargo/bin:$PATH cargo cyclonedx --quiet --format json --spec-version 1.5 \
        --target "$arch-unknown-linux-gnu" --features cli --override-filename sbom \
        --manifest-path "$sources/rockon-sync/Cargo.toml"
    describe rockon-sync-py "$DIST"/rockon_sync-*"_$arch.whl" "$DIST"/rockon_sync-*.tar.gz
    describe rockon-sync-ffi "$DIST/librockon-sync-$VERSION-$arch-linux.tar.gz"
    describe rockon-sync "$DIST/rockon-sync-$VERSION-$arch-linux.tar.gz" \
        "$DIST"/rockon-sync_*"_$(debian_arch "$arch").deb"
done
