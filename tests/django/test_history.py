"""A full refresh and increments lead to the same state, over the real history."""

from __future__ import annotations

import hashlib
import os
import tarfile
import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import rockon_sync
from conftest import HERE

ARCHIVE = "registry-2015-2023.tar.xz"


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Returns the successive states of the real catalog, oldest first."""
    named = os.environ.get("ROCKON_REGISTRY_HISTORY")
    directory = Path(named) if named else HERE.parents[2] / "shared/registry"
    if not (directory / ARCHIVE).is_file():
        warnings.warn(f"SKIPPED: {ARCHIVE} is missing in {directory}", stacklevel=1)
        pytest.skip(f"{ARCHIVE} is missing in {directory}; see ROCKON_REGISTRY_HISTORY")
    unpacked = tmp_path_factory.mktemp("history")
    with tarfile.open(directory / ARCHIVE) as archive:
        archive.extractall(unpacked, filter="data")
    return sorted(path for path in unpacked.iterdir() if path.is_dir())


def is_installed(name: str) -> bool:
    """Returns true for a fifth of the rock-ons, always the same."""
    return hashlib.sha256(name.encode()).digest()[0] % 5 == 0


def follow(states: list[Path], store: rockon_sync.Store, *, in_full: bool) -> Iterator[str]:
    """Follows the history. Yields the contents of the database after each state."""
    from rockons.models import RockOn
    from rockons.refresh import apply_changes
    from snapshot import snapshot

    for state in states:
        # The list is invalid in some real states.
        with suppress(rockon_sync.ManifestError):
            store.update(rockon_sync.Source(state), allow_mass_delete=True)
        if in_full:
            # Without recorded revisions, everything is applied again.
            RockOn.objects.update(catalog_revision=None)
        apply_changes(store.catalog())
        names = RockOn.objects.filter(state=RockOn.AVAILABLE).values_list("name", flat=True)
        chosen = [name for name in names if is_installed(name)]
        RockOn.objects.filter(name__in=chosen).update(state=RockOn.INSTALLED)
        content = snapshot()
        # A refused definition has no revision after a full refresh.
        content["rockons"] = [row[:-1] for row in content["rockons"]]
        yield hashlib.sha256(repr(content).encode()).hexdigest()


def test_a_full_refresh_equals_increments_after_every_state(
    states: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from django.core.management import call_command
    from rockons.models import RockOn

    started = time.monotonic()
    store = rockon_sync.Store(tmp_path / "increments")
    increments = list(follow(states, store, in_full=False))
    middle = time.monotonic()
    installed = RockOn.objects.filter(state=RockOn.INSTALLED).count()
    total = RockOn.objects.count()
    call_command("flush", interactive=False, verbosity=0)
    store = rockon_sync.Store(tmp_path / "full")
    full = list(follow(states, store, in_full=True))
    assert [n for n in range(len(states)) if increments[n] != full[n]] == []
    assert installed > total / 10
    with capsys.disabled():
        print(
            f"\n{len(states)} states, {total} rock-ons at the end, {installed} installed: "
            f"increments {middle - started:.1f} s, full {time.monotonic() - middle:.1f} s"
        )
