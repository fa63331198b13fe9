#!/usr/bin/env bash
# Has shellcheck read every shell script.
set -euo pipefail
# shellcheck source=tests/gates/tools.sh
. "$(dirname "${BASH_SOURCE[0]}")/tools.sh"

provide_venv
mapfile -t scripts < <(tracked '*.sh' .ci/run tests/gates/rustdoc-json)
# SC2329: functions whose names are handed to others look as if nobody called them.
"$VENV/bin/shellcheck" --external-sources --exclude SC2329 "${scripts[@]}"
echo "shellcheck has nothing to say on ${#scripts[@]} scripts"
