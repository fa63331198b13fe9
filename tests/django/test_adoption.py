"""The change to the appliance's view that docs/guides/adoption.md prints."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import adoption
import pytest
import rockon_sync
from conftest import put, rename_in_file
from support import CatalogDir, Server

Press = Callable[[], str]
"""Presses the button with the package. Returns the error that the page shows."""


@pytest.fixture(scope="module")
def view(socket_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The view with the printed change."""
    directory = tmp_path_factory.mktemp("view")
    return adoption.load(directory / "changed.py", adoption.changed_text())


@pytest.fixture(scope="module")
def old_view(socket_dir: Path) -> ModuleType:
    """The view without the change."""
    import appliance.rockon

    return appliance.rockon


@pytest.fixture
def settings(catalog: CatalogDir, served: Server) -> Iterator[None]:
    """The settings of the appliance. The old way reads the catalog directory itself."""
    from django.test import override_settings
    from support import serve

    with serve(catalog.path) as old, override_settings(ROCKON_URL=old.url):
        yield


@pytest.fixture
def press(view: ModuleType, settings: None) -> Press:
    return lambda: press_update(view)


def press_update(view: ModuleType) -> str:
    from django.test import RequestFactory

    response = view.RockOnView.as_view()(RequestFactory().post("/"))
    detail: str = json.loads(response.content).get("detail", "")
    assert response.status_code == (500 if detail else 200)
    return detail


@contextmanager
def without_package(view: ModuleType) -> Iterator[None]:
    """Makes the view use its fallback."""
    patch = pytest.MonkeyPatch()
    patch.setattr(view, "rockon_sync", None)
    try:
        yield
    finally:
        patch.undo()


def publish(catalog: CatalogDir) -> None:
    rockon_sync.publish(catalog.path, allow_mass_delete=True)


def names() -> list[str]:
    from appliance.models import RockOn

    return sorted(RockOn.objects.values_list("name", flat=True))


def test_the_page_states_the_size_of_the_change_and_the_column() -> None:
    text = adoption.PAGE.read_text()
    stated = re.search(r"adds (\d+) lines and removes (\d+)", text)
    assert stated is not None
    assert tuple(map(int, stated.groups())) == (
        adoption.count_lines("+"),
        adoption.count_lines("-"),
    )
    models = (adoption.HERE / "appliance/models.py").read_text()
    assert [line for line in re.findall(r"catalog_revision = .*", text) if line in models]


def test_only_changed_definitions_are_written(
    catalog: CatalogDir, served: Server, press: Press
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    assert press() == ""
    assert names() == ["Alpha", "Beta", "Delta", "Gamma"]
    served.requests.clear()
    with CaptureQueriesContext(connection) as statements:
        assert press() == ""
    assert served.requests == ["/root.sha"]
    # Lock and unlock, the recorded revisions, and an empty transaction.
    assert len(statements) == 5
    put(catalog, "Gamma", image="gamma/new")
    publish(catalog)
    with CaptureQueriesContext(connection) as statements:
        assert press() == ""
    assert len(statements) < 40


def test_it_equals_the_old_way(catalog: CatalogDir, press: Press, view: ModuleType) -> None:
    from django.core.management import call_command
    from snapshot import appliance_snapshot

    assert press() == ""
    with_package = appliance_snapshot()
    call_command("flush", interactive=False, verbosity=0)
    with without_package(view):
        assert press() == ""
    assert appliance_snapshot() == with_package


def test_a_renamed_rock_on_keeps_its_row_while_it_is_installed(
    catalog: CatalogDir, press: Press
) -> None:
    from appliance.models import DVolume, RockOn, Share

    press()
    share = Share.objects.create(name="media")
    DVolume.objects.filter(container__rockon__name="Gamma").update(share=share)
    RockOn.objects.filter(name="Gamma").update(state="installed")
    before = RockOn.objects.get(name="Gamma").pk
    rename_in_file(catalog, "Gamma", "Gamma Ray")
    publish(catalog)
    assert press() == ""
    row = RockOn.objects.get(name="Gamma Ray")
    assert (row.pk, row.state) == (before, "installed")
    assert DVolume.objects.get(container__rockon=row).share == share
    assert names() == ["Alpha", "Beta", "Delta", "Gamma Ray"]
    assert press() == ""


def test_a_rename_that_fails_writes_no_second_row(catalog: CatalogDir, press: Press) -> None:
    from django.db import connection

    press()
    rename_in_file(catalog, "Gamma", "Gamma Ray")
    publish(catalog)
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE appliance_rockon ADD CONSTRAINT no_ray CHECK (name <> 'Gamma Ray')"
        )
    try:
        assert "Gamma: new row for relation" in press()
        assert names() == ["Alpha", "Beta", "Delta", "Gamma"]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE appliance_rockon DROP CONSTRAINT no_ray")
    assert press() == ""
    assert names() == ["Alpha", "Beta", "Delta", "Gamma Ray"]


def test_one_bad_definition_does_not_stop_the_others(catalog: CatalogDir, press: Press) -> None:
    from appliance.models import RockOn

    press()
    # Two rows of one name: MultipleObjectsReturned.
    row = RockOn.objects.get(name="Alpha")
    row.pk = None
    row.save()
    for name in ("Alpha", "Beta", "Gamma"):
        put(catalog, name, image=f"{name.lower()}/new")
    publish(catalog)
    RockOn.objects.filter(name="Beta").update(state="installed")
    put(catalog, "Beta", containers={"other": {"image": "x/y", "launch_order": 1}})
    publish(catalog)
    for _ in range(2):
        detail = press()
        assert "Alpha: get() returned more than one RockOn" in detail
        assert "Beta: beta is no longer published, but Beta is installed" in detail
        assert "Gamma" not in detail
    images = RockOn.objects.filter(name="Gamma").values_list("dcontainer__dimage__name", flat=True)
    assert list(images) == ["gamma/new"]


def test_the_owners_own_definitions_stay(catalog: CatalogDir, press: Press, tmp_path: Path) -> None:
    from django.conf import settings

    local = Path(settings.ROCKON_LOCAL)
    local.mkdir()
    definition = json.loads((catalog.path / "delta.json").read_text())["Delta"]
    definition["containers"] = {"mine": {"image": "me/mine", "launch_order": 1}}
    (local / "mine.json").write_text(json.dumps({"Mine": definition}))
    assert press() == ""
    assert "Mine" in names()
    put(catalog, "Gamma", image="gamma/new")
    publish(catalog)
    assert press() == ""
    assert "Mine" in names()
    (local / "mine.json").write_text("{")
    assert "mine.json" in press()
    assert "Mine" in names()
    (local / "mine.json").unlink()
    assert press() == ""
    assert "Mine" not in names()


def test_unpublished_rock_ons_are_deleted_unless_installed(
    catalog: CatalogDir, press: Press
) -> None:
    from appliance.models import RockOn

    press()
    RockOn.objects.filter(name="Beta").update(state="installed")
    catalog.remove("Beta")
    catalog.remove("Delta")
    publish(catalog)
    assert press() == ""
    assert names() == ["Alpha", "Beta", "Gamma"]


def test_a_source_that_fails_is_an_error_on_the_page(served: Server, press: Press) -> None:
    served.statuses["/root.sha"] = 403
    served.statuses["/root.json"] = 403
    assert press().startswith("The update failed: ")


def test_a_port_that_exists_keeps_its_number(catalog: CatalogDir, press: Press) -> None:
    from appliance.models import DPort

    press()
    before = dict(DPort.objects.values_list("container__name", "hostp"))
    assert before == {"alpha": 9000, "beta": 9001}
    for name in ("Alpha", "Beta"):
        put(catalog, name, image="shared/base", ports={
            "9000": {"label": "new", "description": "", "host_default": 9000}
        })  # fmt: skip
    publish(catalog)
    assert press() == ""
    assert dict(DPort.objects.values_list("container__name", "hostp")) == before


def test_an_image_that_others_use_stays(catalog: CatalogDir, press: Press) -> None:
    from appliance.models import DContainer, DImage

    press()
    put(catalog, "Alpha", image="alpha/own")
    put(catalog, "Delta", image="shared/base", tag="2")
    publish(catalog)
    assert press() == ""
    found = dict(DContainer.objects.values_list("name", "dimage__name"))
    assert (found["alpha"], found["beta"]) == ("alpha/own", "shared/base")
    assert DContainer.objects.get(name="beta").dimage.tag == "latest"
    put(catalog, "Beta", image="beta/own")
    publish(catalog)
    assert press() == ""
    assert not DImage.objects.filter(name="shared/base", tag="latest").exists()


def test_rows_that_were_lost_come_back_with_the_printed_repair(
    catalog: CatalogDir, press: Press
) -> None:
    from appliance.models import DVolume, RockOn, Share

    press()
    share = Share.objects.create(name="media")
    DVolume.objects.update(share=share)
    share.delete()
    assert press() == ""
    assert not DVolume.objects.exists()
    (repair,) = re.findall(r"^ *(RockOn\.objects\.update\(.*\))$", adoption.PAGE.read_text(), re.M)
    exec(repair, {"RockOn": RockOn})
    assert press() == ""
    assert DVolume.objects.get().dest_dir == "/data"


def test_a_row_written_by_the_fallback_is_written_again(
    catalog: CatalogDir, press: Press, view: ModuleType
) -> None:
    from appliance.models import DContainer

    def image() -> str:
        return DContainer.objects.get(name="gamma").dimage.name

    press()
    before = (catalog.path / "gamma.json").read_text()
    put(catalog, "Gamma", image="gamma/new")
    with without_package(view):
        assert press() == ""
    assert image() == "gamma/new"
    # The publisher takes the change back: the revision is the one that the package recorded.
    (catalog.path / "gamma.json").write_text(before)
    publish(catalog)
    assert press() == ""
    assert image() == "gamma/app"


def test_two_updates_do_not_run_at_the_same_time(press: Press) -> None:
    from threading import Thread

    from django.db import connection
    from rockon_sync.contrib.django import apply_lock

    found = []

    def press_and_close() -> None:
        found.append(press())
        connection.close()

    with apply_lock():
        thread = Thread(target=press_and_close)
        thread.start()
        thread.join()
    assert found == ["The update failed: another process is applying changes"]
    assert names() == []


def test_the_old_view_works_without_the_package(
    old_view: ModuleType, settings: None, catalog: CatalogDir
) -> None:
    assert press_update(old_view) == ""
    assert names() == ["Alpha", "Beta", "Delta", "Gamma"]
