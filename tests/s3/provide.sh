#!/usr/bin/env bash
# Installs the S3 implementation of the tests into a virtual environment. Prints the path of its
# Python, which the tests expect in ROCKON_SYNC_S3_PYTHON.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

exec packaging/venv.sh build/s3/venv --requirement tests/s3/requirements.txt
