#!/usr/bin/env bash
# Compares the public interface of the crate with that of the last release, and fails if the version
# does not allow the changes. Exits with 77 if there is no release, or no tool to compare with.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

if ! tag=$(git describe --tags --abbrev=0 --match 'v[0-9]*' 2>/dev/null); then
    echo 'SKIPPED: compatibility with the last release: no release has been tagged'
    exit 77
fi
if ! cargo semver-checks --version >/dev/null 2>&1; then
    echo 'SKIPPED: compatibility with the last release: cargo install cargo-semver-checks'
    exit 77
fi
cargo semver-checks --package rockon-sync --baseline-rev "$tag"
