"""The "Update" view on PostgreSQL: each test is a promise of the guide."""

from __future__ import annotations

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
from conftest import HERE, ports, put
from support import CatalogDir, Server

URL = "/api/rockons/update"


def press_update(status: int = 200) -> dict[str, Any]:
    """Returns the response of the view."""
    from django.test import Client

    response = Client().post(URL)
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
    assert answer["upserted"] == ["Alpha", "Beta", "Delta", "Gamma"]
    assert (answer["outcome"], answer["refused"]) == ("updated", {})
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
    assert len(statements) == 3
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
    assert answer["upserted"] == ["Alpha"]
    assert len(statements) < 50
    written = {model: rows - before[model] for model, rows in row_versions().items()}
    alpha = RockOn.objects.get(name="Alpha")
    assert {row for row, _ in written.pop("RockOn")} == {alpha.pk}
    new_port = alpha.container_set.get().port_set.get(container_port=9443)
    assert {row for row, _ in written.pop("Port")} == {new_port.pk}
    assert not any(written.values())


def test_a_refused_definition_is_reported_and_retried(catalog: CatalogDir, served: Server) -> None:
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
    for upserted in (["Gamma", "Zeta"], []):
        answer = press_update()
        assert answer["upserted"] == upserted
        assert list(answer["refused"]) == ["Alpha", "Beta"]
        assert "installed" in answer["refused"]["Alpha"]
    after = dict(RockOn.objects.values_list("name", "catalog_revision"))
    unchanged = sorted(name for name in before if after[name] == before[name])
    assert unchanged == ["Alpha", "Beta", "Delta"]
    # After the owner has uninstalled it, the next update applies it.
    RockOn.objects.filter(name="Alpha").update(state=RockOn.AVAILABLE)
    answer = press_update()
    assert (answer["upserted"], list(answer["refused"])) == (["Alpha"], ["Beta"])


def test_a_malformed_definition_does_not_affect_others(catalog: CatalogDir, served: Server) -> None:
    press_update()
    (catalog.path / "root.json").write_text(
        '{"bad": "bad.json", "long": "long.json", "alpha": "alpha.json"}'
    )
    (catalog.path / "bad.json").write_text('{"Bad": {"description": "no containers"}}')
    (catalog.path / "long.json").write_text(
        '{"Long": {"description": "", "version": "' + "9" * 3000 + '", "containers": {}}}'
    )
    # Definitions that a publisher refuses can still come from a local directory.
    import shutil

    from django.conf import settings

    local = Path(settings.ROCKON_STORE) / "local"
    local.mkdir()
    for file in ("bad.json", "long.json"):
        shutil.copy(catalog.path / file, local)
    answer = press_update()
    assert sorted(answer["refused"]) == ["Bad", "Long"]
    assert "malformed" in answer["refused"]["Bad"]
    assert names() == ["Alpha", "Beta", "Delta", "Gamma"]


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
        assert (answer["deleted"], list(answer["refused"])) == (deleted, ["Beta"])
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
    assert (answer["deleted"], answer["upserted"]) == ([], ["Gamma"])
    assert "Docker" in answer["refused"]["Delta"]
    assert "Delta" in names()
    monkeypatch.setattr(docker, "is_running", lambda: True)
    assert press_update()["deleted"] == ["Delta"]


def test_a_renamed_rock_on_takes_over_its_containers(catalog: CatalogDir, served: Server) -> None:
    press_update()
    catalog.remove("Delta")
    put(catalog, "Delta NG", containers={"delta": {"image": "delta/app", "launch_order": 1}})
    publish(catalog)
    answer = press_update()
    assert (answer["deleted"], answer["upserted"]) == (["Delta"], ["Delta NG"])
    assert answer["refused"] == {}


def test_a_container_of_another_rock_on_is_never_replaced(
    catalog: CatalogDir, served: Server
) -> None:
    from rockons.models import Container

    press_update()
    install("Delta")
    catalog.remove("Delta")
    put(catalog, "Delta NG", containers={"delta": {"image": "delta/app", "launch_order": 1}})
    publish(catalog)
    assert list(press_update()["refused"]) == ["Delta", "Delta NG"]
    assert Container.objects.get(name="delta").rockon.name == "Delta"


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
    from rockons.models import Environment, Volume

    press_update()
    install("Gamma")
    Volume.objects.update(share="my-share")
    Environment.objects.update(value="America/Montevideo")
    volumes = {"/data": {"label": "Everything", "description": "All of it"}}
    environment = {"TZ": {"label": "Zone", "description": "Where you are", "index": 2}}
    put(catalog, "Gamma", image="gamma/app", volumes=volumes, environment=environment)
    publish(catalog)
    press_update()
    assert list(Volume.objects.values_list("label", "share")) == [("Everything", "my-share")]
    found = Environment.objects.values_list("label", "index", "value")
    assert list(found) == [("Zone", 2, "America/Montevideo")]


def test_rows_deleted_by_hand_are_restored(served: Server) -> None:
    from rockons.models import RockOn
    from snapshot import snapshot

    press_update()
    before = snapshot()
    RockOn.objects.get(name="Gamma").delete()
    answer = press_update()
    assert (answer["requests"], answer["upserted"]) == (1, ["Gamma"])
    assert snapshot() == before


def test_rows_from_before_the_column_are_compared_once(served: Server) -> None:
    from rockons.models import RockOn
    from snapshot import row_versions

    press_update()
    RockOn.objects.update(catalog_revision=None)
    before = row_versions()
    assert press_update()["upserted"] == ["Alpha", "Beta", "Delta", "Gamma"]
    written = [model for model, rows in row_versions().items() if rows != before[model]]
    assert written == ["RockOn"]
    assert press_update()["upserted"] == []


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
    assert answer["upserted"] == ["Gamma", "Zeta"]
    assert snapshot() == now


KILLED = """
import os, signal, sys
import django
django.setup()
from rockons import docker, refresh
docker.is_running = lambda: True
apply, seen = refresh.apply_definition, []
def killed(definition):
    if len(seen) == int(sys.argv[1]):
        os.kill(os.getpid(), signal.SIGKILL)
    seen.append(definition.name)
    apply(definition)
refresh.apply_definition = killed
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
    assert answer["upserted"] == ["Alpha", "Beta", "Delta", "Gamma"][applied:]


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
    assert first["upserted"] == ["Alpha", "Beta", "Delta", "Gamma"]


def test_changes_are_applied_by_one_process_at_a_time(served: Server) -> None:
    from django.db import connections
    from rockons.refresh import one_at_a_time

    entered, leave = threading.Event(), threading.Event()

    def apply_slowly() -> None:
        with one_at_a_time():
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
    assert len(press_update()["upserted"]) == 4


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
        assert len(press_update()["upserted"]) == 4
        served.requests.clear()
        assert press_update()["outcome"] == "unchanged"
    assert sorted(served.requests)[-1] == "/root.sha"
    assert len(served.requests) == 6
