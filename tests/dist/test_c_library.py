"""The C library: a program is built with it in a clean root, and runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Root, artifact, newest_glibc, succeed
from support import Server

SHARED = "$(pkg-config --cflags --libs rockon-sync)"
STATIC = (
    "$(pkg-config --cflags rockon-sync) /usr/local/lib/librockon_sync.a"
    " $(pkg-config --static --libs-only-l rockon-sync | sed s/-lrockon_sync//)"
)


@pytest.mark.parametrize("flags", [SHARED, STATIC], ids=["shared", "static"])
def test_a_program_is_built_with_the_library(root: Root, v1: Server, flags: str) -> None:
    tarball = artifact(f"librockon-sync-*-{root.arch}-linux.tar.gz")
    where = ("-C", "/usr/local", "--strip-components=1")
    root.succeed("tar", "-xzf", f"/dist/{tarball.name}", *where)
    root.succeed("ldconfig")
    build = f"gcc /project/rockon-sync-ffi/examples/sync.c -o /srv/sync {flags}"
    root.succeed("sh", "-euc", build)
    listed = root.succeed("/srv/sync", "/srv/store", v1.url)
    assert "Alpha" in listed
    assert "Beta" in listed


def test_the_library_runs_with_an_old_glibc(arch: str, tmp_path: Path) -> None:
    tarball = artifact(f"librockon-sync-*-{arch}-linux.tar.gz")
    succeed("tar", "-xzf", tarball, "-C", tmp_path, "--strip-components=1")
    assert newest_glibc(tmp_path / "lib/librockon_sync.so") <= (2, 17)
