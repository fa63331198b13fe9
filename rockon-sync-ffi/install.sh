#!/bin/sh
# Installs the C library: header, static and shared library, pkg-config file.
#
#     install.sh PREFIX [DESTDIR]
#
# PREFIX is the absolute path at which the files will be used. Packagers set DESTDIR, which is put
# in front of it during installation. PROFILE is the cargo profile, `release` by default. CARGO_ARGS
# are further arguments of `cargo build`, for example `--locked --offline`. If BUILT is set, nothing
# is compiled: it is the directory of the compiled libraries.
set -eu

case ${1-} in
/*) prefix=${1%/} ;;
*) echo "usage: $0 PREFIX [DESTDIR], PREFIX being an absolute path" >&2; exit 2 ;;
esac
target=${2-}$prefix
profile=${PROFILE:-release}

cd "$(dirname "$0")"
if [ -z "${BUILT-}" ]; then
    # shellcheck disable=SC2086 # several arguments
    cargo build --quiet --lib --profile "$profile" ${CARGO_ARGS-}
    case $profile in dev) folder=debug ;; *) folder=$profile ;; esac
    BUILT=${CARGO_TARGET_DIR:-../target}/$folder
fi
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' ../Cargo.toml)
soname=librockon_sync.so.${version%%.*}

install -d "$target/include" "$target/lib/pkgconfig"
install -m 644 ../include/rockon_sync.h "$target/include/"
install -m 644 "$BUILT/librockon_sync.a" "$target/lib/"
install -m 755 "$BUILT/librockon_sync.so" "$target/lib/librockon_sync.so.$version"
ln -sf "librockon_sync.so.$version" "$target/lib/$soname"
ln -sf "$soname" "$target/lib/librockon_sync.so"
cat > "$target/lib/pkgconfig/rockon-sync.pc" <<PC
prefix=$prefix
includedir=\${prefix}/include
libdir=\${prefix}/lib

Name: rockon-sync
Description: Keeps a local copy of a published catalog up to date
Version: $version
Cflags: -I\${includedir}
Libs: -L\${libdir} -lrockon_sync
Libs.private: -lgcc_s -lutil -lrt -lpthread -lm -ldl -lc
PC
