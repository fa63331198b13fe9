"""Fixtures of the tests: a database, an application, a catalog and its server."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "python")]

import database  # noqa: E402
from support import CatalogDir, Server, serve  # noqa: E402


@pytest.fixture(scope="session")
def socket_dir() -> Iterator[Path]:
    """A running database server with the example's tables. Yields the directory of its socket."""
    with database.server() as socket_path:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "example.settings",
            "PGHOST": str(socket_path),
            "PGUSER": "postgres",
            "PGDATABASE": "rockons",
        }
        database.run("createdb", "-h", socket_path, "-U", "postgres", "rockons")
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", run_syncdb=True, verbosity=0)
        yield socket_path
        from django.db import connections

        connections.close_all()


@pytest.fixture(autouse=True)
def tables(socket_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty tables, and a running Docker service."""
    from django.core.management import call_command
    from rockons import docker

    call_command("flush", interactive=False, verbosity=0)
    monkeypatch.setattr(docker, "is_running", lambda: True)


@pytest.fixture
def catalog(tmp_path: Path) -> CatalogDir:
    """A catalog of four rock-ons. The first two share an image, and request the same port."""
    catalog = CatalogDir(tmp_path / "catalog")
    for name, container in (
        ("Alpha", {"image": "shared/base", "ports": ports(9000)}),
        ("Beta", {"image": "shared/base", "ports": ports(9000)}),
        ("Gamma", {"image": "gamma/app", "volumes": VOLUMES, "environment": ENVIRONMENT}),
        ("Delta", {"image": "delta/app"}),
    ):
        put(catalog, name, **container)
    return catalog


VOLUMES = {"/data": {"label": "Data", "description": "All of it", "min_size": 1073741824}}
ENVIRONMENT = {"TZ": {"label": "Time zone", "description": "Where you are", "index": 1}}


def ports(*numbers: int) -> dict[str, dict[str, Any]]:
    """Returns ports that request the same host ports."""
    return {
        str(number): {
            "label": f"Port {number}",
            "description": "A port",
            "host_default": number,
            "protocol": "tcp",
        }
        for number in numbers
    }


def put(
    catalog: CatalogDir, name: str, containers: dict[str, object] | None = None, **spec: object
) -> None:
    """Adds or replaces a rock-on, by default with one container of the same name."""
    if containers is None:
        containers = {name.lower(): {"image": f"{name.lower()}/app", "launch_order": 1} | spec}
    catalog.put(name, containers=containers)


def rename_in_file(catalog: CatalogDir, old: str, new: str) -> None:
    """Renames a rock-on in its file."""
    file = catalog.path / f"{old.lower()}.json"
    (content,) = json.loads(file.read_text()).values()
    file.write_text(json.dumps({new: content}))


@pytest.fixture
def served(catalog: CatalogDir, tmp_path: Path) -> Iterator[Server]:
    """Serves the published catalog. `publish()` publishes it again."""
    import rockon_sync
    from django.test import override_settings

    rockon_sync.publish(catalog.path)
    store = tmp_path / "store"
    with (
        serve(catalog.path / "v2") as server,
        override_settings(
            ROCKON_STORE=store, ROCKON_SOURCE=server.url, ROCKON_LOCAL=tmp_path / "local"
        ),
    ):
        yield server
