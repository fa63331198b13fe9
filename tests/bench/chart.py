"""The chart of the README: the cost of an update after one change, by the size of the catalog.

Two panels, time and bytes, with a line for each peer. Both axes are logarithmic.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from comparison import Comparison
from peers import Case
from results import Results
from tables import seconds, size

OURS = "rockon-sync"

PEERS = {
    OURS: "#c2410c",
    "loop": "#64748b",
    "git": "#2563eb",
    "rsync": "#059669",
    "ostree": "#7c3aed",
    "zsync": "#0891b2",
    "zchunk": "#b45309",
    "apt": "#be185d",
}
"""Maps peers to colors that can be told apart on white and on black."""

WIDTH, HEIGHT = 420, 300
LEFT, RIGHT, TOP, BOTTOM = 56, 8, 34, 34
LEGEND_HEIGHT = 44
PER_LEGEND_ROW = 4

Point = tuple[float, float]


@dataclass(frozen=True)
class Axis:
    """A logarithmic axis from `least` to `most`, in pixels from `start` to `end`."""

    least: float
    most: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Returns the pixel of a value."""
        share = (math.log(value) - math.log(self.least)) / (
            math.log(self.most) - math.log(self.least)
        )
        return self.start + share * (self.end - self.start)

    def powers(self) -> Iterator[float]:
        """Yields the powers of ten on the axis."""
        for exponent in range(math.ceil(math.log10(self.least)), 13):
            if 10**exponent > self.most:
                return
            yield float(10**exponent)


def svg(results: Results) -> str:
    """Returns the chart of a run."""
    at = results.round_trips_s[-1]
    time_title = f"Time at a round trip of {at * 1000:.0f} ms"
    panels = (
        panel(results.comparisons, at, "wall_s", time_title, seconds),
        panel(results.comparisons, at, "received", "Bytes received", size),
    )
    body = "".join(
        f'<g transform="translate({n * WIDTH} 0)">{each}</g>' for n, each in enumerate(panels)
    )
    shown = [key for key in PEERS if any(key in each.peers for each in results.comparisons)]
    names = {key: each.peers[key] for each in results.comparisons for key in each.peers}
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * WIDTH} '
        f'{HEIGHT + LEGEND_HEIGHT}" font-family="sans-serif" font-size="12" fill="#64748b" '
        f'role="img" aria-label="Cost of an update after one change">\n{body}'
        f"{legend([(names[key], PEERS[key]) for key in shown])}</svg>\n"
    )


def panel(
    comparisons: Sequence[Comparison],
    at: float,
    quantity: str,
    title: str,
    show: Callable[[float], str],
) -> str:
    """Returns one panel."""
    lines: dict[str, list[Point]] = {}
    for comparison in sorted(comparisons, key=lambda each: each.entries):
        for key in PEERS:
            value = comparison.figure(key, Case.ONE.value, at).median(quantity)
            if value:
                lines.setdefault(key, []).append((comparison.entries, value))
    points = [point for line in lines.values() for point in line]
    if not points:
        return ""
    entries = [each.entries for each in comparisons]
    across = Axis(min(entries) / 1.3, max(entries) * 1.3, LEFT, WIDTH - RIGHT)
    values = [value for _, value in points]
    up = Axis(min(values) / 1.5, max(values) * 1.5, HEIGHT - BOTTOM, TOP)
    parts = [text(LEFT, 20, f"{title}, one definition changed", weight="bold")]
    for value in up.powers():
        y = up.at(value)
        parts.append(rule(LEFT, y, WIDTH - RIGHT, y))
        parts.append(text(LEFT - 6, y + 4, show(value), anchor="end"))
    for count in sorted(set(entries)):
        x = across.at(count)
        parts.append(rule(x, HEIGHT - BOTTOM, x, HEIGHT - BOTTOM + 5))
        parts.append(text(x, HEIGHT - 14, f"{count:,}", anchor="middle"))
    parts.append(text(WIDTH - RIGHT, HEIGHT - 1, "definitions", anchor="end"))
    for key, line in lines.items():
        pixels = [(across.at(x), up.at(y)) for x, y in line]
        width = 3.5 if key == OURS else 1.5
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in pixels)
        color = PEERS[key]
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="{width}"/>'
        )
        parts += [
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{width}" fill="{color}"/>' for x, y in pixels
        ]
    return "\n".join(parts) + "\n"


def legend(names: Sequence[tuple[str, str]]) -> str:
    """Returns names with their colors, in rows below the panels."""
    parts = []
    for n, (name, color) in enumerate(names):
        x = LEFT + (n % PER_LEGEND_ROW) * (2 * WIDTH - LEFT) / PER_LEGEND_ROW
        y = HEIGHT + 16 + (n // PER_LEGEND_ROW) * 18
        parts.append(f'<rect x="{x:.0f}" y="{y - 9:.0f}" width="12" height="8" fill="{color}"/>')
        parts.append(text(x + 18, y, name))
    return "\n".join(parts) + "\n"


def text(x: float, y: float, content: str, *, anchor: str = "start", weight: str = "") -> str:
    """Returns a text element."""
    bold = f' font-weight="{weight}"' if weight else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{bold}>{escape(content)}</text>'


def rule(x1: float, y1: float, x2: float, y2: float) -> str:
    """Returns a thin line."""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#64748b" '
        'stroke-opacity="0.35"/>'
    )
