#!/usr/bin/env bash
# Runs a command in a root directory, in namespaces of its own. Programs of another architecture run
# under qemu, which is registered in these namespaces only.
#
#     in-root.sh ARCH ROOT CHANGES COMMAND...
#
# ROOT is never changed: what the command writes goes to the directory CHANGES, and the next command
# with the same directory finds it. The project is at /project, DIST at /dist.
set -euo pipefail

if [[ $1 != --inside ]]; then
    namespaces=(--mount --pid --fork --kill-child)
    # Only a namespace of users has a list of interpreters of its own. Its only user is root.
    if ((EUID != 0)) || [[ $1 != "$(uname -m)" ]]; then
        namespaces+=(--map-root-user)
    fi
    exec unshare "${namespaces[@]}" "$0" --inside "$@"
fi
arch=$2 lower=$3 changes=$4
shift 4
project=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")

if [[ $arch != "$(uname -m)" ]]; then
    mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
    cat "/usr/lib/binfmt.d/qemu-$arch.conf" >/proc/sys/fs/binfmt_misc/register
fi
root=$changes/root
mkdir -p "$changes"/{upper,work} "$root"
# Attributes of users, since in a namespace of users dpkg cannot rename directories otherwise.
mount -t overlay overlay "$root" \
    -o "userxattr,lowerdir=$lower,upperdir=$changes/upper,workdir=$changes/work"
mkdir -p "$root"/{project,dist,proc,dev,tmp}
mount --bind -o ro "$project" "$root/project"
mount --bind -o ro "$DIST" "$root/dist"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/tmp"
exec chroot "$root" "$@"
