"""The Python example in README.md runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import rockon_sync
from support import CatalogDir, Server

README = Path(__file__).parents[2] / "README.md"


def test_the_example_runs(
    catalog: CatalogDir,
    v2: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (example,) = re.findall(r"^```python\n(.*?)^```", README.read_text(), re.M | re.S)
    assert len(example.splitlines()) <= 12
    example = example.replace("https://example.org/rockons/v2/", v2.url)
    monkeypatch.chdir(tmp_path)
    recorded = {"Alpha": "an old revision", "Removed": "a revision"}
    exec(example, {"rockon_sync": rockon_sync, "recorded": recorded})
    assert sorted(recorded) == ["Alpha", "Beta", "Gamma Ray"]
    assert capsys.readouterr().out == "Alpha 1.0\nBeta 1.0\nGamma Ray 1.0\n"
