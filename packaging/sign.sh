#!/usr/bin/env bash
# Signs SHA256SUMS with the command itself: writes the signed head root.sha, and its manifest
# root.json, beside it. Clients follow the three files, below the URL of a release or in a directory.
#
#     sign.sh PROGRAM DIR KEY        KEY being a file of `rockon-sync keygen`
set -euo pipefail

program=$1 dir=$2 key=$3
scratch=$(mktemp -d)
trap 'rm -r "$scratch"' EXIT
mkdir "$scratch/sums"
cp "$dir/SHA256SUMS" "$scratch/sums"
"$program" publish "$scratch/sums" --format files --out "$scratch/tree" --sign-key "$key"
cp "$scratch/tree/root.sha" "$scratch/tree/root.json" "$dir"
