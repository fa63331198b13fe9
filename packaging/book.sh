#!/usr/bin/env bash
# Builds the documentation as a book, build/book/index.html, and checks its links.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The version whose output the check of the links knows.
readonly VERSION=0.5.4

tools=build/book-tools
if [[ $("$tools/bin/mdbook" --version 2>/dev/null) != "mdbook v$VERSION" ]]; then
    cargo install mdbook --locked --no-default-features --features search --root "$tools" \
        --version "$VERSION"
fi
rm -rf build/book
"$tools/bin/mdbook" build docs
python3 tests/packaging/book_links.py build/book
