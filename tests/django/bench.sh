#!/bin/sh
# Prints what an update costs on PostgreSQL; see bench.py.
set -eu

cd "$(dirname "$0")/../.."
# The tests' environment, made if need be by running the quickest of them.
[ -x build/django/bin/python ] || tests/django/run.sh -k guide >&2
build/django/bin/python tests/django/bench.py
