#!/usr/bin/env bash
# Installs the S3 implementation of the tests into a virtual environment. Prints the path of its
# Python, which the tests expect in ROCKON_SYNC_S3_PYTHON.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

command -v python3 >/dev/null || { echo "python3 is missing" >&2; exit 1; }
venv=build/s3/venv
[[ -x $venv/bin/pip ]] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --requirement tests/s3/requirements.txt >&2
realpath --no-symlinks "$venv/bin/python"
