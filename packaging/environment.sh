# shellcheck shell=bash
# Sourced by the scripts that build what people install: changes to the project's directory, and
# makes what is compiled and packed independent of the machine, the directory and the time.

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

# The architectures of a release, as uname names them.
ARCHES=${ARCHES:-x86_64 aarch64}
# The oldest glibc that the binaries run with: that of manylinux_2_17.
readonly GLIBC=2.17
readonly TOOLS=$PWD/build/dist-tools
DIST=$(realpath --canonicalize-missing "${DIST:-build/dist}")
VERSION=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml)
# shellcheck disable=SC2034 # used by the scripts
readonly ARCHES DIST VERSION

# The time of the commit is the time of every packed file.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH LC_ALL=C.UTF-8 TZ=UTC
umask 022
# Failures in $(...) count too.
shopt -s inherit_errexit

fail() {
    echo "$*" >&2
    exit 1
}

# debian_arch ARCH: prints Debian's name of an architecture.
debian_arch() {
    case $1 in
    x86_64) echo amd64 ;;
    aarch64) echo arm64 ;;
    *) fail "$1: no Debian architecture is known for it" ;;
    esac
}

# provide_python_tools: installs the tools of build-requirements.txt.
provide_python_tools() {
    command -v cargo >/dev/null || fail 'cargo is missing: install Rust'
    packaging/venv.sh "$TOOLS" --requirement rockon-sync-py/build-requirements.txt >/dev/null
    PATH=$TOOLS/bin:$PATH
}

# use_target ARCH: sets `target`, and exports the environment that compiles for it.
use_target() {
    local cargo_home=${CARGO_HOME:-$HOME/.cargo}
    target=$1-unknown-linux-gnu
    provide_python_tools
    if [[ ! -d $(rustc --print target-libdir --target "$target") ]]; then
        RUSTC=$(packaging/debian-rust.sh "$(debian_arch "$1")")
        # maturin asks the compiler in PATH, and cargo the one in RUSTC.
        PATH=$(dirname "$RUSTC"):$PATH
        export RUSTC
    fi
    # Messages of panics and of C assertions contain paths, and paths may contain spaces.
    CARGO_ENCODED_RUSTFLAGS=--remap-path-prefix=$PWD=/rockon-sync
    CARGO_ENCODED_RUSTFLAGS+=$'\x1f'--remap-path-prefix=$cargo_home=/cargo
    # Debug info has the include directory of zig, which may be behind a symbolic link.
    CFLAGS=$(printf -- '-ffile-prefix-map=%q ' "$PWD=/rockon-sync" "$cargo_home=/cargo" \
        "$(realpath "$TOOLS")=/rockon-sync/build/dist-tools")
    export CARGO_ENCODED_RUSTFLAGS CFLAGS=${CFLAGS% } CC_SHELL_ESCAPED_FLAGS=1
}

# compile ARCH CARGO-ARGUMENTS...: prints the directory of the results. `zig` is the linker, because
# it links against an old glibc on every machine, and for every target.
compile() {
    use_target "$1"
    cargo-zigbuild zigbuild --quiet --locked --release --target "$target.$GLIBC" "${@:2}" >&2
    echo "${CARGO_TARGET_DIR:-$PWD/target}/$target/release"
}

# pack DIR: packs a directory, under its name, into a .tar.gz file in DIST.
pack() {
    tar --sort=name --format=gnu --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner \
        -C "$(dirname "$1")" -c "$(basename "$1")" | gzip -9n >"$DIST/$(basename "$1").tar.gz"
}
