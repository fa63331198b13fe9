#!/bin/sh
# Prints the cost of an update on PostgreSQL. Arguments are passed to bench.py. ROCKON_SYNC_WHEEL
# may name an existing wheel.
set -eu

cd "$(dirname "$0")/../.."
# Running the quickest test installs the current wheel into the tests' environment.
tests/django/run.sh -k guide >&2
build/django/bin/python tests/django/bench.py "$@"
