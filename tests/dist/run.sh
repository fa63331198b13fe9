#!/usr/bin/env bash
# Installs and tries what `make dist` has built. ARCHES are the architectures, DIST the directory,
# as for packaging/dist.sh. Arguments are passed to pytest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/tools.sh
. tests/tools.sh

provide_tools dist
export ARCHES=${ARCHES:-x86_64 aarch64}
DIST=$(realpath "${DIST:-build/dist}")
export DIST
python=$(packaging/venv.sh build/dist-test/venv --requirement tests/dist/requirements.txt)
(($# > 0)) || set -- tests/dist
"$python" -m pytest -q -rs -o pythonpath=tests/python "$@"
