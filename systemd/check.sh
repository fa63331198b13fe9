#!/usr/bin/env bash
# Checks the units with systemd, and how exposed they are. Exits with 77 if systemd-analyze is
# missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

if ! command -v systemd-analyze >/dev/null; then
    echo 'systemd-analyze is missing; on Debian: apt-get install systemd'
    exit 77
fi

# The highest accepted exposure, from 0.0 (none) to 10.0 (everything), times ten.
readonly MAX_EXPOSURE=20

units=$(mktemp -d)
trap 'rm -r "$units"' EXIT
cp rockon-sync.timer "$units"
# Neither the command nor the user exists here, and systemd checks that the command does.
sed -e 's|^ExecStart=rockon-sync|ExecStart=/bin/true|' rockon-sync.service \
    >"$units/rockon-sync.service"

warnings=$(systemd-analyze verify --man=no "$units"/rockon-sync.{service,timer} 2>&1 |
    grep -F rockon-sync || true)
if [[ -n $warnings ]]; then
    echo "$warnings"
    exit 1
fi
systemd-analyze security --offline=yes --threshold="$MAX_EXPOSURE" --no-pager \
    "$units/rockon-sync.service" | tail -n 1
systemd-analyze calendar "$(sed -n 's/^OnCalendar=//p' rockon-sync.timer)" >/dev/null
