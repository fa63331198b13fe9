"""A full refresh and increments end in the same state, over what really happened."""

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
    """The successive states of the real catalog, oldest first."""
    named = os.environ.get("ROCKON_REGISTRY_HISTORY")
    folder = Path(named) if named else HERE.parents[2] / "shared/registry"
    if not (folder / ARCHIVE).is_file():
        warnings.warn(f"SKIPPED: there is no {ARCHIVE} in {folder}", stacklevel=1)
        pytest.skip(f"there is no {ARCHIVE} in {folder}; see ROCKON_REGISTRY_HISTORY")
    unpacked = tmp_path_factory.mktemp("history")
    with tarfile.open(folder / ARCHIVE) as archive:
        archive.extractall(unpacked, filter="data")
    return sorted(path for path in unpacked.iterdir() if path.is_dir())


def is_installed_by_somebody(name: str) -> bool:
    """A fifth of the rock-ons, always the same."""
    return hashlib.sha256(name.encode()).digest()[0] % 5 == 0


def follow(states: list[Path], store: rockon_sync.Store, *, in_full: bool) -> Iterator[str]:
    """Follows the history; yields what the database holds after each state."""
    from rockons.models import RockOn
    from rockons.refresh import apply_changes
    from snapshot import snapshot

    for state in states:
        # As it really was: sometimes the list is none.
        with suppress(rockon_sync.ManifestError):
            store.update(rockon_sync.Source(state), allow_mass_delete=True)
        if in_full:
            # No revision recorded: everything is to be applied again.
            RockOn.objects.update(catalog_revision=None)
        apply_changes(store.catalog())
        names = RockOn.objects.filter(state=RockOn.AVAILABLE).values_list("name", flat=True)
        chosen = [name for name in names if is_installed_by_somebody(name)]
        RockOn.objects.filter(name__in=chosen).update(state=RockOn.INSTALLED)
        held = snapshot()
        # A definition that is refused has no revision after a full refresh.
        held["rockons"] = [row[:-1] for row in held["rockons"]]
        yield hashlib.sha256(repr(held).encode()).hexdigest()


def test_a_full_refresh_ends_where_increments_do_after_every_state(
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
