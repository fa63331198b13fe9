#!/usr/bin/env bash
# Copies a published tree to a web server, so that clients see the old or the new publication at
# any moment, also if the copy is cut off:
#
#     upload-with-rsync.sh TREE DESTINATION        for example v2 www@example.org:/srv/rockons/v2
#
# The files that a head leads to come before it, and nothing is deleted before it is replaced. Times
# are kept, as some servers make validators of them. Only one such copy may run at a time.
set -euo pipefail

if (($# != 2)); then
    echo "usage: $0 TREE DESTINATION" >&2
    exit 2
fi
tree=${1%/}/
destination=${2%/}/
copy=(rsync --recursive --times --delay-updates)
# Names that may only change after the files that they lead to.
manifests=(--exclude=/root.json --exclude=/root.v2.json)
heads=(--exclude=/root.sha --exclude=/root.v2.sha)

"${copy[@]}" "${manifests[@]}" "${heads[@]}" "$tree" "$destination"
"${copy[@]}" "${heads[@]}" "$tree" "$destination"
"${copy[@]}" "$tree" "$destination"
"${copy[@]}" --delete-after "$tree" "$destination"
