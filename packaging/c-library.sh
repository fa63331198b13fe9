#!/usr/bin/env bash
# Builds the C library for ARCH, and packs it as a tarball, to be unpacked below /usr/local.
#
#     c-library.sh ARCH
set -euo pipefail
# shellcheck source=packaging/environment.sh
. "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

arch=$1
dir=build/dist-stage/librockon-sync-$VERSION-$arch-linux
built=$(compile "$arch" -p rockon-sync-ffi --lib)
rm -rf "$dir"
BUILT=$built rockon-sync-ffi/install.sh /usr/local "$PWD/build/dist-stage/root-$arch"
mv "build/dist-stage/root-$arch/usr/local" "$dir"
rm -r "build/dist-stage/root-$arch"
install -D -m 644 -t "$dir/share/doc/librockon-sync" LICENSE-APACHE LICENSE-MIT \
    docs/guides/c.md docs/reference/c-api.md
pack "$dir"
