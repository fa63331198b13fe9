"""Figures as text: units, spreads, and tables that read well in a terminal and in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from measure import Figure

NOTHING = "-"


def count(value: float, like: float | None = None) -> str:
    """A number of things."""
    del like
    return f"{value:,.0f}"


def size(value: float, like: float | None = None) -> str:
    """Bytes, in the unit that suits them or another size; a kilobyte is 1,000 bytes."""
    return _scaled(value, like, ((1, "B"), (1e3, "KB"), (1e6, "MB")))


def seconds(value: float, like: float | None = None) -> str:
    """A time, in the unit that suits it or another time."""
    return _scaled(value, like, ((1e-3, "ms"), (1, "s")))


def _scaled(value: float, like: float | None, units: Sequence[tuple[float, str]]) -> str:
    """The number with three digits that matter, and the largest unit that fits."""
    guide = value if like is None else like
    scale, unit = next((each for each in reversed(units) if guide >= each[0]), units[0])
    decimals = 0 if unit == "B" else _decimals(guide / scale)
    return f"{value / scale:,.{decimals}f} {unit}"


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


def cell(figure: Figure, quantity: str, show: Callable[..., str]) -> str:
    """The median of the runs, with least and most where they are far apart."""
    middle = figure.median(quantity)
    if middle is None:
        return NOTHING
    spread = figure.spread(quantity)
    if spread is None:
        return show(middle)
    least, most = (show(value, middle).split()[0] for value in spread)
    return f"{show(middle)} ({least} to {most})"


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
