"""The change that docs/guides/adoption.md prints, applied to the view of the appliance."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs/guides/adoption.md"
VIEW = HERE / "appliance/rockon.py"


def hunks() -> list[str]:
    """Returns the printed parts of the change."""
    return re.findall(r"^```diff\n(.*?)^```", PAGE.read_text(), re.M | re.S)


def count_lines(mark: str) -> int:
    """Returns the number of lines with this mark: `+` or `-`."""
    return sum(line.startswith(mark) for hunk in hunks() for line in hunk.splitlines())


def changed_text() -> str:
    """Returns the view with the change. Fails if a part does not fit in exactly one place."""
    text = VIEW.read_text()
    for hunk in hunks():
        lines = hunk.splitlines(keepends=True)
        old = "".join(line[1:] for line in lines if line[0] != "+")
        new = "".join(line[1:] for line in lines if line[0] != "-")
        if text.count(old) != 1:
            raise ValueError(f"expected one place for this part, got {text.count(old)}:\n{hunk}")
        text = text.replace(old, new)
    return text


def load(path: Path, text: str) -> ModuleType:
    """Writes a module to the path, and imports it."""
    path.write_text(text)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
