"""The release as a whole: checksums, their signature, bills of materials, and the sources."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
from conftest import ARCHES, DIST, HOST, ROOT, artifact, run, succeed
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

NOT_SUMMED = {"SHA256SUMS", "root.sha", "root.json"}
PARTS = 4
"""For each architecture: a wheel, a command, a C library and a Debian package."""


def artifacts() -> list[Path]:
    return [path for path in DIST.iterdir() if path.name not in NOT_SUMMED]


def described() -> list[Path]:
    return [path for path in artifacts() if path.suffix != ".json"]


def test_every_artifact_is_there_with_a_checksum() -> None:
    assert len(described()) == PARTS * len(ARCHES) + 1
    sums = (DIST / "SHA256SUMS").read_text().splitlines()
    assert {line.split("  ")[1] for line in sums} == {path.name for path in artifacts()}
    succeed("sh", "-c", f"cd {DIST} && sha256sum --strict --quiet -c SHA256SUMS")


def test_every_artifact_has_a_valid_bill_of_materials() -> None:
    validator = JsonStrictValidator(SchemaVersion.V1_5)
    for path in described():
        text = path.with_name(path.name + ".cdx.json").read_text()
        assert validator.validate_str(text) is None, path
        bill = json.loads(text)
        components = {component["name"] for component in bill["components"]}
        assert {"serde_json", "sha2", "ureq"} < components, path
        assert ("pyo3" in components) == path.name.startswith("rockon_sync-"), path
        assert str(ROOT) not in text, path


@pytest.fixture
def program(tmp_path: Path) -> Path:
    tarball = artifact(f"rockon-sync-*-{HOST}-linux.tar.gz")
    succeed("tar", "-xzf", tarball, "-C", tmp_path, "--strip-components=1")
    return tmp_path / "bin/rockon-sync"


def test_the_checksums_are_signed_by_the_command_itself(program: Path, tmp_path: Path) -> None:
    release = tmp_path / "release"
    release.mkdir()
    shutil.copy(DIST / "SHA256SUMS", release)
    key = tmp_path / "key"
    trusted = succeed(program, "keygen", "example.org/release", "--out", key).strip()
    succeed(ROOT / "packaging/sign.sh", program, release, key)
    store = tmp_path / "store"
    update = (program, "update", "--source", f"release={release}", "--trust-key", trusted)
    succeed(*update, "--store", store)
    verified = (store / "release/current/SHA256SUMS").read_bytes()
    assert verified == (DIST / "SHA256SUMS").read_bytes()
    # Neither changed checksums nor another key are accepted.
    other = succeed(program, "keygen", "example.org/other", "--out", tmp_path / "other").strip()
    refused = run(*update[:-1], other, "--store", tmp_path / "store 2")
    assert refused.returncode == 4, refused.stdout
    with (release / "SHA256SUMS").open("a") as sums:
        sums.write("0" * 64 + "  another.deb\n")
    assert run(*update, "--store", tmp_path / "store 3").returncode != 0


def test_the_python_sources_can_be_built(tmp_path: Path) -> None:
    sources = artifact("rockon_sync-*.tar.gz")
    tools = Path(sys.executable).parent
    succeed(tools / "twine", "check", "--strict", sources)
    succeed(sys.executable, "-m", "venv", tmp_path / "venv")
    # Without optimization, and with what is compiled for the other tests.
    options = ("--config-settings=build-args=--profile=dev",)
    environment = {"CARGO_TARGET_DIR": str(ROOT / "target")}
    pip = tmp_path / "venv/bin/pip"
    succeed(pip, "install", *options, sources, timeout_s=1800, environment=os.environ | environment)
    assert succeed(tmp_path / "venv/bin/rockon-sync", "--version").startswith("rockon-sync ")
