"""The Python package: each wheel passes the checks of the index, and all tests of the package."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest
from conftest import DIST, HOST, ROOT, Root, artifact, run, succeed

TOOLS = Path(sys.executable).parent
PYTHONS = ("3.11", "3.12", "3.13")


def wheel_for(arch: str) -> Path:
    return artifact(f"rockon_sync-*-cp311-abi3-*manylinux_2_17_{arch}*.whl")


def python(version: str) -> str:
    """Returns a Python of this version, or skips the test."""
    found = run(ROOT / "tests/find-python.sh", version)
    if found.returncode != 0:
        pytest.skip(found.stdout.strip())
    return found.stdout.strip()


def count_passed(output: str) -> int:
    (passed,) = re.findall(r"^(\d+) passed", output, re.MULTILINE)
    return int(passed)


def test_the_index_accepts_the_wheel(arch: str) -> None:
    succeed(TOOLS / "twine", "check", "--strict", wheel_for(arch))


def test_the_wheel_is_manylinux_and_abi3(arch: str) -> None:
    wheel = wheel_for(arch)
    shown = succeed(TOOLS / "auditwheel", "show", wheel)
    assert f"manylinux_2_17_{arch}" in shown, shown
    succeed(TOOLS / "abi3audit", "--strict", wheel)


@pytest.mark.parametrize("version", PYTHONS)
def test_the_wheel_passes_all_tests_of_the_package(version: str, tmp_path: Path) -> None:
    program = python(version)
    if not list(DIST.glob(f"rockon_sync-*_{HOST}.whl")):
        pytest.skip(f"there is no wheel for {HOST}")
    wheel = wheel_for(HOST)
    install = (ROOT / "packaging/venv.sh", tmp_path / "venv")
    requirements = ROOT / "tests/python/requirements.txt"
    chosen = os.environ | {"PYTHON": program}
    succeed(*install, "--requirement", requirements, wheel, environment=chosen)
    tests = (tmp_path / "venv/bin/python", "-m", "pytest", "-q", ROOT / "tests/python")
    environment = os.environ | {"ROCKON_SYNC_WHEEL": str(wheel)}
    assert count_passed(succeed(*tests, timeout_s=1800, environment=environment)) > 100


def test_the_wheel_works_in_a_clean_root(root: Root) -> None:
    """Debian's Python installs the wheel, and publishes, updates, lists and applies with it."""
    wheel = wheel_for(root.arch)
    # The tests need pytest only, which has no compiled code.
    tools = root.changes / "upper/srv/tools"
    venv = ROOT / "build/dist-test/venv"
    succeed(ROOT / "packaging/venv.sh", venv, "--target", tools, "pytest==9.2.0")
    root.succeed("python3", "-m", "venv", "/srv/venv")
    root.succeed("/srv/venv/bin/pip", "install", "--no-index", f"/dist/{wheel.name}")
    files = [f"/project/tests/python/test_{name}.py" for name in ("api", "apply", "trust")]
    tests = ("/srv/venv/bin/python", "-m", "pytest", "-q", "-p", "no:cacheprovider", *files)
    # This one has a time limit of 0.2 s, which is too short under qemu.
    slow = "--deselect=project/tests/python/test_api.py::test_secrets_of_a_url_are_never_shown"
    command = ("env", "PYTHONPATH=/srv/tools", *tests, *([slow] if root.arch != HOST else []))
    assert count_passed(root.succeed(*command, timeout_s=1800)) > 50
    assert root.succeed("/srv/venv/bin/rockon-sync", "--version").startswith("rockon-sync ")
