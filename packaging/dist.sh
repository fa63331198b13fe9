#!/usr/bin/env bash
# Builds what a release consists of, in build/dist/. With SIGN_KEY, the file of a private key of
# `rockon-sync keygen`, the checksums are signed.
#
# ARCHES are the architectures, by default "x86_64 aarch64". DIST is another directory.
set -euo pipefail
# shellcheck source=packaging/environment.sh
. "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

main() {
    rm -rf "$DIST"
    mkdir -p "$DIST"
    export DIST
    local arch
    for arch in $ARCHES; do
        step "$arch: wheel"
        cp "$(rockon-sync-py/build-wheel.sh "$arch")" "$DIST"
        step "$arch: command"
        packaging/command.sh "$arch"
        step "$arch: C library"
        packaging/c-library.sh "$arch"
    done
    step 'Python sources'
    packaging/sdist.sh
    step 'bills of materials'
    packaging/sbom.sh
    step 'checksums'
    (cd "$DIST" && sha256sum -- *) >build/dist-stage/SHA256SUMS
    mv build/dist-stage/SHA256SUMS "$DIST"
    sign
    ls -l "$DIST"
}

step() {
    printf '==== %s\n' "$*"
}

sign() {
    local program
    if [[ -z ${SIGN_KEY-} ]]; then
        echo 'SKIPPED: signature: SIGN_KEY names no private key'
        return
    fi
    program=$(mktemp -d)
    tar -xzf "$DIST/rockon-sync-$VERSION-$(uname -m)-linux.tar.gz" -C "$program" --strip-components 1
    packaging/sign.sh "$program/bin/rockon-sync" "$DIST" "$SIGN_KEY"
    rm -r "$program"
}

main
