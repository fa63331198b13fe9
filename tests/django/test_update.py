"""The "Update" view on PostgreSQL: each test is a promise of the guide."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import database
import pytest
import rockon_sync
from conftest import HERE, ports, put, rename_in_file
from support import CatalogDir, Server

URL = "/api/rockons/update"
REPAIR = "/api/rockons/repair"


def press_update(status: int = 200, url: str = URL) -> dict[str, Any]:
    """Returns the response of the view."""
    from django.test import Client

    response = Client().post(url)
    assert response.status_code == status, response.content
    answer: dict[str, Any] = response.json()
    return answer


def publish(catalog: CatalogDir) -> None:
    """Publishes the current catalog directory."""
    rockon_sync.publish(catalog.path, allow_mass_delete=True)


def install(name: str) -> None:
    """Installs a rock-on, as its owner would."""
    from rockons.models import RockOn

    assert RockOn.objects.filter(name=name).update(state=RockOn.INSTALLED) == 1


def names() -> list[str]:
    """Returns the rock-ons in the database."""
    from rockons.models import RockOn

    return sorted(RockOn.objects.values_list("name", flat=True))


def test_the_first_update_writes_everything(served: Server) -> None:
    from rockons.models import Port, RockOn

    answer = press_update()
    assert answer["written"] == ["Alpha", "Beta", "Delta", "Gamma"]
    assert (answer["outcome"], answer["errors"], answer["kept"]) == ("updated", {}, {})
    assert names() == ["Alpha", "Beta", "Delta", "Gamma"]
    assert not RockOn.objects.filter(catalog_revision=None).exists()
    # If two request the same port, the first gets it, the second the next free one.
    got = Port.objects.order_by("container__name").values_list("container__name", "host_port")
    assert list(got) == [("alpha", 9000), ("beta", 9001)]


def test_ports_are_assigned_in_the_order_of_the_text(catalog: CatalogDir, served: Server) -> None:
    from rockons.models import Port

    wanted = ports(9, 80, 443)
    for port in wanted.values():
        port["host_default"] = 7000
    put(catalog, "Alpha", ports={key: wanted[key] for key in ("443", "9", "80")})
    publish(catalog)
    press_update()
    got = Port.objects.filter(container__name="alpha").order_by("host_port")
    assert list(got.values_list("container_port", flat=True)) == [443, 9, 80]


def test_an_unchanged_catalog_costs_one_request_and_writes_no_row(served: Server) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    from snapshot import row_versions

    press_update()
    before = row_versions()
    served.requests.clear()
    with CaptureQueriesContext(connection) as statements:
        answer = press_update()
    assert (answer["outcome"], answer["requests"]) == ("unchanged", 1)
    assert served.requests == ["/root.sha"]
    # Lock and unlock, the recorded revisions, and the refused ones.
    assert len(statements) == 4
    assert row_versions() == before


def test_a_changed_definition_writes_only_its_rows(catalog: CatalogDir, served: Server) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    from rockons.models import RockOn
    from snapshot import row_versions

    press_update()
    before = row_versions()
    put(catalog, "Alpha", image="shared/base", ports=ports(9000, 9443))
    publish(catalog)
    with CaptureQueriesContext(connection) as statements:
        answer = press_update()
    assert answer["written"] == ["Alpha"]
    assert len(statements) < 50
    written = {model: rows - before[model] for model, rows in row_versions().items()}
    alpha = RockOn.objects.get(name="Alpha")
    assert {row for row, _ in written.pop("RockOn")} == {alpha.pk}
    new_port = alpha.container_set.get().port_set.get(container_port=9443)
    assert {row for row, _ in written.pop("Port")} == {new_port.pk}
    assert not any(written.values())


def test_a_definition_that_is_in_use_is_an_error_on_the_page_until_it_is_uninstalled(
    catalog: CatalogDir, served: Server
) -> None:
    from rockons.models import RockOn

    press_update()
    install("Alpha")
    install("Beta")
    before = dict(RockOn.objects.values_list("name", "catalog_revision"))
    for name in ("Alpha", "Beta"):
        put(catalog, name, containers={f"{name.lower()}-2": {"image": "x/y", "launch_order": 1}})
    put(catalog, "Gamma", image="gamma/new")
    put(catalog, "Zeta")
    publish(catalog)
    for written in (["Gamma", "Zeta"], []):
        answer = press_update(status=500)
        assert answer["written"] == written
        assert list(answer["errors"]) == ["Alpha", "Beta"]
        assert "Alpha: InUseError: installed with the containers ['alpha']" in answer["detail"]
    after = dict(RockOn.objects.values_list("name", "catalog_revision"))
    unchanged = sorted(name for name in before if after[name] == before[name])
    assert unchanged == ["Alpha", "Beta", "Delta"]
    RockOn.objects.filter(name="Alpha").update(state=RockOn.AVAILABLE)
    answer = press_update(status=500)
    assert (answer["written"], list(answer["errors"])) == (["Alpha"], ["Beta"])


@pytest.mark.parametrize("error", ["DoesNotExist", "MultipleObjectsReturned", "IntegrityError"])
def test_any_exception_affects_one_definition_and_is_not_tried_again(
    catalog: CatalogDir, served: Server, monkeypatch: pytest.MonkeyPatch, error: str
) -> None:
    from django.db import IntegrityError, connection
    from django.test.utils import CaptureQueriesContext
    from rockons import apply, refresh
    from rockons.models import Refusal, RockOn

    press_update()
    for name in ("Alpha", "Beta", "Gamma"):
        put(catalog, name, image=f"{name.lower()}/new")
    publish(catalog)
    write = apply.write_rockon
    failure = IntegrityError if error == "IntegrityError" else getattr(RockOn, error)

    def fail(definition: rockon_sync.Definition) -> None:
        write(definition)
        if definition.name == "Alpha":
            raise failure("bad")

    monkeypatch.setattr(refresh, "write_rockon", fail)
    answer = press_update(status=500)
    assert answer["written"] == ["Beta", "Gamma"]
    assert answer["errors"] == {"Alpha": f"{error}: bad"}
    assert RockOn.objects.get(name="Alpha").container_set.get().image.name == "shared/base"
    # The refused revision is still an error on the page, at the cost of one statement.
    monkeypatch.setattr(refresh, "write_rockon", lambda _: pytest.fail("tried again"))
    with CaptureQueriesContext(connection) as statements:
        answer = press_update(status=500)
    assert (answer["errors"], len(statements)) == ({"Alpha": f"{error}: bad"}, 5)
    # Another revision is tried, and then nothing is recorded any more.
    monkeypatch.setattr(refresh, "write_rockon", write)
    put(catalog, "Alpha", image="alpha/newer")
    publish(catalog)
    assert press_update()["written"] == ["Alpha"]
    assert not Refusal.objects.exists()


def test_a_repair_tries_refused_definitions_again(
    catalog: CatalogDir, served: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rockons import refresh

    def fail(definition: rockon_sync.Definition) -> None:
        raise ValueError("bad")

    with monkeypatch.context() as patch:
        patch.setattr(refresh, "write_rockon", fail)
        assert len(press_update(status=500)["errors"]) == 4
    assert press_update(status=500)["written"] == []
    assert len(press_update(url=REPAIR)["written"]) == 4


def test_a_malformed_definition_does_not_affect_others(catalog: CatalogDir, served: Server) -> None:
    press_update()
    # Definitions that a publisher refuses can still come from a local directory.
    put_local("bad.json", '{"Bad": {"description": "no containers"}}')
    version = "9" * 3000
    put_local("long.json", json.dumps({"Long": {"description": "", "version": version}}))
    answer = press_update(status=500)
    assert answer["errors"] == {
        "Bad": "KeyError: 'version'",
        "Long": "DataError: value too long for type character varying(2048)",
    }
    assert names() == ["Alpha", "Beta", "Delta", "Gamma"]


def put_local(file: str, text: str) -> None:
    """Writes a file to the directory of the owner's own definitions."""
    local = Path(settings().ROCKON_LOCAL)
    local.mkdir(exist_ok=True)
    (local / file).write_text(text)


def settings() -> Any:
    from django.conf import settings

    return settings


def test_the_owners_own_definitions_are_written_and_stay(
    catalog: CatalogDir, served: Server
) -> None:
    content = json.loads((catalog.path / "delta.json").read_text())["Delta"]
    content["containers"] = {"mine": {"image": "me/mine", "launch_order": 1}}
    put_local("mine.json", json.dumps({"Mine": content}))
    assert "Mine" in press_update()["written"]
    catalog.remove("Delta")
    publish(catalog)
    assert press_update()["deleted"] == ["Delta"]
    # A file that cannot be read is an error, and no delete.
    put_local("mine.json", "{")
    answer = press_update(status=500)
    assert "not JSON" in answer["detail"]
    assert answer["kept"] == {"Mine": "withheld: the catalog is incomplete"}
    assert names() == ["Alpha", "Beta", "Gamma", "Mine"]


def test_an_unpublished_rock_on_is_deleted_unless_it_is_installed(
    catalog: CatalogDir, served: Server
) -> None:
    press_update()
    install("Beta")
    catalog.remove("Beta")
    catalog.remove("Delta")
    publish(catalog)
    for deleted in (["Delta"], []):
        answer = press_update()
        assert answer["deleted"] == deleted
        assert answer["kept"] == {"Beta": "no longer published, but installed"}
    assert names() == ["Alpha", "Beta", "Gamma"]


def test_without_docker_nothing_is_deleted(
    catalog: CatalogDir, served: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rockons import docker

    press_update()
    catalog.remove("Delta")
    put(catalog, "Gamma", image="gamma/new")
    publish(catalog)
    monkeypatch.setattr(docker, "is_running", lambda: False)
    answer = press_update()
    assert (answer["deleted"], answer["written"]) == ([], ["Gamma"])
    assert "Docker" in answer["kept"]["Delta"]
    assert "Delta" in names()
    monkeypatch.setattr(docker, "is_running", lambda: True)
    assert press_update()["deleted"] == ["Delta"]


def test_a_renamed_rock_on_keeps_its_row_and_choices_while_it_is_installed(
    catalog: CatalogDir, served: Server
) -> None:
    from rockons.models import RockOn, Share, Volume

    press_update()
    install("Gamma")
    share = Share.objects.create(name="media")
    Volume.objects.update(share=share)
    before = RockOn.objects.get(name="Gamma").pk
    rename_in_file(catalog, "Gamma", "Gamma Ray")
    publish(catalog)
    answer = press_update()
    assert answer["renamed"] == {"Gamma": "Gamma Ray"}
    assert (answer["written"], answer["deleted"]) == (["Gamma Ray"], [])
    row = RockOn.objects.get(name="Gamma Ray")
    assert (row.pk, row.state) == (before, RockOn.INSTALLED)
    assert Volume.objects.get().share == share
    assert press_update()["written"] == []


def test_containers_of_a_deleted_rock_on_are_free(catalog: CatalogDir, served: Server) -> None:
    press_update()
    catalog.remove("Delta")
    put(catalog, "Omega", containers={"delta": {"image": "omega/app", "launch_order": 1}})
    publish(catalog)
    answer = press_update()
    assert (answer["deleted"], answer["written"]) == (["Delta"], ["Omega"])


def test_a_container_of_another_rock_on_is_never_replaced(
    catalog: CatalogDir, served: Server
) -> None:
    from rockons.models import Container, RockOn

    press_update()
    install("Delta")
    catalog.remove("Delta")
    put(catalog, "Omega", containers={"delta": {"image": "omega/app", "launch_order": 1}})
    publish(catalog)
    for _ in range(2):
        answer = press_update(status=500)
        assert answer["kept"] == {"Delta": "no longer published, but installed"}
        assert answer["errors"] == {"Omega": "ValueError: the container 'delta' belongs to 'Delta'"}
        assert Container.objects.get(name="delta").rockon.name == "Delta"
    # Once Delta is gone, its container is free, although Omega was refused before.
    RockOn.objects.update(state=RockOn.AVAILABLE)
    answer = press_update()
    assert (answer["deleted"], answer["written"]) == (["Delta"], ["Omega"])


def test_a_port_that_exists_keeps_its_number(catalog: CatalogDir, served: Server) -> None:
    from rockons.models import Port

    press_update()
    # Numbers that an older rule has assigned.
    Port.objects.filter(container__name="alpha").update(host_port=9100)
    put(catalog, "Alpha", image="shared/base", ports=ports(9000, 9443))
    put(catalog, "Beta", image="shared/base", ports={"9000": ports(8000)["8000"]})
    publish(catalog)
    press_update()
    found = Port.objects.order_by("host_port").values_list("container__name", "host_port")
    assert list(found) == [("beta", 9001), ("alpha", 9100), ("alpha", 9443)]


def test_rows_that_were_lost_come_back_with_a_repair(served: Server) -> None:
    from rockons.models import Link, Port, Share, Volume
    from snapshot import snapshot

    press_update()
    before = snapshot()
    share = Share.objects.create(name="media")
    Volume.objects.update(share=share)
    # A deleted share leaves its volumes.
    share.delete()
    assert snapshot() == before
    for model in (Port, Volume, Link):
        model.objects.all().delete()
    assert press_update()["written"] == []
    assert len(press_update(url=REPAIR)["written"]) == 4
    assert snapshot() == before


def test_changing_a_shared_image_keeps_the_containers_of_others(
    catalog: CatalogDir, served: Server
) -> None:
    from rockons.models import Container, Image

    press_update()
    assert Image.objects.get(name="shared/base").container_set.count() == 2
    put(catalog, "Alpha", image="alpha/own", ports=ports(9000))
    publish(catalog)
    press_update()
    assert Container.objects.get(name="beta").image.name == "shared/base"
    # The last container to leave deletes the image, and nothing else.
    put(catalog, "Beta", image="beta/own", ports=ports(9000))
    publish(catalog)
    press_update()
    assert not Image.objects.filter(name="shared/base").exists()
    assert Container.objects.count() == 4


def test_links_follow_the_definition(catalog: CatalogDir, served: Server) -> None:
    from rockons.models import Link

    containers = {
        "web": {"image": "w/w", "launch_order": 2},
        "db": {"image": "d/d", "launch_order": 1},
    }
    link = {"web": [{"name": "database", "source_container": "db"}]}
    catalog.put("Linked", containers=containers, container_links=link)
    publish(catalog)
    press_update()
    found = Link.objects.values_list("destination__name", "source__name", "name")
    assert list(found) == [("web", "db", "database")]
    catalog.put("Linked", containers=containers)
    publish(catalog)
    press_update()
    assert not Link.objects.exists()


def test_the_owners_choices_are_kept(catalog: CatalogDir, served: Server) -> None:
    from rockons.models import Environment, Share, Volume

    press_update()
    install("Gamma")
    Volume.objects.update(share=Share.objects.create(name="my-share"))
    Environment.objects.update(value="America/Montevideo")
    volumes = {"/data": {"label": "Everything", "description": "All of it"}}
    environment = {"TZ": {"label": "Zone", "description": "Where you are", "index": 2}}
    put(catalog, "Gamma", image="gamma/app", volumes=volumes, environment=environment)
    publish(catalog)
    press_update()
    assert list(Volume.objects.values_list("label", "share__name")) == [("Everything", "my-share")]
    found = Environment.objects.values_list("label", "index", "value")
    assert list(found) == [("Zone", 2, "America/Montevideo")]


def test_rows_deleted_by_hand_are_restored(served: Server) -> None:
    from rockons.models import RockOn
    from snapshot import snapshot

    press_update()
    before = snapshot()
    RockOn.objects.get(name="Gamma").delete()
    answer = press_update()
    assert (answer["requests"], answer["written"]) == (1, ["Gamma"])
    assert snapshot() == before


def test_rows_from_before_the_column_are_compared_once(served: Server) -> None:
    from rockons.models import RockOn
    from snapshot import row_versions

    press_update()
    RockOn.objects.update(catalog_revision=None)
    before = row_versions()
    assert press_update()["written"] == ["Alpha", "Beta", "Delta", "Gamma"]
    written = [model for model, rows in row_versions().items() if rows != before[model]]
    assert written == ["RockOn"]
    assert press_update()["written"] == []


def test_a_database_restored_from_a_dump_is_up_to_date_after_one_update(
    catalog: CatalogDir, served: Server, socket_dir: Path
) -> None:
    from django.db import connection
    from snapshot import snapshot

    press_update()
    at = ("-h", socket_dir, "-U", "postgres")
    dump = database.run("pg_dump", *at, "-Fc", "rockons")
    put(catalog, "Gamma", image="gamma/new")
    catalog.remove("Delta")
    put(catalog, "Zeta")
    publish(catalog)
    press_update()
    now = snapshot()
    connection.close()
    database.run("pg_restore", *at, "--clean", "--if-exists", "-d", "rockons", stdin=dump)
    assert names() == ["Alpha", "Beta", "Delta", "Gamma"]
    answer = press_update()
    assert (answer["outcome"], answer["deleted"]) == ("unchanged", ["Delta"])
    assert answer["written"] == ["Gamma", "Zeta"]
    assert snapshot() == now


KILLED = """
import os, signal, sys
import django
django.setup()
from rockons import docker, refresh
docker.is_running = lambda: True
write, seen = refresh.write_rockon, []
def killed(definition):
    if len(seen) == int(sys.argv[1]):
        os.kill(os.getpid(), signal.SIGKILL)
    seen.append(definition.name)
    write(definition)
refresh.write_rockon = killed
refresh.refresh()
"""


@pytest.mark.parametrize("applied", [0, 1, 3])
def test_an_update_completes_after_a_killed_one(served: Server, applied: int) -> None:
    from django.conf import settings

    environment = os.environ | {
        "ROCKON_STORE": str(settings.ROCKON_STORE),
        "ROCKON_SOURCE": settings.ROCKON_SOURCE,
        "PYTHONPATH": str(HERE),
    }
    command = [sys.executable, "-c", KILLED, str(applied)]
    assert subprocess.run(command, env=environment, timeout=60, check=False).returncode == (
        -signal.SIGKILL
    )
    assert names() == ["Alpha", "Beta", "Delta", "Gamma"][:applied]
    answer = press_update()
    assert answer["requests"] == 1
    assert answer["written"] == ["Alpha", "Beta", "Delta", "Gamma"][applied:]


def test_a_concurrent_update_is_refused(served: Server) -> None:
    from django.db import connection

    served.stalls.add("/root.sha")
    first: dict[str, Any] = {}

    def press() -> None:
        first.update(press_update())
        connection.close()

    thread = threading.Thread(target=press)
    thread.start()
    assert served.stalled.wait(10)
    assert press_update(status=409) == {"detail": "an update is running"}
    served.stalls.clear()
    served.release.set()
    thread.join()
    assert first["written"] == ["Alpha", "Beta", "Delta", "Gamma"]


def test_changes_are_applied_by_one_process_at_a_time(served: Server) -> None:
    from django.db import connections
    from rockon_sync.contrib.django import apply_lock

    entered, leave = threading.Event(), threading.Event()

    def apply_slowly() -> None:
        with apply_lock():
            entered.set()
            leave.wait(10)
        connections.close_all()

    thread = threading.Thread(target=apply_slowly)
    thread.start()
    assert entered.wait(10)
    press_update(status=409)
    assert names() == []
    leave.set()
    thread.join()
    assert len(press_update()["written"]) == 4


def test_a_failing_source_changes_nothing(served: Server) -> None:
    from snapshot import row_versions

    press_update()
    before = row_versions()
    served.bodies["/root.sha"] = b"<html>an error page</html>"
    answer = press_update(status=502)
    assert answer["kind"] == "head"
    assert row_versions() == before


def test_a_v1_tree_works_too(catalog: CatalogDir, served: Server, tmp_path: Path) -> None:
    from django.test import override_settings

    served.path = catalog.path
    with override_settings(ROCKON_STORE=tmp_path / "v1"):
        assert len(press_update()["written"]) == 4
        served.requests.clear()
        assert press_update()["outcome"] == "unchanged"
    assert sorted(served.requests)[-2:] == ["/root.sha", "/root.v2.sha"]
    assert len(served.requests) == 7
