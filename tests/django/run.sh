#!/bin/sh
# Runs the tests of the Django example against a temporary PostgreSQL server. ROCKON_SYNC_WHEEL may
# name an existing wheel, PYTHON a Python, and DJANGO another release series of Django, for example
# 4.2. Arguments are passed to pytest.
set -eu

cd "$(dirname "$0")/../.."
python=${PYTHON:-python3}
command -v "$python" >/dev/null || { echo "$python is missing" >&2; exit 1; }
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

venv=build/django${DJANGO:+-$DJANGO-$("$python" -c 'import sys; print(*sys.version_info[:2])' | tr ' ' .)}
python=$(PYTHON=$python packaging/venv.sh "$venv" --requirement tests/django/requirements.txt \
    --reinstall-package rockon-sync "$ROCKON_SYNC_WHEEL")
[ -z "${DJANGO-}" ] || packaging/venv.sh "$venv" "Django==$DJANGO.*"

"$python" -m pytest -q -rs tests/django "$@"
