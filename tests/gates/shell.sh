#!/usr/bin/env bash
# Runs shellcheck on every shell script.
set -euo pipefail
# shellcheck source=tests/gates/tools.sh
. "$(dirname "${BASH_SOURCE[0]}")/tools.sh"

provide_venv
mapfile -t scripts < <(tracked '*.sh' .ci/run tests/gates/rustdoc-unstable)
# SC2329: functions that are passed as arguments look unused.
printf '%s\0' "${scripts[@]}" |
    xargs --null --max-procs 2 --max-args 10 \
        "$VENV/bin/shellcheck" --external-sources --exclude SC2329
echo "shellcheck accepts ${#scripts[@]} scripts"
