#!/bin/sh
# Prints the path of a Python of VERSION, of PATH or of pyenv. Fails if there is none.
#
#     find-python.sh VERSION         for example 3.12
set -eu

for python in "$(command -v "python$1" || true)" \
    "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python; do
    # The command in PATH may be one of pyenv's that only names the versions.
    if [ -x "$python" ] && "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        echo "$python"
        exit
    fi
done
echo "Python $1 is missing, or its venv" >&2
exit 1
