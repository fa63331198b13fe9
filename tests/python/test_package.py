"""The wheel: its contents, its types, and the command line."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from support import CatalogDir, Server

WHEEL = Path(os.environ.get("ROCKON_SYNC_WHEEL", ""))
"""The wheel under test, built by `run.sh`."""


def run(*command: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environment,
        timeout=300,
        check=False,
    )


@pytest.mark.skipif(not WHEEL.is_file(), reason="ROCKON_SYNC_WHEEL is not set")
def test_the_wheel_needs_no_other_package(tmp_path: Path) -> None:
    created = run(sys.executable, "-m", "venv", tmp_path / "clean")
    assert created.returncode == 0, created.stderr
    python = tmp_path / "clean/bin/python"
    installed = run(python, "-m", "pip", "install", "--no-index", WHEEL, cwd=tmp_path)
    assert installed.returncode == 0, installed.stderr
    version = run(tmp_path / "clean/bin/rockon-sync", "--version", cwd=tmp_path)
    module = run(python, "-m", "rockon_sync", "--version", cwd=tmp_path)
    assert version.stdout == module.stdout
    assert version.stdout.startswith("rockon-sync ")


@pytest.mark.skipif(not WHEEL.is_file(), reason="ROCKON_SYNC_WHEEL is not set")
def test_the_wheel_supports_python_3_11_and_newer_and_has_only_expected_files() -> None:
    assert "-cp311-abi3-" in WHEEL.name
    with zipfile.ZipFile(WHEEL) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
        licences = [name for name in wheel.namelist() if "/licenses/" in name]
    assert names == {
        f"rockon_sync/{name}"
        for name in (
            "__init__.py",
            "__main__.py",
            "_apply.py",
            "_core.abi3.so",
            "_core.pyi",
            "_errors.py",
            "_model.py",
            "contrib/__init__.py",
            "contrib/django.py",
            "py.typed",
        )
    }
    assert len(licences) == 2


def test_the_stubs_match_the_module(tmp_path: Path) -> None:
    checked = run(sys.executable, "-m", "mypy.stubtest", "rockon_sync", cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_django_is_imported_only_with_its_adapter() -> None:
    code = "import sys, rockon_sync; print('django' in sys.modules)"
    assert run(sys.executable, "-c", code).stdout == "False\n"
    code = f"{code}; import rockon_sync.contrib.django; print('django' in sys.modules)"
    assert run(sys.executable, "-c", code).stdout == "False\nTrue\n"


def test_a_program_that_uses_the_api_passes_type_checks(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(
        """\
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
import rockon_sync
from rockon_sync import Definition, Store

def refresh(store: Store, applied: Mapping[str, str | None]) -> tuple[str, ...]:
    report = store.update("https://example.org/", timeout=20, progress=lambda p: p.files_done)
    catalog: Mapping[str, Definition] = store.catalog()
    updated: datetime | None = catalog["x"].updated
    print(report.duration.total_seconds(), updated, catalog.get("x"))
    try:
        rockon_sync.publish(Path("catalog"), expires_in_days=30)
    except rockon_sync.ManifestError as error:
        print(error.kind, error.url, error.path, error.retryable, error.problems)
    changes = store.catalog().changes_since(applied)
    return tuple(upsert.definition.read_text() for upsert in changes.upserts)

def offer(store: Store, installed: Mapping[str, str]) -> list[str]:
    rockon_sync.publish("files", format=rockon_sync.Format.FILES)
    catalog = store.catalog()
    found = catalog.updates_for(installed, platform="joomla 5.1", stability="stable")
    release: rockon_sync.Release | None = catalog["x"].read_newest_release()
    data: bytes = catalog["x"].read_bytes()
    print(data, release, catalog.installation("x", installed).is_possible)
    return [update.release.version for update in found.updates]
"""
    )
    checked = run(sys.executable, "-m", "mypy", "--strict", "program.py", cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize(("page", "count"), [("guides/python.md", 5), ("reference/python.md", 2)])
def test_the_examples_of_a_page_pass_type_checks(page: str, count: int, tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / page).read_text()
    examples = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert len(examples) == count
    (tmp_path / "page.py").write_text("\n".join(examples))
    # gevent has no types of its own.
    options = ("--strict", "--disable-error-code", "import-untyped")
    checked = run(sys.executable, "-m", "mypy", *options, "page.py", cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout


def test_the_module_is_the_command_line(tmp_path: Path, v2: Server) -> None:
    store = tmp_path / "store"
    command = [sys.executable, "-m", "rockon_sync"]
    updated = run(*command, "update", "--store", store, "--source", v2.url, "--json")
    assert updated.returncode == 0, updated.stderr
    assert json.loads(updated.stdout)["outcome"] == "updated"
    listed = run(*command, "list", "--store", store)
    assert "Gamma Ray" in listed.stdout
    assert run(*command, "list", "--store", tmp_path / "none").returncode == 1
    assert run(*command, "frobnicate").returncode == 2


def test_the_command_line_publishes(catalog: CatalogDir) -> None:
    published = run(sys.executable, "-m", "rockon_sync", "publish", catalog.path)
    assert published.returncode == 0, published.stderr
    assert (catalog.path / "v2/root.sha").is_file()
