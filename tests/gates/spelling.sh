#!/usr/bin/env bash
# Finds common misspellings, except in the files and words that typos.toml excludes.
set -euo pipefail
# shellcheck source=tests/gates/tools.sh
. "$(dirname "${BASH_SOURCE[0]}")/tools.sh"

provide_venv
"$VENV/bin/typos" --format brief
echo 'typos found nothing'
