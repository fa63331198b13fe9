"""What a release consists of, and clean roots to try it in."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import CatalogDir, Server, serve

ROOT = Path(__file__).resolve().parents[2]
DIST = Path(os.environ["DIST"])
ARCHES = os.environ["ARCHES"].split()
HOST = platform.machine()
DEBIAN = {"x86_64": "amd64", "aarch64": "arm64"}
"""Debian's names of architectures."""

ROOT_PACKAGES = [
    *("base-files", "coreutils", "dash", "diffutils", "dpkg", "grep", "gzip", "sed", "tar"),
    *("gcc", "libc-bin", "libc6-dev", "pkg-config"),
    *("python3", "python3-venv"),
    *("libpam-modules", "systemd", "util-linux"),
]


def run(
    *command: str | Path, timeout_s: float = 600, environment: Mapping[str, str] = os.environ
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout_s,
    )


def succeed(
    *command: str | Path, timeout_s: float = 600, environment: Mapping[str, str] = os.environ
) -> str:
    done = run(*command, timeout_s=timeout_s, environment=environment)
    assert done.returncode == 0, done.stdout
    return done.stdout


def artifact(pattern: str) -> Path:
    """Returns the only artifact that matches."""
    found = [path for path in DIST.glob(pattern) if path.suffix != ".json"]
    assert len(found) == 1, f"{pattern}: expected one artifact, got {found}"
    return found[0]


@dataclass
class Root:
    """A clean Debian root. Changes last until the end of the test."""

    arch: str
    lower: Path
    changes: Path

    def run(self, *command: str | Path, timeout_s: float = 600) -> subprocess.CompletedProcess[str]:
        script = ROOT / "tests/dist/in-root.sh"
        where = (self.arch, self.lower, self.changes)
        own = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/root"}
        return run(script, *where, *command, timeout_s=timeout_s, environment=os.environ | own)

    def succeed(self, *command: str | Path, timeout_s: float = 600) -> str:
        done = self.run(*command, timeout_s=timeout_s)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def exists(self, path: str) -> bool:
        return self.run("test", "-e", path).returncode == 0


@pytest.fixture(params=ARCHES)
def arch(request: pytest.FixtureRequest) -> str:
    """Each architecture of the release."""
    value = request.param
    assert isinstance(value, str)
    return value


@pytest.fixture
def root(arch: str, tmp_path: Path) -> Iterator[Root]:
    lower = ROOT / f"build/dist-test/root-{arch}"
    done = lower.with_suffix(".packages")
    packages = " ".join(ROOT_PACKAGES)
    if not done.is_file() or done.read_text() != packages:
        script = ROOT / "packaging/debian-root.sh"
        made = run(script, DEBIAN[arch], lower, *ROOT_PACKAGES)
        if made.returncode == 77:
            pytest.skip(f"no Debian root for {arch}: {made.stdout.strip()}")
        assert made.returncode == 0, made.stdout
        # The packages are unpacked, and not configured, which would make these.
        for directory in ("root", "srv", "usr/local"):
            (lower / directory).mkdir(exist_ok=True)
        (lower / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
        (lower / "etc/pam.d/common-session").write_text("session required pam_permit.so\n")
        (lower / "etc/group").write_text("root:x:0:\n")
        done.write_text(packages)
    root = Root(arch, lower, tmp_path / "changes")
    works = root.run("true")
    if works.returncode != 0:
        pytest.skip(f"programs for {arch} cannot run in a root: {works.stdout.strip()}")
    yield root
    shutil.rmtree(root.changes)


@pytest.fixture
def catalog(tmp_path: Path) -> CatalogDir:
    """A catalog of two definitions."""
    catalog = CatalogDir(tmp_path / "catalog")
    for name in ("Alpha", "Beta"):
        catalog.put(name)
    return catalog


@pytest.fixture
def v1(catalog: CatalogDir) -> Iterator[Server]:
    """The catalog directory, served unpublished."""
    with serve(catalog.path) as server:
        yield server


def newest_glibc(program: Path) -> tuple[int, ...]:
    """Returns the newest version of glibc that a program or library asks for."""
    listed = succeed("readelf", "--version-info", "--wide", program)
    names = (word.removeprefix("GLIBC_") for word in listed.split() if word.startswith("GLIBC_2"))
    versions = [tuple(int(part) for part in name.split(".")) for name in names]
    assert versions, listed
    return max(versions)
