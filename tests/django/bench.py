"""Measures an update that refreshes by brute force, and this one.

Counts statements, rows written and requests, and measures wall time on PostgreSQL, without latency
and with round trips of 50 ms to the web server. The data is the last state of the real catalog (see
ROCKON_REGISTRY_HISTORY) or, if that is missing, the sample catalog. `--json FILE` writes the
figures instead of printing them. `make bench` includes this.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "bench")]

import catalog  # noqa: E402
import database  # noqa: E402
import requests  # noqa: E402
import rockon_sync  # noqa: E402
import webserver  # noqa: E402
from catalog import Catalog  # noqa: E402
from processes import end_on_signals  # noqa: E402
from relay import relay  # noqa: E402

ROUND_TRIPS_S = (0.0, 0.05)

RUNS = 3

BRUTE_FORCE = "brute force"
WAYS = {BRUTE_FORCE: "", "rockon-sync, v1 tree": "", "rockon-sync, v2 tree": "v2/"}
"""Maps each way to the directory that it updates from."""

PUBLISHED = 1_700_000_000
"""The time of the first files. Each step is a day later, since web servers make ETags from times.
"""


@dataclass
class Row:
    """One step of one way: the run with the median time."""

    way: str
    step: str
    round_trip_s: float
    requests: int
    statements: int
    rows: int
    seconds: float


def last_state() -> Catalog:
    """Returns the last state of the real catalog, or the sample catalog."""
    with catalog.history() as states:
        return catalog.read(states[-1], catalog.REAL) if states else catalog.sample()


def brute_force(url: str) -> None:
    """Fetches every file, one after the other, and writes every row."""
    from django.db import transaction
    from rockons.models import Container, Environment, Image, Link, Port, RockOn, Volume

    session = requests.Session()
    session.trust_env = False

    def get(name: str) -> Any:
        answer = session.get(url + name, timeout=30)
        answer.raise_for_status()
        return answer.json()

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
    """Returns the fields that ports, volumes and variables have in common."""
    return {key: published[key] for key in ("label", "description")}


def measure(call: Callable[[], object]) -> tuple[int, int, float]:
    """Returns statements, rows written, and seconds."""
    from django.db import connection, reset_queries
    from django.test.utils import CaptureQueriesContext
    from snapshot import row_versions

    before = row_versions()
    # Django keeps only the last 9,000.
    reset_queries()
    started = time.perf_counter()
    with CaptureQueriesContext(connection) as statements:
        call()
    seconds = time.perf_counter() - started
    after = row_versions()
    return len(statements), sum(len(after[model] - before[model]) for model in after), seconds


@contextmanager
def served(directory: Path, round_trip_s: float) -> Iterator[tuple[webserver.WebServer, str]]:
    """Serves a directory, behind a long line if there is a round trip."""
    with webserver.serve(directory / "nginx", directory / "site", directory) as web:
        if not round_trip_s:
            yield web, f"http://127.0.0.1:{web.port}/"
            return
        with relay(web.port, round_trip_s) as line:
            yield web, f"http://127.0.0.1:{line.port}/"


def follow(content: Catalog, way: str, round_trip_s: float) -> Iterator[Row]:
    """Runs every step one way."""
    from django.core.management import call_command
    from django.test import override_settings
    from rockons.refresh import refresh

    call_command("flush", interactive=False, verbosity=0)
    with tempfile.TemporaryDirectory(prefix="rockon-sync-bench-") as temporary:
        directory = Path(temporary)
        site = directory / "site"
        with served(directory, round_trip_s) as (web, url):
            steps = {"first": content, "nothing changed": content}
            steps["1 changed"] = catalog.one_changed(content)
            for day, (step, state) in enumerate(steps.items()):
                state.write(site, PUBLISHED + day * 86400)
                head = site / "v2/root.sha"
                before = head.read_bytes() if head.exists() else b""
                rockon_sync.publish(site, lenient=True)
                if head.read_bytes() != before:
                    os.utime(head, times=(PUBLISHED + day * 86400,) * 2)
                web.take_log()
                settings = {"ROCKON_STORE": directory / "store", "ROCKON_SOURCE": url + WAYS[way]}
                with override_settings(**settings):
                    call = (lambda: brute_force(url)) if way == BRUTE_FORCE else refresh
                    statements, rows, seconds = measure(call)
                asked = len(web.take_log())
                yield Row(way, step, round_trip_s, asked, statements, rows, seconds)


def compare(content: Catalog, runs: int) -> Iterator[Row]:
    """Runs every way on every line. Yields the row with the median time of each step."""
    for round_trip_s in ROUND_TRIPS_S:
        for way in WAYS:
            taken = [list(follow(content, way, round_trip_s)) for _ in range(runs)]
            for rows in zip(*taken, strict=True):
                middle = statistics.median_low(row.seconds for row in rows)
                yield next(row for row in rows if row.seconds == middle)


def main() -> None:
    """Starts a database server and measures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures into this file")
    parser.add_argument("--runs", type=int, default=RUNS)
    options = parser.parse_args()
    end_on_signals()
    with database.server() as socket_dir:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "example.settings",
            "PGHOST": str(socket_dir),
            "PGUSER": "postgres",
            "PGDATABASE": "rockons",
        }
        database.run("createdb", "-h", socket_dir, "-U", "postgres", "rockons")
        import django
        from django.core.management import call_command
        from django.db import connection
        from rockons import docker

        django.setup()
        docker.is_running = lambda: True
        call_command("migrate", run_syncdb=True, verbosity=0)
        content = last_state()
        print(content.what)
        rows = []
        for row in compare(content, options.runs):
            rows.append(row)
            print(
                f"{row.round_trip_s * 1000:>5.0f} ms  {row.step:<16} {row.way:<22} "
                f"{row.requests:>4} requests {row.statements:>6} statements "
                f"{row.rows:>5} rows written {row.seconds:>7.3f} s",
                flush=True,
            )
        connection.close()
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")


if __name__ == "__main__":
    main()
