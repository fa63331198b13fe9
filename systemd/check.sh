#!/usr/bin/env bash
# Checks the units as systemd reads them, and how much they leave exposed. Exits with 77 where
# there is no systemd-analyze.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

if ! command -v systemd-analyze >/dev/null; then
    echo 'systemd-analyze is missing; on Debian: apt-get install systemd'
    exit 77
fi

# Exposure from 0.0 (none) to 10.0 (everything), times ten: more than this is a step back.
readonly MAX_EXPOSURE=20

units=$(mktemp -d)
trap 'rm -r "$units"' EXIT
cp rockon-sync.timer "$units"
# The command is not installed here, and whether it is there is checked as well; nor is the user.
sed -e 's|^ExecStart=/usr/bin/rockon-sync|ExecStart=/bin/true|' rockon-sync.service \
    >"$units/rockon-sync.service"

said=$(systemd-analyze verify --man=no "$units"/rockon-sync.{service,timer} 2>&1 |
    grep -F rockon-sync || true)
if [[ -n $said ]]; then
    echo "$said"
    exit 1
fi
systemd-analyze security --offline=yes --threshold="$MAX_EXPOSURE" --no-pager \
    "$units/rockon-sync.service" | tail -n 1
systemd-analyze calendar "$(sed -n 's/^OnCalendar=//p' rockon-sync.timer)" >/dev/null
