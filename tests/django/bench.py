"""What an update costs: a refresh by brute force, and this, side by side.

Prints statements, rows written, requests and wall time on PostgreSQL, without latency and
with 50 ms for each request, on the last state of the real catalog (see
ROCKON_REGISTRY_HISTORY) or, where that is missing, on the sample catalog.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tarfile
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent / "python")]

import database  # noqa: E402
import rockon_sync  # noqa: E402
from support import serve  # noqa: E402

LATENCIES_S = (0.0, 0.05)


def real_catalog(folder: Path) -> str:
    """Puts a catalog into the folder; returns what it is."""
    named = os.environ.get("ROCKON_REGISTRY_HISTORY", ROOT.parent / "shared/registry")
    archive = Path(named) / "registry-2015-2023.tar.xz"
    if not archive.is_file():
        shutil.copytree(ROOT / "demo/catalog", folder)
        return "the sample catalog"
    with tempfile.TemporaryDirectory() as unpacked:
        with tarfile.open(archive) as history:
            history.extractall(unpacked, filter="data")
        last = max(path for path in Path(unpacked).iterdir() if path.is_dir())
        shutil.copytree(last, folder)
    return "the last state of the real catalog"


def brute_force(url: str) -> None:
    """Asks for every file, one after the other, and writes every row."""
    from django.db import transaction
    from rockons.models import Container, Environment, Image, Link, Port, RockOn, Volume

    def get(name: str) -> Any:
        with urllib.request.urlopen(url + name, timeout=30) as response:
            return json.load(response)

    definitions: dict[str, Any] = {}
    for file in get("root.json").values():
        definitions.update(get(file))
    for name, published in definitions.items():
        with transaction.atomic():
            fields = {key: published.get(key) for key in ("website", "icon", "more_info", "ui")}
            fields |= {key: published[key] for key in ("description", "version")}
            rockon, _ = RockOn.objects.update_or_create(name=name, defaults=fields)
            containers = {}
            for container_name, spec in published["containers"].items():
                image, _ = Image.objects.update_or_create(
                    name=spec["image"], tag=spec.get("tag", "latest")
                )
                container, _ = Container.objects.update_or_create(
                    name=container_name,
                    defaults={
                        "rockon": rockon,
                        "image": image,
                        "launch_order": spec["launch_order"],
                    },
                )
                containers[container_name] = container
                for key, port in spec.get("ports", {}).items():
                    taken = set(
                        Port.objects.exclude(container=container, container_port=key).values_list(
                            "host_port", flat=True
                        )
                    )
                    free = port["host_default"]
                    while free in taken:
                        free += 1
                    Port.objects.update_or_create(
                        container=container,
                        container_port=int(key),
                        defaults=texts(port)
                        | {"host_default": port["host_default"], "host_port": free},
                    )
                for path, volume in spec.get("volumes", {}).items():
                    Volume.objects.update_or_create(
                        container=container, path=path, defaults=texts(volume)
                    )
                for key, variable in spec.get("environment", {}).items():
                    Environment.objects.update_or_create(
                        container=container, key=key, defaults=texts(variable)
                    )
            for destination, links in (published.get("container_links") or {}).items():
                for link in links:
                    Link.objects.update_or_create(
                        destination=containers[destination],
                        name=link["name"],
                        defaults={"source": containers[link["source_container"]]},
                    )


def texts(published: dict[str, Any]) -> dict[str, Any]:
    """The texts that ports, volumes and variables have in common."""
    return {key: published[key] for key in ("label", "description")}


def change(folder: Path, files: int) -> None:
    """Changes the description in so many files, as an editor would: one line each."""
    names = sorted(set(json.loads((folder / "root.json").read_text()).values()))
    for name in names[:files]:
        content = json.loads((folder / name).read_text())
        for published in content.values():
            published["description"] += " Changed."
        (folder / name).write_text(json.dumps(content, indent=4))


def measure(call: Callable[[], object]) -> tuple[int, int, float]:
    """Statements, rows written, seconds."""
    from django.db import connection, reset_queries
    from django.test.utils import CaptureQueriesContext
    from snapshot import row_versions

    before = row_versions()
    # Django keeps the last 9,000 only.
    reset_queries()
    started = time.perf_counter()
    with CaptureQueriesContext(connection) as statements:
        call()
    seconds = time.perf_counter() - started
    after = row_versions()
    return len(statements), sum(len(after[model] - before[model]) for model in after), seconds


def compare(folder: Path, latency_s: float) -> None:
    """Measures one latency, both ways, and prints a row for each step."""
    from django.core.management import call_command
    from django.test import override_settings
    from rockons.refresh import refresh

    def delay(_path: str) -> None:
        if latency_s:
            time.sleep(latency_s)

    ways = ("brute force", "rockon-sync, v1 tree", "rockon-sync, v2 tree")
    for way in ways:
        call_command("flush", interactive=False, verbosity=0)
        catalog, store = folder / f"catalog-{latency_s}-{way}", folder / f"store-{latency_s}-{way}"
        shutil.copytree(folder / "catalog", catalog)
        rockon_sync.publish(catalog, lenient=True)
        with serve(catalog / "v2" if "v2" in way else catalog) as server:
            server.on_request = delay
            for step, files in (("first", 0), ("nothing changed", 0), ("1 changed", 1)):
                change(catalog, files)
                rockon_sync.publish(catalog, lenient=True)
                server.requests.clear()
                with override_settings(ROCKON_STORE=store, ROCKON_SOURCE=server.url):
                    call = (lambda: brute_force(server.url)) if way == ways[0] else refresh
                    statements, rows, seconds = measure(call)
                print(
                    f"{latency_s * 1000:>5.0f} ms  {step:<16} {way:<22} "
                    f"{len(server.requests):>4} requests {statements:>6} statements "
                    f"{rows:>5} rows written {seconds:>7.3f} s",
                    flush=True,
                )


def main() -> None:
    """Starts a database server and measures."""
    with database.server() as socket_folder, tempfile.TemporaryDirectory() as temporary:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "example.settings",
            "PGHOST": str(socket_folder),
            "PGUSER": "postgres",
            "PGDATABASE": "rockons",
        }
        database.run("createdb", "-h", socket_folder, "-U", "postgres", "rockons")
        import django
        from django.core.management import call_command
        from django.db import connection
        from rockons import docker

        django.setup()
        docker.is_running = lambda: True
        call_command("migrate", verbosity=0)
        print(real_catalog(Path(temporary) / "catalog"))
        for latency_s in LATENCIES_S:
            compare(Path(temporary), latency_s)
        connection.close()


if __name__ == "__main__":
    main()
