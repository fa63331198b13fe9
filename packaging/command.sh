#!/usr/bin/env bash
# Builds the command for ARCH, and packs it as a tarball, to be unpacked below /usr/local, and as a
# Debian package.
#
#     command.sh ARCH
set -euo pipefail
# shellcheck source=packaging/environment.sh
. "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

main() {
    local arch=$1 program
    program=$(compile "$arch" -p rockon-sync --features cli --bin rockon-sync)/rockon-sync
    tarball "$arch" "$program"
    debian_package "$arch" "$program"
}

tarball() {
    local dir=build/dist-stage/rockon-sync-$VERSION-$1-linux
    rm -rf "$dir"
    packaging/install-command.sh "$2" "$PWD/$dir"
    pack "$dir"
}

debian_package() {
    local arch dir=build/dist-stage/deb-$1
    arch=$(debian_arch "$1")
    rm -rf "$dir"
    packaging/install-command.sh "$2" "$PWD/$dir/usr"
    conform_to_debian "$dir"
    install -d "$dir/DEBIAN"
    install -m 755 packaging/debian/{postinst,prerm,postrm} "$dir/DEBIAN/"
    (cd "$dir" && find usr -type f -print0 | sort -z | xargs -0 md5sum) >"$dir/DEBIAN/md5sums"
    sed -e "s/@VERSION@/$VERSION-1/" -e "s/@ARCH@/$arch/" \
        -e "s/@SIZE@/$(du -sk --apparent-size "$dir/usr" | cut -f 1)/" \
        packaging/debian/control >"$dir/DEBIAN/control"
    dpkg-deb --root-owner-group -Zxz --build "$dir" "$DIST/rockon-sync_$VERSION-1_$arch.deb" >/dev/null
}

# conform_to_debian DIR: brings documentation to where Debian's policy wants it.
conform_to_debian() {
    local doc=$1/usr/share/doc/rockon-sync
    rm "$doc"/LICENSE-*
    # A blank line is a dot there.
    sed '1,4d; s/^$/./; s/^/ /' LICENSE-MIT | cat packaging/debian/copyright - >"$doc/copyright"
    mv "$doc/CHANGELOG.md" "$doc/changelog"
    {
        printf 'rockon-sync (%s-1) unstable; urgency=medium\n\n' "$VERSION"
        printf '  * See changelog.gz.\n\n -- %s  %s\n' \
            "$(sed -n 's/^Maintainer: //p' packaging/debian/control)" \
            "$(date --rfc-email --date "@$SOURCE_DATE_EPOCH")"
    } >"$doc/changelog.Debian"
    gzip -9n "$doc"/changelog* "$1"/usr/share/man/man1/*.1
}

main "$@"
