"""The command: its tarball and its Debian package, each installed in a clean root."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from conftest import DEBIAN, DIST, HOST, ROOT, Root, artifact, newest_glibc, run, succeed
from support import Server

UNIT = "rockon-sync.service"


def follow(root: Root, server: Server) -> None:
    """Publishes, updates over HTTP and from a directory, and lists, with the installed command."""
    assert root.succeed("rockon-sync", "--version").startswith("rockon-sync ")
    published = root.succeed(
        "rockon-sync", "publish", "/project/demo/catalog", "--out", "/srv/tree"
    )
    assert published.startswith("published: serial 1, ")
    for name, url in (("demo", "/srv/tree"), ("web", server.url)):
        source = f"{name}={url}"
        root.succeed("rockon-sync", "update", "--store", "/srv/store", "--source", source)
    listed = json.loads(root.succeed("rockon-sync", "list", "--store", "/srv/store", "--json"))
    names = [row["name"] for row in listed]
    assert {"Alpha", "Beta"} < set(names)
    demo = json.loads((ROOT / "demo/catalog/root.json").read_text())
    assert len(names) == 2 + len(demo)


def unpack(root: Root) -> None:
    tarball = artifact(f"rockon-sync-*-{root.arch}-linux.tar.gz")
    unpack = ("tar", "-xzf", f"/dist/{tarball.name}", "-C", "/usr/local", "--strip-components=1")
    root.succeed(*unpack)


def install_package(root: Root) -> None:
    package = artifact(f"rockon-sync_*_{DEBIAN[root.arch]}.deb")
    # The root's packages are unpacked, but not installed.
    root.succeed("dpkg", "--force-depends", "--install", f"/dist/{package.name}")


def test_the_tarball_works_below_usr_local(root: Root, v1: Server) -> None:
    unpack(root)
    follow(root, v1)
    for file in (
        "man/man1/rockon-sync-update.1",
        "bash-completion/completions/rockon-sync",
        "zsh/site-functions/_rockon-sync",
        "fish/vendor_completions.d/rockon-sync.fish",
        "doc/rockon-sync/LICENSE-MIT",
    ):
        assert root.exists(f"/usr/local/share/{file}"), file


def test_the_package_works_and_can_be_removed(root: Root, v1: Server) -> None:
    install_package(root)
    follow(root, v1)
    assert "rockon-sync:" in root.succeed("cat", "/etc/passwd")
    for file in (
        "lib/systemd/system/rockon-sync.timer",
        "share/man/man1/rockon-sync.1.gz",
        "share/bash-completion/completions/rockon-sync",
        "share/doc/rockon-sync/copyright",
    ):
        assert root.exists(f"/usr/{file}"), file
    # There is no source yet.
    assert not root.exists("/etc/systemd/system/timers.target.wants/rockon-sync.timer")
    root.succeed("mkdir", "-p", "/var/lib/rockon-sync/local")
    root.succeed("dpkg", "--force-depends", "--purge", "rockon-sync")
    assert not root.exists("/usr/bin/rockon-sync")
    assert root.exists("/var/lib/rockon-sync/local")


@pytest.mark.parametrize("install", [unpack, install_package])
def test_systemd_finds_the_command_of_the_unit(root: Root, install: object) -> None:
    assert callable(install)
    install(root)
    verify = ("systemd-analyze", "verify", "--man=no", UNIT)
    root.succeed(*verify, "rockon-sync.timer")
    # The same check notices a command that is missing.
    root.succeed("rm", "-f", "/usr/local/bin/rockon-sync", "/usr/bin/rockon-sync")
    assert root.run(*verify).returncode == 1


def test_the_first_run_works_as_the_unit_describes_it(root: Root, v1: Server) -> None:
    if root.arch != HOST:
        pytest.skip(f"{root.arch}: the namespace of qemu has no user but root")
    install_package(root)
    unit = (ROOT / "systemd" / UNIT).read_text()
    lines = re.findall(r"^#   (.*)$", unit.partition("[Unit]")[0], re.MULTILINE)
    steps = "\n".join(lines).replace("https://example.org/rockons/v2/", v1.url)
    (update,) = re.findall(r"^ExecStart=(.*)$", unit, re.MULTILINE)
    assert "systemctl start rockon-sync.service" in steps
    # There is no running systemd: the command of the unit runs as its user does.
    steps = steps.replace(f"systemctl start {UNIT}", f"runuser -u rockon-sync -- {update}")
    root.succeed("sh", "-euc", steps)
    listed = root.succeed("rockon-sync", "list", "--store", "/var/lib/rockon-sync")
    assert "Alpha" in listed


def test_the_command_runs_with_an_old_glibc(arch: str, tmp_path: Path) -> None:
    tarball = artifact(f"rockon-sync-*-{arch}-linux.tar.gz")
    succeed("tar", "-xzf", tarball, "-C", tmp_path, "--strip-components=1")
    assert newest_glibc(tmp_path / "bin/rockon-sync") <= (2, 17)


def test_the_package_is_as_debian_wants_it(arch: str) -> None:
    if shutil.which("lintian") is None:
        pytest.skip("lintian is missing")
    package = artifact(f"rockon-sync_*_{DEBIAN[arch]}.deb")
    done = run("lintian", "--fail-on", "error", "--info", package)
    assert done.returncode == 0, done.stdout


def test_the_package_depends_on_what_the_command_loads(arch: str, tmp_path: Path) -> None:
    package = artifact(f"rockon-sync_*_{DEBIAN[arch]}.deb")
    succeed("dpkg-deb", "--extract", package, tmp_path)
    needed = re.findall(
        r"\(NEEDED\).*\[(.*)\]", succeed("readelf", "-dW", tmp_path / "usr/bin/rockon-sync")
    )
    # All of these are in the package libc6.
    of_libc = r"(lib(c|m|dl|rt|pthread|util)\.so\.\d|ld-linux-[a-z0-9-]*\.so\.\d)"
    assert [name for name in needed if not re.fullmatch(of_libc, name)] == []
    assert succeed("dpkg-deb", "--field", package, "Depends") == "libc6 (>= 2.17)\n"
    assert DIST in package.parents
