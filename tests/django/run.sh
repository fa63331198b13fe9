#!/bin/sh
# Runs the tests of the Django example against a temporary PostgreSQL server. ROCKON_SYNC_WHEEL may
# name an existing wheel. Arguments are passed to pytest.
set -eu

cd "$(dirname "$0")/../.."
command -v python3 >/dev/null || { echo "python3 is missing" >&2; exit 1; }
if ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 && ! command -v initdb >/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get install --yes --quiet postgresql >&2
    else
        echo "PostgreSQL's initdb is missing: install the package postgresql" >&2
        exit 1
    fi
fi
ROCKON_SYNC_WHEEL=${ROCKON_SYNC_WHEEL:-$(rockon-sync-py/build-wheel.sh)}
export ROCKON_SYNC_WHEEL

venv=build/django
[ -x "$venv/bin/pip" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --requirement tests/django/requirements.txt
"$venv/bin/pip" install --quiet --force-reinstall --no-deps --no-index "$ROCKON_SYNC_WHEEL"

"$venv/bin/python" -m pytest -q -rs tests/django "$@"
