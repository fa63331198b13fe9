#!/usr/bin/env bash
# Builds the wheels for ARCHES in build/dist-wheels/, without anything else of a release.
set -euo pipefail
DIST=build/dist-wheels
# shellcheck source=packaging/environment.sh
. "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

rm -rf "$DIST"
mkdir -p "$DIST"
for arch in $ARCHES; do
    cp "$(rockon-sync-py/build-wheel.sh "$arch")" "$DIST"
done
ls -l "$DIST"
