#!/bin/sh
# Builds the wheel and prints its path:
#
#     build-wheel.sh [TARGET]        for example aarch64-unknown-linux-gnu
#
# `zig` is the linker, because it links against the glibc of manylinux_2_17 on every machine, and
# for other targets too. The Rust standard library for TARGET must be installed. With PROFILE=dev the
# wheel is built without optimization, for tests on this machine only.
set -eu

cd "$(dirname "$0")/.."
target=${1:-$(rustc -vV | sed -n 's/^host: //p')}
tools=build/wheel-tools
out=build/wheels/$target

command -v cargo >/dev/null || { echo "cargo is missing: install Rust" >&2; exit 1; }
if ! cmp -s rockon-sync-py/build-requirements.txt "$tools/installed"; then
    python3 -m venv "$tools"
    "$tools/bin/pip" install --quiet --requirement rockon-sync-py/build-requirements.txt >&2
    cp rockon-sync-py/build-requirements.txt "$tools/installed"
fi

case ${PROFILE-release} in
dev) out=build/wheels/dev; set -- --profile dev --auditwheel skip ;;
*) set -- --release --zig --compatibility manylinux_2_17 --target "$target" ;;
esac
rm -rf "$out"
PATH=$PWD/$tools/bin:$PATH "$tools/bin/maturin" build --quiet --locked "$@" --interpreter python3 \
    --manifest-path rockon-sync-py/Cargo.toml --out "$out" >&2
ls "$PWD/$out"/*.whl
