"""Conclusions from the figures: ours compared with the best alternative, and with the goals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby

from comparison import Comparison
from peers import Case
from results import Results
from tables import NOTHING, count, item, ratio, seconds, size, table

OURS = "rockon-sync"
OTHERS = ("loop", "git", "rsync", "ostree", "zsync", "zchunk", "apt")

WORSE_FROM = 1.05
"""A smaller difference counts as equal."""

MEMORY_GOALS = {
    (9_000, Case.ONE): 10e6,
    (9_000, Case.FIRST): 16e6,
    (100_000, Case.ONE): 16e6,
    (100_000, Case.FIRST): 24e6,
}
"""Maps numbers of entries and cases to bytes of the whole process."""

CPU_GOALS = (
    (Case.NOTHING, "curl", 1.2),
    (Case.ONE, "rsync", 1.0),
    (Case.FIRST, "rsync", 1.0),
)
"""Ratios of CPU to that of another peer in the same case."""

QUANTITIES: tuple[tuple[str, str, Callable[..., str]], ...] = (
    ("requests", "requests", count),
    ("received", "received", size),
    ("sent", "sent", size),
    ("wall_s", "time", seconds),
    ("cpu_s", "CPU", seconds),
    ("memory_bytes", "memory", size),
)


def section(results: Results) -> str:
    """Returns ratios, goals, and figures in which an alternative is better."""
    at = results.round_trips_s[-1]
    lines = ["## Compared with the best alternative", ""]
    lines += [
        f"The best of all others in each case, at {at * 1000:.0f} ms; below 1x ours is better.",
        "",
    ]
    for each in results.comparisons:
        lines += [f"### {entries(each)}", ""]
        lines += [table(["case", "", "ours", "best other", ""], list(ratios(each, at)))]
    goals = {what: list(rows) for what, rows in groupby(reached(results), key=lambda goal: goal[0])}
    if goals:
        lines += ["### Goals", ""]
    for what, rows in goals.items():
        lines += [table([what, "measured", ""], [row[1:] for row in rows])]
    worse = [line for each in results.comparisons for line in losses(each, results.round_trips_s)]
    lines += ["### Cases in which an alternative is better", ""]
    lines += worse or ["None in this run."]
    return "\n".join(lines) + "\n"


def entries(comparison: Comparison) -> str:
    return f"{comparison.entries:,} entries"


def best(comparison: Comparison, case: str, at: float, quantity: str) -> tuple[str, float] | None:
    """Returns the other peer with the lowest figure, by name, and that figure."""
    found = [
        (value, comparison.peers[key])
        for key in OTHERS
        if key in comparison.peers
        and (value := comparison.figure(key, case, at).median(quantity)) is not None
    ]
    if not found:
        return None
    value, name = min(found)
    return name, value


def ratios(comparison: Comparison, at: float) -> Iterator[list[str]]:
    """Yields bytes and time in each case."""
    for case in comparison.cases():
        for quantity, name, show in QUANTITIES:
            if quantity not in ("received", "wall_s"):
                continue
            ours = comparison.figure(OURS, case, at).median(quantity)
            other = best(comparison, case, at, quantity)
            yield [
                case,
                name,
                NOTHING if ours is None else show(ours),
                NOTHING if other is None else f"{show(other[1])} ({other[0]})",
                ratio(ours, other[1] if other else None),
            ]


def reached(results: Results) -> Iterator[list[str]]:
    """Yields one row per goal that this run can evaluate."""
    for comparison in results.comparisons:
        what, at = entries(comparison), results.round_trips_s[0]

        def ours(case: Case, quantity: str, of: str = OURS, on: float = at) -> float | None:
            return comparison.figure(of, case.value, on).median(quantity)  # noqa: B023

        for case, most in ((Case.NOTHING, 1), (Case.FIRST, 2), (Case.ONE, 1), (Case.MANY, 2)):
            requests = ours(case, "requests")
            if requests is not None:
                goal = f"{case.value}: {most} request{'s' * (most > 1)}"
                yield [what, goal, count(requests), mark(requests <= most)]
        for case, key, most_times in CPU_GOALS:
            cpu_s, theirs_s = ours(case, "cpu_s"), ours(case, "cpu_s", key)
            if cpu_s is not None and theirs_s:
                of = comparison.peers[key]
                goal = f"{case.value}: {most_times}x the CPU of {of} ({seconds(theirs_s)})"
                found = f"{seconds(cpu_s)}, {ratio(cpu_s, theirs_s)}"
                yield [what, goal, found, mark(cpu_s <= most_times * theirs_s)]
        far = results.round_trips_s[-1]
        wall_s = ours(Case.ONE, "wall_s", on=far)
        floor_s = ours(Case.NOTHING, "wall_s", "curl", far)
        if wall_s is not None and floor_s and far > 0:
            goal = f"1 changed: 1.05x the time of curl of the head ({seconds(floor_s)})"
            found = f"{seconds(wall_s)}, {ratio(wall_s, floor_s)}"
            yield [what, goal, found, mark(wall_s <= 1.05 * floor_s)]
        for (number, case), most_bytes in MEMORY_GOALS.items():
            used = ours(case, "memory_bytes")
            if number == comparison.entries and used is not None:
                goal = f"{case.value}: memory of the whole process below {size(most_bytes)}"
                yield [what, goal, size(used), mark(used < most_bytes)]
    for delta in results.deltas:
        if delta.pack is not None and delta.step != "everything":
            goal = f"{delta.step}: the pack within 1.2x of zstd --patch-from"
            found = f"{size(delta.pack)}, {ratio(delta.pack, delta.text)}"
            yield [delta.catalog, goal, found, mark(delta.pack <= 1.2 * delta.text)]
    if "v2" in results.history:
        steps = results.history["v2"]
        median = steps.median_received()
        yield ["the real history", "about 2 KB a changed step", size(median), mark(median <= 2200)]
        changed, requests = len(steps.changed_requests), sum(steps.changed_requests)
        goal = "at most 1.15 requests a changed step, 1 an unchanged one"
        is_reached = requests <= 1.15 * changed and set(steps.unchanged_requests) <= {1}
        found = f"{requests} in {changed} steps"
        yield ["the real history", goal, found, mark(is_reached)]


def mark(is_reached: bool) -> str:
    return "reached" if is_reached else "**missed**"


def losses(comparison: Comparison, round_trips_s: list[float]) -> Iterator[str]:
    """Yields every figure in which another peer is better."""
    for case in comparison.cases():
        for quantity, name, show in QUANTITIES:
            is_time = quantity == "wall_s"
            for at in round_trips_s if is_time else round_trips_s[:1]:
                counted = (
                    at if is_time or quantity in ("cpu_s", "memory_bytes") else round_trips_s[-1]
                )
                ours = comparison.figure(OURS, case, counted).median(quantity)
                other = best(comparison, case, counted, quantity)
                if ours is None or other is None or ours <= other[1] * WORSE_FROM:
                    continue
                where = f" at {at * 1000:.0f} ms" if is_time else ""
                what = f"{entries(comparison)}, {case}, {name}{where}"
                theirs = f"{show(other[1])} of {other[0]} ({ratio(ours, other[1])})"
                yield item(f"{what}: {show(ours)} against {theirs}")
