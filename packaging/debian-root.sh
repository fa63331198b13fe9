#!/usr/bin/env bash
# Unpacks Debian packages, with all that they depend on, into a directory, without installing
# anything on the machine and without running any of them.
#
#     debian-root.sh ARCHITECTURES DIR PACKAGES...    for example amd64,arm64
set -euo pipefail

# The release whose packages serve to build and to test.
readonly SUITE=bookworm

architectures=$1 dir=$2
shift 2
# shellcheck source=tests/tools.sh
. "$(dirname "${BASH_SOURCE[0]}")/../tests/tools.sh"
provide_tools dist >&2
mkdir -p "$(dirname "$dir")"
rm -rf "$dir"
packages=$*
mmdebstrap --quiet --variant=extract --architectures="$architectures" --include="${packages// /,}" \
    "$SUITE" "$dir" \
    "deb http://deb.debian.org/debian $SUITE main" \
    "deb http://deb.debian.org/debian-security $SUITE-security main" >&2
