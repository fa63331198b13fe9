#!/bin/sh
# Installs Python packages into a virtual environment, which it creates if necessary, and prints the
# path of the environment's Python:
#
#     venv.sh DIR ARGUMENT...        arguments of `uv pip install`, for example --requirement FILE
#
# PYTHON is the Python of a new environment, python3 by default. Exits with 77, which means that a
# check could not run, if it is missing.
set -eu

dir=$1
shift
python=${PYTHON:-python3}
root=$(cd "$(dirname "$0")/.." && pwd)
requirements=$root/packaging/requirements.txt
uv=$root/build/uv-$(sed -n 's/^uv==//p' "$requirements")

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    echo "$python or its venv is missing; on Debian: apt-get install python3-venv" >&2
    exit 77
fi
if [ ! -x "$uv" ]; then
    mkdir -p "$root/build"
    new=$(mktemp -d "$root/build/uv.XXXXXX")
    "$python" -m venv "$new"
    "$new/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements" >&2
    # Another process may do the same at this time.
    mv "$new/bin/uv" "$uv"
    rm -r "$new"
fi

# As with pip: certificates and Pythons of this machine, and the same package index.
export UV_SYSTEM_CERTS=1 UV_PYTHON_DOWNLOADS=never
export UV_HTTP_TIMEOUT="${UV_HTTP_TIMEOUT:-180}"
if [ -n "${PIP_INDEX_URL-}" ]; then
    export UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-$PIP_INDEX_URL}"
fi
[ -x "$dir/bin/python" ] || "$uv" venv --quiet --python "$python" "$dir"
"$uv" pip install --quiet --python "$dir/bin/python" "$@"
realpath --no-symlinks "$dir/bin/python"
