#!/usr/bin/env bash
# Checks formatting, lints and types of the Python code. ruff.toml has the lints and their
# exceptions.
set -euo pipefail
# shellcheck source=tests/gates/tools.sh
. "$(dirname "${BASH_SOURCE[0]}")/tools.sh"

provide_venv
"$VENV/bin/ruff" check --quiet .
"$VENV/bin/ruff" format --quiet --check .

# types DIRS PATH...: checks the types in PATH. Imports are also searched in DIRS.
types() {
    MYPYPATH=rockon-sync-py/python:$1 "$VENV/bin/mypy" --strict --cache-dir build/gates/mypy "${@:2}"
}
types '' rockon-sync-py/python
types tests/python tests/python
types tests/bench tests/bench
types tests/page tests/page
types tests/packaging tests/packaging
types tests/python:tests/dist tests/dist
types docs/conformance docs/conformance
types '' tests/gates
# The plugin reads the fields of Django's models, for which it imports the settings.
PYTHONPATH=tests/django types tests/django:tests/python:tests/bench \
    --config-file tests/django/mypy.ini tests/django
