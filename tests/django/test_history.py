"""The real catalog's history, published and applied state by state on two machines.

On one machine a fifth of the rock-ons is installed, on the other one all of them are, as soon as
they appear.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tarfile
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import adoption
import pytest
import rockon_sync
from conftest import HERE

ARCHIVE = "registry-2015-2023.tar.xz"

FULL_EVERY = 8
"""Of the published states, one in so many is also reached by writing everything."""

FALLBACK_EVERY = 24
"""Of the published states, one in so many is also reached by the appliance's fallback."""


@dataclass
class Machine:
    """A schema of the database with the tables of one machine, and its records."""

    schema: str
    is_installed: Callable[[str], bool]
    verified: dict[int, str] = field(default_factory=dict)
    """Digests of the rows that a full refresh leaves as they are."""
    differing: list[str] = field(default_factory=list)
    """States in which increments and a full refresh led to different rows."""
    requested: list[tuple[str, str]] = field(default_factory=list)
    """Published renames of rows whose new name is not taken by another row."""
    renamed: list[tuple[str, str]] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    """Renamed rows that did not keep their number or the owner's choices."""
    refusals: set[str] = field(default_factory=set)
    """Names of refused definitions that do not have other containers than their row."""
    final: dict[str, Any] = field(default_factory=dict)
    fresh: dict[str, Any] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def selected(self) -> Iterator[None]:
        """Selects the tables of this machine."""
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute(f"SET search_path TO {self.schema}")
        try:
            yield
        finally:
            with connection.cursor() as cursor:
                cursor.execute("RESET search_path")

    def create(self) -> None:
        """Creates the schema and its tables."""
        from django.core.management import call_command
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute(f"CREATE SCHEMA {self.schema}")
        with self.selected():
            call_command("migrate", run_syncdb=True, verbosity=0)

    def follow(
        self,
        state: str,
        store: rockon_sync.Store,
        derived: Iterable[rockon_sync.Renamed],
        *,
        in_full: bool,
    ) -> None:
        """Applies the current state, and compares it with a full refresh.

        `derived` are the renames of its publication. `in_full` starts the full refresh from the
        rows of the state before.
        """
        from rockons.models import RockOn
        from rockons.refresh import apply_changes
        from snapshot import digests, snapshot

        catalog = store.catalog()
        expected = None
        if in_full:
            with undone():
                write_everything(catalog)
                expected = without_revisions(snapshot())
        recorded = dict(RockOn.objects.values_list("name", "catalog_revision"))
        renames = catalog.changes_since(recorded).renames
        before = {
            rename.from_: choices(RockOn.objects.get(name=rename.from_)) for rename in renames
        }
        applied = apply_changes(store).applied
        if expected is not None and without_revisions(snapshot()) != expected:
            self.differing.append(f"{state} from the state before")
        self.requested += [
            (rename.from_, rename.to)
            for rename in derived
            if rename.from_ in recorded and rename.to not in recorded
        ]
        self.renamed += [(rename.from_, rename.to) for rename in applied.renamed]
        for rename in applied.renamed:
            after = choices(RockOn.objects.get(name=rename.to))
            common = after.keys() & before[rename.from_].keys()
            if any(after[key] != before[rename.from_][key] for key in common):
                self.replaced.append(rename.to)
        for refusal in applied.refused:
            self.counts["refused"] += 1
            if not has_other_containers(catalog[refusal.name]):
                self.refusals.add(refusal.name)
        self.install()
        # Writing a definition reads only its own rows if it creates none. So only those whose rows
        # have changed, by whichever statement, can be written differently than before.
        after_all = digests()
        changed = dict(after_all.items() - self.verified.items())
        refused = {refusal.name for refusal in applied.refused}
        names = RockOn.objects.filter(pk__in=changed).exclude(name__in=refused)
        with undone():
            write_everything(catalog, set(names.values_list("name", flat=True)))
            if digests() != after_all:
                self.differing.append(f"{state} from its own rows")
        self.verified = after_all

    def install(self) -> None:
        """Installs new rock-ons, and chooses a share, a value and a port for each."""
        from rockons.models import Environment, Port, RockOn, Share, Volume

        rows = RockOn.objects.filter(state=RockOn.AVAILABLE)
        new = [row.pk for row in rows if self.is_installed(row.name)]
        if not new:
            return
        share, _ = Share.objects.get_or_create(name="chosen")
        parts = {"container__rockon__in": new}
        Volume.objects.filter(**parts).update(share=share)
        Environment.objects.filter(**parts).update(value="chosen")
        for port in Port.objects.filter(**parts):
            Port.objects.filter(pk=port.pk).update(host_port=100_000 + port.pk)
        RockOn.objects.filter(pk__in=new).update(state=RockOn.INSTALLED)

    def finish(self, store: rockon_sync.Store) -> None:
        """Compares the last state with that of an empty database."""
        from rockons.models import Container, RockOn
        from snapshot import published

        catalog = store.catalog()
        # Rows that cannot follow the catalog while they are installed.
        left = [
            row.pk
            for row in RockOn.objects.all()
            if row.name not in catalog or has_other_containers(catalog[row.name])
        ]
        names = set(RockOn.objects.exclude(pk__in=left).values_list("name", flat=True))
        self.counts["at the end"] = len(names)
        self.counts["left"] = len(left)
        with undone():
            RockOn.objects.filter(pk__in=left).delete()
            delete_unused_images()
            self.final = published()
        with undone():
            RockOn.objects.all().delete()
            delete_unused_images()
            assert not Container.objects.exists()
            write_everything(catalog, names)
            self.fresh = published()


def is_in_a_fifth(name: str) -> bool:
    """Returns true for a fifth of all names, always the same."""
    return hashlib.sha256(name.encode()).digest()[0] % 5 == 0


def choices(row: Any) -> dict[Any, Any]:
    """Returns the number of a row, and what its owner chose, by the places of the parts."""
    containers = row.container_set
    return {
        "number": row.pk,
        "state": row.state,
        **dict(containers.values_list("port__container_port", "port__host_port")),
        **dict(containers.values_list("volume__path", "volume__share__name")),
        **dict(containers.values_list("environment__key", "environment__value")),
    }


def has_other_containers(definition: rockon_sync.Definition) -> bool:
    """Returns true if there is a row with other containers than those of the definition."""
    from rockons.models import Container

    rows = Container.objects.filter(rockon__name=definition.name)
    names = set(rows.values_list("name", flat=True))
    return bool(names) and names != set(definition.load()["containers"])


def without_revisions(content: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Removes the revisions, which a full refresh does not have for refused definitions."""
    return content | {"rockons": [row[:-1] for row in content["rockons"]]}


def delete_unused_images() -> None:
    from rockons.models import Image

    Image.objects.filter(container=None).delete()


@contextmanager
def undone() -> Iterator[None]:
    """Takes back everything that is written in the block."""
    from django.db import transaction

    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def write_everything(catalog: rockon_sync.Catalog, names: set[str] | None = None) -> None:
    """Applies all definitions, or those with these names, as if nothing were recorded."""
    from django.db import transaction
    from rockons import apply
    from rockons.models import RockOn

    def write(definition: rockon_sync.Definition) -> None:
        if names is None or definition.name in names:
            apply.write_rockon(definition)

    rockon_sync.apply(
        catalog,
        dict.fromkeys(RockOn.objects.values_list("name", flat=True)),
        write=write,
        rename=apply.rename_rockon,
        delete=apply.delete_rockon,
        transaction=transaction.atomic,
    )


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


@pytest.fixture(scope="module")
def memory() -> Iterator[Path]:
    """A directory in memory, if there is one: publications and stores sync every file."""
    shm = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shm if shm.is_dir() else None) as directory:
        yield Path(directory)


def rename_all(state: Path, renamed: Path) -> Path:
    """Returns a state that differs from another one in the names of all definitions."""
    shutil.copytree(state, renamed)
    for file in renamed.glob("*.json"):
        content = json.loads(file.read_text())
        if file.name != "root.json":
            content = {f"{name} (new)": definition for name, definition in content.items()}
            file.write_text(json.dumps(content))
    return renamed


@dataclass
class Replay:
    """The records of both machines and of the appliance."""

    a_fifth: Machine
    everything: Machine
    appliance: ApplianceReplay
    published: int = 0


@pytest.fixture(scope="module")
def replay(states: list[Path], socket_dir: Path, memory: Path) -> Replay:
    """Publishes each state once, and applies it to all machines."""
    from django.test import override_settings
    from rockons import docker

    tree, store = memory / "tree", rockon_sync.Store(memory / "store")
    a_fifth = Machine("a_fifth", is_in_a_fifth)
    everything = Machine("everything", lambda _: True)
    appliance = ApplianceReplay(Machine("appliance", lambda _: False), memory)
    found = Replay(a_fifth, everything, appliance)
    with (
        pytest.MonkeyPatch.context() as patch,
        override_settings(
            ROCKON_LOCAL=memory / "local",
            ROCKON_STORE=memory / "appliance",
            ROCKON_SOURCE=tree,
        ),
    ):
        patch.setattr(docker, "is_running", lambda: True)
        for machine in (a_fifth, everything, appliance.machine):
            machine.create()
        for state in [*states, rename_all(states[-1], memory / "renamed")]:
            report = rockon_sync.publish(
                state, out=tree, lenient=True, allow_mass_delete=True, keep=0
            )
            if report.outcome is rockon_sync.PublishOutcome.UNCHANGED:
                continue
            found.published += 1
            in_full = found.published % FULL_EVERY == 0
            store.update(tree, allow_mass_delete=True)
            for machine in (a_fifth, everything):
                with machine.selected():
                    machine.follow(state.name, store, report.renamed, in_full=in_full)
            if found.published % FALLBACK_EVERY == 0:
                with appliance.machine.selected():
                    appliance.follow(state, store)
        for machine in (a_fifth, everything):
            with machine.selected():
                machine.finish(store)
    return found


class ApplianceReplay:
    """The view of the appliance with the printed change, with and without the package."""

    def __init__(self, machine: Machine, directory: Path) -> None:
        self.machine = machine
        self.view: ModuleType = adoption.load(directory / "changed.py", adoption.changed_text())
        self.followed = 0

    def follow(self, state: Path, store: rockon_sync.Store) -> None:
        """Presses the button both ways, from the same rows."""
        from appliance.models import RockOn
        from snapshot import appliance_snapshot

        view = self.view.RockOnView()
        catalog = store.catalog()
        with undone(), pytest.MonkeyPatch.context() as patch:
            patch.setattr(self.view, "rockon_sync", None)
            definitions = {name: found.load() for name, found in catalog.items()}
            patch.setattr(view, "_get_available", lambda: definitions)
            view._update()
            without = appliance_snapshot()
            assert not RockOn.objects.exclude(catalog_revision=None).exists()
        view.post(None)
        self.followed += 1
        if appliance_snapshot() != without:
            self.machine.differing.append(state.name)


def test_a_full_refresh_equals_increments_after_every_state(replay: Replay) -> None:
    assert replay.published > 100
    assert (replay.a_fifth.differing, replay.everything.differing) == ([], [])
    assert replay.a_fifth.counts["at the end"] > 50


@pytest.mark.parametrize("machine", ["a_fifth", "everything"])
def test_every_rename_goes_through(replay: Replay, machine: str) -> None:
    found = getattr(replay, machine)
    print(f"{machine}: {len(found.renamed)} of {len(found.requested)} renames")
    assert ("EmbyServer", "Emby server") in found.requested
    # All definitions are renamed in the end.
    assert len(found.requested) > 70
    assert sorted(found.renamed) == sorted(found.requested)
    assert found.replaced == []


def test_only_other_containers_are_refused(replay: Replay) -> None:
    assert replay.a_fifth.refusals == set()
    # It was published again, under another name, long after its installed row had lost its
    # definition.
    assert replay.everything.refusals <= {"crashplan", "crashplan (new)"}
    assert replay.everything.counts["refused"] > 0


@pytest.mark.parametrize("machine", ["a_fifth", "everything"])
def test_the_last_state_equals_that_of_an_empty_database(replay: Replay, machine: str) -> None:
    found = getattr(replay, machine)
    assert found.final == found.fresh


def test_the_appliance_has_the_same_tables_with_and_without_the_package(replay: Replay) -> None:
    assert replay.appliance.followed >= 5
    assert replay.appliance.machine.differing == []
