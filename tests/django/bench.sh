#!/bin/sh
# Prints what an update costs on PostgreSQL; see bench.py, which gets the arguments.
# ROCKON_SYNC_WHEEL names a wheel that is built already.
set -eu

cd "$(dirname "$0")/../.."
# The tests' environment with a wheel of what is there now, made by running the quickest of them.
tests/django/run.sh -k guide >&2
build/django/bin/python tests/django/bench.py "$@"
