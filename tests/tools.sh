# shellcheck shell=bash
# Sourced by scripts that need external tools: reports missing ones and, as root on Debian, installs
# them.

# One tool per line: the Debian package, the checks that need it, and a command that succeeds if the
# tool is installed.
# shellcheck disable=SC2016 # expanded when the command is run
readonly TOOLS='
gcc              tests  command -v cc
pkg-config       tests  command -v pkg-config
valgrind         tests  command -v valgrind
strace           tests  command -v strace
zstd             tests  command -v zstd
python3          tests  command -v python3
python3-venv     tests  python3 -c "import ensurepip, venv"
postgresql       tests  ls /usr/lib/postgresql/*/bin/initdb || command -v initdb
chromium         tests  command -v chromium
chromium-driver  tests  command -v chromedriver
nginx-light      tests  PATH=$PATH:/usr/sbin command -v nginx
fcgiwrap         tests  PATH=$PATH:/usr/sbin command -v fcgiwrap
git              tests  command -v git
rsync            tests  command -v rsync
ostree           tests  command -v ostree
zsync            tests  command -v zsync
zchunk           tests  command -v zckdl
gnupg            tests  command -v gpg
curl             tests  command -v curl
jq               tests  command -v jq
python3          gates  command -v python3
python3-venv     gates  python3 -c "import ensurepip, venv"
mandoc           gates  command -v mandoc
zsh              gates  command -v zsh
fish             gates  command -v fish
systemd          gates  command -v systemd-analyze
gcc              bench  command -v cc
python3          bench  command -v python3
python3-venv     bench  python3 -c "import ensurepip, venv"
nginx-light      bench  PATH=$PATH:/usr/sbin command -v nginx
fcgiwrap         bench  PATH=$PATH:/usr/sbin command -v fcgiwrap
git              bench  command -v git
rsync            bench  command -v rsync
ostree           bench  command -v ostree
zsync            bench  command -v zsync
zchunk           bench  command -v zckdl
gnupg            bench  command -v gpg
curl             bench  command -v curl
zstd             bench  command -v zstd
python3-venv     dist   python3 -c "import ensurepip, venv"
git              dist   command -v git
binutils         dist   command -v readelf
mmdebstrap       dist   command -v mmdebstrap
qemu-user-static dist   command -v qemu-aarch64-static
lintian          dist   command -v lintian
debian-archive-keyring dist ls /usr/share/keyrings/debian-archive-keyring.gpg
'

# The packages that provide_tools could not install.
missing=()

# missing_packages CHECKS...: prints the missing packages that one of the checks needs.
missing_packages() {
    local package needed_by check
    while read -r package needed_by check; do
        if [[ -n $package && " $* " == *" $needed_by "* ]] && ! bash -c "$check" >/dev/null 2>&1; then
            echo "$package"
        fi
    done <<<"$TOOLS" | sort -u
}

# provide_tools CHECKS...: installs missing packages if possible. The others are then in `missing`.
provide_tools() {
    mapfile -t missing < <(missing_packages "$@")
    if ((${#missing[@]} > 0)) && ((EUID == 0)) && command -v apt-get >/dev/null; then
        echo "installing with apt-get: ${missing[*]}"
        # The maintenance run level prevents installed servers from being started.
        export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
        apt-get update -qq || true
        apt-get install -y -qq --no-install-recommends "${missing[@]}" || true
        mapfile -t missing < <(missing_packages "$@")
    fi
    if ((${#missing[@]} == 0)); then
        echo 'all tools are installed'
    fi
}
