"""Figures as text: units, spreads, and tables that read well in a terminal and in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from measure import Figure

NOTHING = "-"


def count(value: float) -> str:
    """A number of things."""
    return f"{value:,.0f}"


def size(value: float) -> str:
    """Bytes, with three digits that matter; a kilobyte is 1,000 bytes."""
    if value < 1000:
        return f"{value:.0f} B"
    value /= 1000
    unit = "KB"
    if value >= 1000:
        value /= 1000
        unit = "MB"
    return f"{value:,.{_decimals(value)}f} {unit}"


def seconds(value: float) -> str:
    """A time."""
    if value < 1:
        return f"{value * 1000:.{_decimals(value * 1000)}f} ms"
    return f"{value:,.{_decimals(value)}f} s"


def ratio(ours: float | None, theirs: float | None) -> str:
    """How many times as much ours is."""
    if ours is None or not theirs:
        return NOTHING
    value = ours / theirs
    return f"{value:.{_decimals(value)}f}x"


def _decimals(value: float) -> int:
    """So many that three digits are shown."""
    if value < 10:
        return 2
    return 1 if value < 100 else 0


def cell(figure: Figure, quantity: str, show: Callable[[float], str]) -> str:
    """The median of the runs, with least and most where they are far apart."""
    middle = figure.median(quantity)
    if middle is None:
        return NOTHING
    spread = figure.spread(quantity)
    if spread is None:
        return show(middle)
    return f"{show(middle)} ({show(spread[0])} to {show(spread[1])})"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table with aligned columns: names to the left, figures to the right."""
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
