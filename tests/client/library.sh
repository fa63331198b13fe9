#!/bin/sh
# Puts the command under the conformance vectors: library.sh URL DIR [KEY...]. $ROCKON_SYNC is the
# command. The catalog is DIR/current.
set -u
url=$1 dir=$2
shift 2
for key in "$@"; do
    set -- "$@" --trust-key "$key"
    shift
done
"$ROCKON_SYNC" update --quiet --store "$dir/store" --source "$url" "$@"
status=$?
ln -sfn "store/rockstor/current" "$dir/current"
exit "$status"
