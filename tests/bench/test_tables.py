"""Statistics, units and tables."""

from __future__ import annotations

import pytest
import tables
from measure import Figure, Sample


def figure(*walls_s: float) -> Figure:
    """Returns a figure with these times."""
    return Figure([Sample(wall_s, 0.0, 0) for wall_s in walls_s])


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.00 KB"), (38_812, "38.8 KB"), (14_744_136, "14.7 MB")],
)
def test_sizes_have_three_digits(value: float, shown: str) -> None:
    assert tables.size(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0042, "4.20 ms"), (0.2514, "251 ms"), (4.288, "4.29 s"), (1234.0, "1,234 s")],
)
def test_times_have_three_digits(value: float, shown: str) -> None:
    assert tables.seconds(value) == shown


def test_a_cell_has_the_median_and_the_range_if_noisy() -> None:
    assert tables.cell(figure(0.1, 0.11, 0.12), "wall_s", tables.seconds) == "110 ms"
    noisy = tables.cell(figure(0.1, 0.11, 0.2), "wall_s", tables.seconds)
    assert noisy == "110 ms (100 to 200)"


def test_an_unmeasured_case_has_no_figure() -> None:
    assert tables.cell(Figure(reason="too long"), "wall_s", tables.seconds) == "-"
    assert tables.cell(figure(1.0), "requests", tables.count) == "-"
    assert tables.ratio(None, 1.0) == tables.ratio(1.0, None) == "-"
    assert tables.ratio(1.0, 4.0) == "0.25x"


def test_items_are_wrapped() -> None:
    assert tables.item("a") == "- a"
    assert tables.item("word " * 20 + "last") == "- " + "word " * 18 + "word\n  word last"


def test_tables_are_aligned_markdown() -> None:
    assert tables.table(["", "time"], [["a name", "1 s"], ["b", "10 s"]]) == (
        "|        | time |\n|:-------|-----:|\n| a name |  1 s |\n| b      | 10 s |\n"
    )
