#!/usr/bin/env bash
# Runs the tests of the Django example with what Rockstor runs, the release with long-term support,
# and the newest Django, on the oldest and the newest Python. ROCKON_SYNC_WHEEL may name an existing
# wheel.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# Django 6 needs Python 3.12.
readonly PAIRS='
4.2 3.11
4.2 3.13
5.2 3.11
5.2 3.13
6.1 3.13
'

ROCKON_SYNC_WHEEL=${ROCKON_SYNC_WHEEL:-$(rockon-sync-py/build-wheel.sh)}
export ROCKON_SYNC_WHEEL
failed=()
while read -r django version; do
    if [[ -z $django ]]; then
        continue
    fi
    printf '==== Django %s, Python %s\n' "$django" "$version"
    if ! python=$(tests/find-python.sh "$version"); then
        echo "SKIPPED: Django $django: Python $version is missing"
        continue
    fi
    PYTHON=$python DJANGO=$django tests/django/run.sh </dev/null ||
        failed+=("Django $django on Python $version")
done <<<"$PAIRS"
if ((${#failed[@]} > 0)); then
    printf 'FAILED: %s\n' "${failed[@]}"
    exit 1
fi
