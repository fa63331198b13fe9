"""Checks how comments open.

    prose.py

A comment block that opens with "What", "Whether", "Who", "Where" or "How" describes its subject in
a roundabout way. Prints each of them, and exits with 1 if they are more than 2 % of all blocks.
"""

import subprocess
import sys
from pathlib import Path

OPENINGS = ("What", "Whether", "Who", "Where", "How")
LIMIT_PERCENT = 2
# The marks that a comment line may start with, longest first.
MARKS = {".rs": ("//!", "///", "//"), ".py": ("#",), ".sh": ("#",), ".toml": ("#",)}


def main() -> int:
    listed = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True)
    blocks, findings = 0, []
    for name in listed.stdout.splitlines():
        marks = MARKS.get(Path(name).suffix)
        if marks is None or not Path(name).is_file():
            continue
        previous = None
        for number, line in enumerate(Path(name).read_text().splitlines(), start=1):
            text = line.strip()
            mark = next((mark for mark in marks if text.startswith(mark)), None)
            if mark is not None and mark != previous:
                blocks += 1
                words = text.removeprefix(mark).split()
                if words and words[0].rstrip(",.:") in OPENINGS:
                    findings.append(f"{name}:{number}: {text}")
            previous = mark
    print("\n".join(findings))
    percent = 100 * len(findings) / blocks
    print(f"{len(findings)} of {blocks} comment blocks ({percent:.1f} %) open with {OPENINGS}")
    return 1 if percent > LIMIT_PERCENT else 0


if __name__ == "__main__":
    sys.exit(main())
