#!/bin/sh
# Installs the command, its man pages, its completions, and its systemd units.
#
#     install-command.sh PROGRAM DIR      DIR being the prefix, behind DESTDIR if there is one
set -eu

program=$1 dir=$2
cd "$(dirname "$0")/.."
install -d "$dir/bin" "$dir/share/doc/rockon-sync"
install -m 755 "$program" "$dir/bin/rockon-sync"
(cd share && find . -type f -exec install -D -m 644 {} "$dir/share/{}" \;)
install -m 644 README.md CHANGELOG.md LICENSE-APACHE LICENSE-MIT "$dir/share/doc/rockon-sync/"
for unit in rockon-sync.service rockon-sync.timer; do
    install -D -m 644 "systemd/$unit" "$dir/lib/systemd/system/$unit"
done
install -D -m 644 systemd/rockon-sync.sysusers.conf "$dir/lib/sysusers.d/rockon-sync.conf"
