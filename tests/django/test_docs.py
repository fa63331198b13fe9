"""The guide shows tested code."""

from __future__ import annotations

import re

from conftest import HERE

GUIDE = HERE.parents[1] / "docs/guides/django.md"


def test_every_example_in_the_guide_is_part_of_the_example_project() -> None:
    sources = [path.read_text() for path in sorted((HERE / "rockons").glob("*.py"))]
    examples = re.findall(r"^ *```python\n(.*?)^ *```", GUIDE.read_text(), re.DOTALL | re.MULTILINE)
    assert len(examples) > 4
    assert [text for text in examples if not any(text in source for source in sources)] == []


def test_the_guide_names_all_settings() -> None:
    names = set(re.findall(r"^(ROCKON_\w+)", (HERE / "example/settings.py").read_text(), re.M))
    names.remove("ROCKON_URL")
    assert len(names) == 4
    assert names <= set(re.findall(r"ROCKON_\w+", GUIDE.read_text()))
