"""The tutorial for applications works, and prints what it shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs/tutorials/application.md"
BLOCK = re.compile(r"^```(sh|python|text)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_every_step_of_the_tutorial_prints_what_it_shows(tmp_path: Path) -> None:
    tools = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    output, compared = "", 0
    for language, text in BLOCK.findall(PAGE.read_text()):
        if language == "python":
            (tmp_path / "shelf.py").write_text(text)
        elif language == "text":
            assert output == text
            compared += 1
        elif "pip install" not in text:
            output = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", text],
                cwd=tmp_path,
                env={**os.environ, "PATH": tools},
                check=True,
                stdout=subprocess.PIPE,
                text=True,
                timeout=60,
            ).stdout
    assert compared == 4
