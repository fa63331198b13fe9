# shellcheck shell=bash
# Sourced by what needs tools from outside: says which are missing, and as root on Debian installs them.
# Paths are those from the project's folder.

# One tool a line: the Debian package, the path that needs it, and a command that succeeds if the tool
# is there. Nothing is installed for a part that this checkout does not have.
# shellcheck disable=SC2016 # expanded when the check is run
readonly TOOLS='
gcc              Cargo.toml                  command -v cc
pkg-config       rockon-sync-ffi/Cargo.toml  command -v pkg-config
valgrind         rockon-sync-ffi/Cargo.toml  command -v valgrind
strace           rockon-sync/Cargo.toml      command -v strace
zstd             rockon-sync/Cargo.toml      command -v zstd
python3          tests/client/plain.py       command -v python3
mandoc           tests/gates/tools.sh        command -v mandoc
python3          tests/gates/tools.sh        command -v python3
python3-venv     tests/gates/tools.sh        python3 -c "import ensurepip, venv"
python3          tests/python/run.sh         command -v python3
python3-venv     tests/python/run.sh         python3 -c "import ensurepip, venv"
python3          tests/django/run.sh         command -v python3
python3-venv     tests/django/run.sh         python3 -c "import ensurepip, venv"
postgresql       tests/django/run.sh         ls /usr/lib/postgresql/*/bin/initdb || command -v initdb
systemd          systemd/check.sh            command -v systemd-analyze
python3          tests/page/run.sh           command -v python3
python3-venv     tests/page/run.sh           python3 -c "import ensurepip, venv"
chromium         tests/page/run.sh           command -v chromium
chromium-driver  tests/page/run.sh           command -v chromedriver
gcc              tests/bench/run.sh          command -v cc
python3          tests/bench/run.sh          command -v python3
python3-venv     tests/bench/run.sh          python3 -c "import ensurepip, venv"
nginx-light      tests/bench/run.sh          PATH=$PATH:/usr/sbin command -v nginx
fcgiwrap         tests/bench/run.sh          PATH=$PATH:/usr/sbin command -v fcgiwrap
git              tests/bench/run.sh          command -v git
rsync            tests/bench/run.sh          command -v rsync
ostree           tests/bench/run.sh          command -v ostree
curl             tests/bench/run.sh          command -v curl
zstd             tests/bench/run.sh          command -v zstd
'

# What provide_tools could not provide.
missing=()

# missing_packages [PATH]: prints the packages whose tool is needed, by that path alone if one is given,
# and missing.
missing_packages() {
    local package needed_by check
    while read -r package needed_by check; do
        if [[ -n $package && -e $needed_by && ${1:-$needed_by} == "$needed_by" ]] &&
            ! bash -c "$check" >/dev/null 2>&1; then
            echo "$package"
        fi
    done <<<"$TOOLS" | sort -u
}

# provide_tools [PATH]: installs what is missing where that is possible; what stays is in `missing`.
provide_tools() {
    mapfile -t missing < <(missing_packages "$@")
    if ((${#missing[@]} > 0)) && ((EUID == 0)) && command -v apt-get >/dev/null; then
        echo "installing with apt-get: ${missing[*]}"
        # The run level of maintenance keeps servers from being started because they were installed.
        export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
        apt-get update -qq || true
        apt-get install -y -qq --no-install-recommends "${missing[@]}" || true
        mapfile -t missing < <(missing_packages "$@")
    fi
    if ((${#missing[@]} == 0)); then
        echo 'everything is there'
    fi
}
