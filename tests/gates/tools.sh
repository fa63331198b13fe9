# shellcheck shell=bash
# Sourced by the gates: changes to the project's directory, and provides tools from Python's package
# index, which has compiled ones, in a virtual environment below `build/`. Versions are pinned.

cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1

# The path of the virtual environment.
readonly VENV=$PWD/build/gates/venv

# provide_venv: installs requirements.txt. Ends the script with 77, which means that the gate could
# not run, if Python is missing.
provide_venv() {
    packaging/venv.sh "$VENV" --requirement tests/gates/requirements.txt >/dev/null
}

# tracked PATTERN...: prints the project's files that match, one per line. Untracked files count
# too, unless ignored.
tracked() {
    git ls-files --cached --others --exclude-standard -- "$@" | while read -r file; do
        if [[ -f $file ]]; then echo "$file"; fi
    done
}
