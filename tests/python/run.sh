#!/bin/sh
# Builds the wheel, installs it into a virtual environment, and runs the tests of the Python
# package. ROCKON_SYNC_WHEEL may name an existing wheel. Arguments are passed to pytest.
set -eu

cd "$(dirname "$0")/../.."
command -v python3 >/dev/null || { echo "python3 is missing" >&2; exit 1; }
ROCKON_SYNC_WHEEL=${ROCKON_SYNC_WHEEL:-$(rockon-sync-py/build-wheel.sh)}
export ROCKON_SYNC_WHEEL

python=$(packaging/venv.sh build/python --requirement tests/python/requirements.txt \
    --reinstall-package rockon-sync "$ROCKON_SYNC_WHEEL")
"$python" -m pytest -q -rs tests/python "$@"
