#!/usr/bin/env bash
# Measures rockon-sync and its alternatives; see main.py, or --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/tools.sh
. tests/tools.sh

provide_tools bench
for package in "${missing[@]}"; do
    echo "$package is missing; on Debian: apt-get install $package"
done

python=$(packaging/venv.sh build/bench/venv --requirement tests/bench/requirements.txt)
exec "$python" tests/bench/main.py "$@"
