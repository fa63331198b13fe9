"""Figures as text: units, ranges, and tables that read well in a terminal and in Markdown."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence

from measure import Figure

NOTHING = "-"


def count(value: float, like: float | None = None) -> str:
    """Formats a count."""
    del like
    return f"{value:,.0f}"


def size(value: float, like: float | None = None) -> str:
    """Formats bytes, in the unit of `like` or the best one. A kilobyte is 1,000 bytes."""
    return _scaled(value, like, ((1, "B"), (1e3, "KB"), (1e6, "MB")))


def seconds(value: float, like: float | None = None) -> str:
    """Formats a time, in the unit of `like` or the best one."""
    return _scaled(value, like, ((1e-3, "ms"), (1, "s")))


def _scaled(value: float, like: float | None, units: Sequence[tuple[float, str]]) -> str:
    """Formats a number with three significant digits and the largest suitable unit."""
    guide = value if like is None else like
    scale, unit = next((each for each in reversed(units) if guide >= each[0]), units[0])
    decimals = 0 if unit == "B" else _decimals(guide / scale)
    return f"{value / scale:,.{decimals}f} {unit}"


def ratio(ours: float | None, theirs: float | None) -> str:
    """Formats the ratio of our figure to another."""
    if ours is None or not theirs:
        return NOTHING
    value = ours / theirs
    return f"{value:.{_decimals(value)}f}x"


def _decimals(value: float) -> int:
    """Returns the number of decimals for three significant digits."""
    if value < 10:
        return 2
    return 1 if value < 100 else 0


def cell(figure: Figure, quantity: str, show: Callable[..., str]) -> str:
    """Formats the median of the runs, with minimum and maximum if they are far apart."""
    middle = figure.median(quantity)
    if middle is None:
        return NOTHING
    spread = figure.spread(quantity)
    if spread is None:
        return show(middle)
    least, most = (show(value, middle).split()[0] for value in spread)
    return f"{show(middle)} ({least} to {most})"


def item(text: str) -> str:
    """Returns an item of a Markdown list, in lines of at most 100 columns."""
    return textwrap.fill(
        text,
        100,
        initial_indent="- ",
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Returns a Markdown table with aligned columns: names to the left, figures to the right."""
    lines = [list(head), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    aligned = [
        "| "
        + " | ".join(
            text.ljust(width) if column == 0 else text.rjust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        )
        + " |"
        for line in lines
    ]
    marks = (
        ":" + "-" * (width + 1) if n == 0 else "-" * (width + 1) + ":"
        for n, width in enumerate(widths)
    )
    return "\n".join([aligned[0], "|" + "|".join(marks) + "|", *aligned[1:]]) + "\n"
