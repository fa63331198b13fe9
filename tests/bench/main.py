"""Compares rockon-sync with the alternatives. `--help` explains how to run parts of it.

Prints tables, stores every figure in `build/bench/results.json`, and writes
`docs/reference/benchmarks.md` if everything was measured (or if requested).
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import catalog
import chart
import deltas
import document
import history
import webserver
from apt import Apt
from archives import Zchunk, Zsync
from catalog import ROOT, Catalog
from comparison import Bench, Wanted, say
from measure import Launcher
from peers import (
    MANY_ENTRIES,
    Case,
    ConditionalCurl,
    Curl,
    Git,
    Loop,
    OSTree,
    Peer,
    RockonSync,
    Rsync,
)
from processes import end_on_signals, run
from results import Results

KEPT = ROOT / "build/bench/results.json"
DOCUMENT = ROOT / "docs/reference/benchmarks.md"
CHART = ROOT / "docs/one-changed.svg"

LONGEST_S = 3600
"""The time limit of the whole run."""

PARTS = ("peers", "deltas", "history", "database")
SIZES = ("real", "9000", "100000")

RUNS = ((1_000, 5), (MANY_ENTRIES, 3))
"""Up to this many entries, the number of runs of each case; one run above that."""


def main() -> None:
    """Measures the requested parts."""
    options = arguments()
    if options.render:
        results = Results.load(options.results)
    else:
        end_on_signals()
        signal.alarm(LONGEST_S)
        prepare_environment()
        results = measure(options)
        results.save(options.results)
    for section in document.sections(results):
        print(section)
    if options.write or options.render or is_everything(options):
        for path, text in ((DOCUMENT, document.whole(results)), (CHART, chart.svg(results))):
            path.write_text(text)
            say(f"written: {path.relative_to(ROOT)}")


def arguments() -> argparse.Namespace:
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=__doc__, prog="tests/bench/run.sh")
    keys = [peer.key for peer in all_peers(Path())]
    cases = [case.name.lower() for case in Case]

    def listed(*known: str) -> Callable[[str], list[str]]:
        def split(text: str) -> list[str]:
            values = [value for value in text.split(",") if value]
            for value in values:
                if known and value not in known:
                    raise argparse.ArgumentTypeError(f"{value}: not one of {', '.join(known)}")
            return values

        return split

    default = ROOT / "target/release/rockon-sync"
    parser.add_argument("--program", type=Path, default=default, help="our command")
    for name, given, known, what in (
        ("sizes", list(SIZES), (), "real, sample, or numbers of entries"),
        ("peers", keys, keys, ", ".join(keys)),
        ("cases", cases, cases, ", ".join(cases)),
        ("parts", list(PARTS), PARTS, ", ".join(PARTS)),
        ("latency", ["0", "50"], (), "round trips in ms"),
    ):
        parser.add_argument(
            f"--{name}", type=listed(*known), default=given, metavar="A,B", help=what
        )
    parser.add_argument("--runs", type=int, help="of each case")
    parser.add_argument("--results", type=Path, default=KEPT, help="output file for all figures")
    parser.add_argument("--write", action="store_true", help="write the document in any case")
    parser.add_argument(
        "--render", action="store_true", help="rewrite the document from the last run's figures"
    )
    options = parser.parse_args()
    options.keys = keys
    options.all_cases = cases
    return options


def all_peers(program: Path) -> list[Peer]:
    """Returns all peers, in the order of the tables."""
    return [
        Loop(),
        Git(),
        Rsync(),
        OSTree(),
        Zsync(),
        Zchunk(),
        Apt(),
        Curl(),
        ConditionalCurl(),
        RockonSync("rockon-sync", "rockon-sync", "v2", program),
        RockonSync("rockon-sync-plain", "rockon-sync, no packs", "plain", program),
        RockonSync("rockon-sync-v1", "rockon-sync, v1 tree", "v1", program),
    ]


def is_everything(options: argparse.Namespace) -> bool:
    """Returns true if nothing was left out."""
    return (
        options.sizes == list(SIZES)
        and options.peers == options.keys
        and options.cases == options.all_cases
        and options.parts == list(PARTS)
        and options.latency == ["0", "50"]
        and options.runs is None
    )


def measure(options: argparse.Namespace) -> Results:
    """Measures part after part. Parts that cannot be measured are reported and skipped."""
    program = options.program.resolve()
    results = Results(facts(program), [float(each) / 1000 for each in options.latency])
    peers = [peer for peer in all_peers(program) if peer.key in options.peers]
    cases = [case for case in Case if case.name.lower() in options.cases]
    with catalog.history() as states:
        if not states:
            skip(results, "the real catalog: its history is missing; the sample catalog is used")
        real = catalog.read(states[-1], catalog.REAL) if states else catalog.sample()
        for wanted_size in options.sizes if {"peers", "deltas"} & {*options.parts} else ():
            content = catalog_of(wanted_size, real)
            compare(options, content, available(peers, len(content.ids), results), cases, results)
            # Saved after every part, so that a later failure does not lose minutes of work.
            results.save(options.results)
        if "history" in options.parts:
            if states:
                say("\n==== the real history, step by step")
                with temporary() as directory:
                    results.history = history.follow(states, program, directory)
            else:
                skip(results, "the history: it is missing")
    if "database" in options.parts:
        measure_database(results, options.results.with_name("database.json"))
    return results


def catalog_of(wanted: str, real: Catalog) -> Catalog:
    """Returns the catalog with this name on the command line."""
    if wanted == "real":
        return real
    return catalog.sample() if wanted == "sample" else catalog.made(int(wanted), real)


def compare(
    options: argparse.Namespace,
    content: Catalog,
    peers: list[Peer],
    cases: list[Case],
    results: Results,
) -> None:
    """Compares on one catalog."""
    say(f"\n==== {content.what}: {len(content.ids):,} entries, {content.size():,} bytes")
    entries = len(content.ids)
    runs = options.runs or next((runs for most, runs in RUNS if entries <= most), 1)
    if entries > MANY_ENTRIES and Case.RESUMED in cases:
        skip(results, f"{Case.RESUMED.value} with {entries:,} entries: it takes minutes to prepare")
        cases = [case for case in cases if case is not Case.RESUMED]
    with temporary() as directory:
        wanted = Wanted(peers, cases, results.round_trips_s, runs)
        bench = Bench(directory, Launcher(directory), wanted)
        served = bench.publish(content)
        if "peers" in options.parts:
            results.comparisons.append(bench.compare(served))
        if "deltas" in options.parts and any(peer.key == "rockon-sync" for peer in peers):
            say("comparing packs with zstd --patch-from")
            results.deltas += deltas.measure(served)


def available(peers: list[Peer], entries: int, results: Results) -> list[Peer]:
    """Returns the peers whose programs are installed, and which can serve this many entries in
    time."""
    found = []
    for peer in peers:
        if peer.program is not None and not shutil.which(peer.program):
            skip(results, f"{peer.name}: the program {peer.program} is missing")
        elif peer.too_many and entries > MANY_ENTRIES:
            skip(results, f"{peer.name} with {entries:,} entries: {peer.too_many}")
        else:
            found.append(peer)
    return found


def measure_database(results: Results, out: Path) -> None:
    """Runs the benchmark of the Django example, in its own environment."""
    say("\n==== the database of the Django example")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.unlink(missing_ok=True)
    done = subprocess.run([ROOT / "tests/django/bench.sh", "--json", out], check=False)
    if done.returncode == 0:
        results.database = json.loads(out.read_text())
    else:
        skip(results, "the database: tests/django/bench.sh could not run")


def skip(results: Results, what: str) -> None:
    """Reports a skipped part."""
    if what not in results.skipped:
        say(f"SKIPPED: {what}")
        results.skipped.append(what)


@contextmanager
def temporary() -> Iterator[Path]:
    """Creates a directory for servers and clients, on the disk for temporary files."""
    directory = tempfile.mkdtemp(prefix="rockon-sync-bench-")
    try:
        yield Path(directory)
    finally:
        # It may contain a million hard links, which Python takes minutes to remove.
        run("rm", "-rf", directory)


def prepare_environment() -> None:
    """Prevents settings of this machine from influencing the figures."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.startswith("GIT_"):
            del os.environ[name]
    os.environ |= {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "LC_ALL": "C.UTF-8",
    }


def facts(program: Path) -> dict[str, str]:
    """Returns the relevant facts about the machine, and all versions."""

    def version(*command: str | Path) -> str:
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError:
            return "missing"
        found = re.search(r"\d+(\.\d+)+", done.stdout + done.stderr)
        return found.group() if found else "unknown"

    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {memory / 1e9:.0f} GB",
        "system": f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
        "load at the start": f"{os.getloadavg()[0]:.1f} (above 0, other work was going on)",
        "file system": run("stat", "-f", "-c", "%T", tempfile.gettempdir()).decode().strip(),
        "rockon-sync": version(program, "--version"),
        "nginx": version(webserver.program(), "-v"),
        "Python": platform.python_version(),
        "requests": version(sys.executable, "-c", "import requests; print(requests.__version__)"),
        "git": version("git", "--version"),
        "rsync": version("rsync", "--version"),
        "OSTree": version("ostree", "--version"),
        "zsync": version("zsync", "-V"),
        "zchunk": version("zck", "--version"),
        "apt": version("apt-get", "--version"),
        "curl": version("curl", "--version"),
        "zstd": version("zstd", "--version"),
    }


if __name__ == "__main__":
    main()
