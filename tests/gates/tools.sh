# shellcheck shell=bash
# Sourced by the gates: goes to the project's folder, and provides tools from Python's package index, which
# has them compiled, in a virtual environment below `build/`. The same versions for everybody.

cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1

# Where the virtual environment is.
readonly VENV=$PWD/build/gates/venv

# provide_venv: installs what requirements.txt says, unless it is there. Ends the script with 77, which says
# that a gate could not run, where there is no Python for it.
provide_venv() {
    if cmp -s tests/gates/requirements.txt "$VENV/installed"; then
        return
    fi
    if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
        echo 'python3 or its venv is missing; on Debian: apt-get install python3-venv'
        exit 77
    fi
    python3 -m venv --clear "$VENV"
    "$VENV/bin/pip" install --quiet --disable-pip-version-check --requirement tests/gates/requirements.txt
    cp tests/gates/requirements.txt "$VENV/installed"
}

# tracked PATTERN...: the project's files whose names are like this, one a line. Those that git does not know
# yet are its files too, unless ignored.
tracked() {
    git ls-files --cached --others --exclude-standard -- "$@" | while read -r file; do
        if [[ -f $file ]]; then echo "$file"; fi
    done
}
