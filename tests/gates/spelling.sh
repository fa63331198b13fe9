#!/usr/bin/env bash
# Looks for words that are often misspelled, in everything but what typos.toml leaves out.
set -euo pipefail
# shellcheck source=tests/gates/tools.sh
. "$(dirname "${BASH_SOURCE[0]}")/tools.sh"

provide_venv
"$VENV/bin/typos" --format brief
echo 'typos has nothing to say'
