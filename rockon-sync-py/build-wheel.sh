#!/usr/bin/env bash
# Builds the wheel and prints its path:
#
#     build-wheel.sh [ARCH]          for example aarch64
#
# If the Rust standard library for ARCH is missing, packaging/environment.sh provides it. With
# PROFILE=dev the wheel is built without optimization, for tests on this machine only.
set -euo pipefail
# shellcheck source=packaging/environment.sh
. "$(dirname "${BASH_SOURCE[0]}")/../packaging/environment.sh"

arch=${1:-$(uname -m)}
case ${PROFILE-release} in
dev)
    provide_python_tools
    out=build/wheels/dev
    arguments=(--profile dev --auditwheel skip)
    ;;
*)
    use_target "$arch"
    out=build/wheels/$arch
    arguments=(--release --zig --compatibility "manylinux_${GLIBC/./_}" --target "$target")
    ;;
esac
rm -rf "$out"
maturin build --quiet --locked "${arguments[@]}" --interpreter python3 \
    --manifest-path rockon-sync-py/Cargo.toml --out "$out" >&2
ls "$PWD/$out"/*.whl
