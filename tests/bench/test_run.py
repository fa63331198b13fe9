"""The generated catalogs, and a run of every peer on the sample catalog."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import catalog
import chart
import document
import pytest
from results import Results

HERE = Path(__file__).parent
NEEDED = (
    *("nginx", "fcgiwrap", "git", "rsync", "ostree", "zsync", "zckdl", "apt-get", "gpg"),
    *("curl", "zstd", "cc"),
)


def test_generated_catalogs_are_reproducible_with_unique_names() -> None:
    made = catalog.made(40, catalog.sample())
    assert made.texts == catalog.made(40, catalog.sample()).texts
    definitions = [json.loads(text) for text in made.texts.values()]
    assert len({name for each in definitions for name in each}) == 40
    containers = [
        container
        for each in definitions
        for one in each.values()
        for container in one["containers"]
    ]
    assert len(set(containers)) == len(containers)
    links = [
        link["source_container"]
        for each in definitions
        for one in each.values()
        for linked in one.get("container_links", {}).values()
        for link in linked
    ]
    assert set(links) <= set(containers)


def test_each_step_changes_the_stated_definitions() -> None:
    base = catalog.made(100, catalog.sample())
    one, many = catalog.one_changed(base), catalog.many_changed(base)
    assert len([name for name in base.texts if one.texts[name] != base.texts[name]]) == 1
    kept = base.texts.keys() & many.texts.keys()
    assert len([name for name in kept if many.texts[name] != base.texts[name]]) == 30
    assert len(base.texts.keys() - many.texts.keys()) == 1
    assert len(many.texts.keys() - base.texts.keys()) == 1


def test_every_peer_gets_the_sample_catalog_and_is_reported(tmp_path: Path) -> None:
    path = f"{os.environ['PATH']}:/usr/sbin"
    missing = [name for name in NEEDED if not shutil.which(name, path=path)]
    program = os.environ.get("ROCKON_SYNC_PROGRAM")
    if missing or program is None:
        pytest.skip(f"missing: {', '.join(missing) or 'ROCKON_SYNC_PROGRAM'}")
    kept = tmp_path / "results.json"
    options = ["--sizes", "sample", "--runs", "1", "--latency", "0", "--parts", "peers,deltas"]
    options += ["--cases", "first,nothing,one"]
    # Nothing is timed here, so a file system in memory will do.
    memory = {"TMPDIR": "/dev/shm"} if os.access("/dev/shm", os.W_OK) else {}
    done = subprocess.run(
        [sys.executable, HERE / "main.py", "--program", program, *options, "--results", kept],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, **memory},
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "FAILED" not in done.stdout
    results = Results.load(kept)
    (comparison,) = results.comparisons
    unmeasured = [of for of, figure in comparison.figures.items() if not figure.samples]
    assert unmeasured == []
    nothing = comparison.figure("rockon-sync", "nothing changed", 0.0)
    assert nothing.median("requests") == 1
    # The server's log and the client agree on the cost of an unchanged head.
    floor = comparison.figure("curl-etag", "nothing changed", 0.0)
    assert nothing.median("received") == floor.median("received")
    # The delta is in the head.
    assert comparison.figure("rockon-sync", "1 changed", 0.0).median("requests") == 1
    picture = chart.svg(results)
    assert all(f'stroke="{color}"' in picture for color in chart.PEERS.values())
    text = document.whole(results)
    assert "### Nothing changed" in text
    assert str(tmp_path) not in text
    # The width of a table depends on what was measured.
    prose = (line for line in text.splitlines() if not line.startswith("|"))
    assert [line for line in prose if len(line) > 100] == []
