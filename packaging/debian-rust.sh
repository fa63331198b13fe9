#!/usr/bin/env bash
# Provides Debian's Rust compiler with the standard library for ARCH, and prints the compiler's path.
# Nothing is installed on the machine; the packages are only unpacked below build/. Not needed after
# `rustup target add`.
#
#     debian-rust.sh ARCH            for example arm64
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly DIR=$PWD/build/dist-rust
arch=$1
host=$(dpkg --print-architecture)
root=$DIR/$arch
if [[ ! -x $root/rustc ]]; then
    # The packages `rustc-web` follow Rust's releases, unlike `rustc`.
    packaging/debian-root.sh "$host,$arch" "$root" \
        "rustc-web:$host" "libstd-rust-web-dev:$host" "libstd-rust-web-dev:$arch"
    # The compiler's own libraries are Debian's too. A variable such as LD_LIBRARY_PATH would also
    # be inherited by the linker.
    libraries=$root/lib/$HOSTTYPE-linux-gnu
    cat >"$root/rustc.new" <<SH
#!/bin/sh
exec "$(echo "$libraries"/ld-linux-*)" --library-path "$root/usr/lib/$HOSTTYPE-linux-gnu:$libraries" \\
    "$root/usr/bin/rustc" --sysroot "$root/usr" "\$@"
SH
    chmod +x "$root/rustc.new"
    mv "$root/rustc.new" "$root/rustc"
fi
echo "$root/rustc"
