#!/usr/bin/env bash
# Python's formatting, lints and types. What is linted, and why some is not, says ruff.toml.
set -euo pipefail
# shellcheck source=tests/gates/tools.sh
. "$(dirname "${BASH_SOURCE[0]}")/tools.sh"

provide_venv
"$VENV/bin/ruff" check --quiet .
"$VENV/bin/ruff" format --quiet --check .

# types FOLDERS PATH...: checks the types of what is in PATH, whose imports are in these folders as well.
types() {
    MYPYPATH=rockon-sync-py/python:$1 "$VENV/bin/mypy" --strict --cache-dir build/gates/mypy "${@:2}"
}
types '' rockon-sync-py/python
types tests/python tests/python
types tests/bench tests/bench
types tests/page tests/page
types '' tests/gates
# The plugin, which knows the fields of Django's models, imports the settings.
PYTHONPATH=tests/django types tests/django:tests/python:tests/bench \
    --config-file tests/django/mypy.ini tests/django
