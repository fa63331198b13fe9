#!/usr/bin/env bash
# Packs the sources of the Python package.
set -euo pipefail
# shellcheck source=packaging/environment.sh
. "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

provide_python_tools
maturin sdist --manifest-path rockon-sync-py/Cargo.toml --out "$DIST"
