#!/usr/bin/env bash
# Checks how comments open, in all languages of the project.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

if ! command -v python3 >/dev/null; then
    echo 'python3 is missing; on Debian: apt-get install python3'
    exit 77
fi
python3 tests/gates/prose.py
