"""The document that is written from a run: one section per part."""

from __future__ import annotations

from collections.abc import Iterator

import verdict
from catalog import SHARE_OF_OTHER_WORDS
from comparison import LONGEST_CELL_S, Comparison
from deltas import Delta
from history import WAYS, Steps
from measure import NOISY_ABOVE
from peers import MANY_ENTRIES
from results import Results
from tables import NOTHING, cell, count, ratio, seconds, size, table

OPENING = f"""\
# Benchmarks

Written by `make bench`, never by hand: rockon-sync side by side with what one would take instead,
with the same files, from the same server, in one run.

    make bench                                                # everything, about 20 minutes
    make bench BENCH="--sizes real --parts peers --runs 3"    # a part of it
    make bench BENCH=--help

## What is compared

- **today's loop**: Python's `requests` with one session. `root.json`, then every file, one after
  the other, every time, into memory. Starting Python is part of its time.
- **git, depth 1**: `git fetch --depth 1` over smart HTTP, and a checkout if something came. The
  server has run `git gc` on the first state.
- **rsync daemon**: `rsync -az --delete` from a daemon. It has no requests, and no digests to tell
  whether what came is what was published.
- **OSTree, static deltas**: `ostree pull` of an archive repository with inline deltas, from nothing
  and from the state before, and a checkout. It asks for single objects while it still applies a
  delta that brings them: the fewer, the longer the line, so its bytes vary.
- **curl of the head**: the one small file that tells whether anything changed. No client that asks
  can do with less.
- **rockon-sync**: `rockon-sync update`.
- **rockon-sync, no packs**: from the same tree, with the `# pack` lines taken out of its head.
- **rockon-sync, v1 tree**: from today's server, where every file is asked for conditionally.

After the first run of each case, what the client holds is compared with what was published.

**Lines.** Everything runs on one machine, over the loopback interface. Without latency, clients
talk to the servers themselves. At 50 ms a relay holds every byte back for 25 ms in each direction,
and connecting costs a round trip, as it does between machines. It adds no loss and no limit of
bandwidth, and TCP's slow start is not there: what is large takes longer on a real line.

**Cases.** *First sync* starts with nothing, the others with a client that is in step: *nothing
changed*; one definition got another description; 30 did, with one added and one removed. *Resumed*
is the second run after a first sync whose connections all broke when half of its bytes had come.
Each run starts from a copy of the same prepared client.

**Columns.** *Requests*: lines in nginx's log. *Received*, *sent*: TCP payload as the client sees
it, counted by the relay, or without one taken from nginx's log. *Time*: from the start of the
process to its end. *CPU*: user and system time of the client and of every process that it
started. *Memory*: the largest resident set of the client, or of the largest process that it
started (git and OSTree start several: their sum would be more). CPU and memory are those of the
run without latency. *Runs*: how many there were of each time. A kilobyte is 1,000 bytes.

**Noise.** Every figure is the median of its runs. Where least and most are further apart than
{NOISY_ABOVE * 100:.0f} % of it, both are given: that figure is noisy. Times and CPU below some
20 ms usually are, and so is whatever writes many files. Bytes and requests are not, but for
OSTree's. Other work on the machine makes every time and CPU larger, and not for everyone alike: see
the load. *Computed* stands for what would take more than
{LONGEST_CELL_S:.0f} s for its round trips alone.

nginx answers with ETags, keeps connections, and compresses `*.json` on the way (gzip, its default
level).
"""

MADE = f"""\
**Large catalogs** are made from the real one, always the same: each entry takes the next real
definition, gets an id, a file and names of containers and images of its own and other ports, and
{SHARE_OF_OTHER_WORDS * 100:.0f} % of the words in its texts are replaced by words drawn from all.
They compress to about 350 bytes a definition (`zstd -19` of all), the real ones to 380; mere copies
would compress to nearly nothing.
"""


def whole(results: Results) -> str:
    """Returns the document."""
    return "\n".join([OPENING, MADE, *sections(results)])


def sections(results: Results) -> Iterator[str]:
    """Returns the sections of the measured parts."""
    yield about(results)
    if results.comparisons:
        yield verdict.section(results)
    for comparison in results.comparisons:
        yield compared(comparison, results.round_trips_s)
    if results.deltas:
        yield packs(results.deltas)
    if results.history:
        yield steps(results.history)
    if results.database:
        yield database(results)


def about(results: Results) -> str:
    """Returns the section about the machine and the versions."""
    lines = ["## The run", ""]
    lines += [f"- {name}: {value}" for name, value in results.facts.items()]
    lines += [f"- **left out**: {what}" for what in results.skipped]
    return "\n".join(lines) + "\n"


def compared(comparison: Comparison, round_trips_s: list[float]) -> str:
    """Returns one table per case."""
    lines = [
        f"## {comparison.what[0].upper()}{comparison.what[1:]}",
        "",
        f"{comparison.entries:,} entries, {comparison.size_bytes:,} bytes of definitions.",
        "",
    ]
    for case in comparison.cases():
        lines += [f"### {case[0].upper()}{case[1:]}", ""]
        lines.append(case_table(comparison, case, round_trips_s))
    if comparison.server_s:
        made = "; ".join(f"{what} {seconds(took)}" for what, took in comparison.server_s.items())
        lines += [f"Making the server's side took: {made}.", ""]
    return "\n".join(lines)


def case_table(comparison: Comparison, case: str, round_trips_s: list[float]) -> str:
    """Yields one row per peer that has the case."""
    head = ["", "requests", "received", "sent"]
    head += [f"time at {at * 1000:.0f} ms" for at in round_trips_s]
    head += ["CPU", "memory", "runs"]
    rows = []
    for key, name in comparison.peers.items():
        if not any((key, case, at) in comparison.figures for at in round_trips_s):
            continue
        figures = [comparison.figure(key, case, at) for at in round_trips_s]
        first, last = figures[0], figures[-1]
        counted = last if last.samples else first
        row = [name, cell(counted, "requests", count)]
        row += [cell(counted, "received", size), cell(counted, "sent", size)]
        row += [cell(each, "wall_s", seconds) if each.samples else each.reason for each in figures]
        row += [cell(first, "cpu_s", seconds), cell(first, "memory_bytes", size)]
        row.append("/".join(count(len(each.samples)) for each in figures))
        rows.append(row)
    return table(head, rows)


def packs(deltas: list[Delta]) -> str:
    """Returns the sizes of packs and of patches by a general tool."""
    lines = [
        "## Packs and zstd",
        "",
        "A pack beside what `zstd -19 --patch-from` makes of all definitions, one after the other,",
        "before and after (`zstd -19` of everything, where there is no before). A pack brings the",
        "manifest as well, with a digest for each changed file that nothing compresses: hence the",
        "last columns, where the manifest is part of the text. Not measured above",
        f"{MANY_ENTRIES:,} entries.",
        "",
    ]
    head = ["", "step", "pack", "zstd, definitions", "ratio", "zstd, with manifest", "ratio"]
    rows = [
        [
            each.catalog,
            each.step,
            NOTHING if each.pack is None else size(each.pack),
            size(each.text),
            ratio(each.pack, each.text),
            size(each.text_and_manifest),
            ratio(each.pack, each.text_and_manifest),
        ]
        for each in deltas
    ]
    return "\n".join([*lines, table(head, rows)])


def steps(history: dict[str, Steps]) -> str:
    """Returns the costs of the history, by peer."""
    lines = [
        "## The real history, step by step",
        "",
        "Every state of the real catalog is published into one tree, broken ones as far as they",
        "go, and clients update after each. The first step, which fetches all, is not counted.",
        "",
    ]
    head = ["", "changed steps", "received", "median a step", "most", "requests a step"]
    head += ["unchanged steps", "received a step", "requests a step"]
    rows = []
    for way, each in history.items():
        changed, unchanged = each.changed_received, each.unchanged_received
        rows.append(
            [
                WAYS[way],
                count(len(changed)),
                size(sum(changed)),
                size(each.median_received()),
                size(max(changed, default=0)),
                between(each.changed_requests),
                count(len(unchanged)),
                size(max(unchanged, default=0)),
                between(each.unchanged_requests),
            ]
        )
    return "\n".join([*lines, table(head, rows)])


def between(values: list[int]) -> str:
    """Returns one number, or the minimum and the maximum."""
    if not values:
        return NOTHING
    least, most = min(values), max(values)
    return count(least) if least == most else f"{count(least)} to {count(most)}"


def database(results: Results) -> str:
    """Returns the costs of updates that apply definitions to PostgreSQL."""
    lines = [
        "## The database",
        "",
        "The Django example on PostgreSQL: the refresh by brute force (every file, then every row)",
        "and the one of [django.md](django.md). Time is that of the refresh in a running process:",
        "requests, store and database. The database is near; only the web server is 50 ms away.",
        "",
    ]
    head = ["", "step", "requests", "statements", "rows written"]
    latencies = sorted({row["round_trip_s"] for row in results.database})
    head += [f"time at {at * 1000:.0f} ms" for at in latencies]
    rows = []
    for row in results.database:
        if row["round_trip_s"] != latencies[0]:
            continue
        times = [
            each["seconds"]
            for at in latencies
            for each in results.database
            if (each["way"], each["step"], each["round_trip_s"]) == (row["way"], row["step"], at)
        ]
        counted = [count(row[name]) for name in ("requests", "statements", "rows")]
        rows.append([row["way"], row["step"], *counted, *(seconds(each) for each in times)])
    return "\n".join([*lines, table(head, rows)])
