#!/usr/bin/env python3
"""Writes the conformance vectors: generate.py [--check]

With --check, fails if the committed vectors differ. Needs nothing but Python.
"""

import json
import shutil
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import heads
import keylists
import manifests
import notes
import packs
import trees
from model import Case, Step, base
from wire import digest

CASES = Path(__file__).parent / "cases"
MODULES = [heads, notes, keylists, manifests, trees, packs]


def main() -> int:
    files = generated()
    if sys.argv[1:] == ["--check"]:
        return check(files)
    shutil.rmtree(CASES, ignore_errors=True)
    for path, content in files.items():
        (CASES / path).parent.mkdir(parents=True, exist_ok=True)
        (CASES / path).write_bytes(content)
    print(f"{len(files)} files, {sum(map(len, files.values()))} bytes")
    return 0


def generated() -> dict[str, bytes]:
    """Returns the files of all cases, by their paths."""
    files = {f"base/{path}": content for path, content in base().tree.items()}
    for module in MODULES:
        for case in module.cases():
            if f"{case.name}/case.json" in files:
                raise ValueError(f"duplicate case {case.name}")
            files |= {f"{case.name}/{path}": content for path, content in files_of(case).items()}
    return files


def files_of(case: Case) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    steps = []
    for number, step in enumerate(case.steps, start=1):
        # Most cases begin with the same publication, which is stored once.
        name = "base" if step.tree == base().tree else str(number)
        if name != "base":
            files |= {f"{name}/{quote(path)}": content for path, content in step.tree.items()}
        steps.append(description(name, step))
    optional = {"path": case.path, "manifest": case.manifest, "keys": case.keys}
    about: dict[str, Any] = {"kind": case.kind, "class": case.client, "summary": case.summary}
    about |= {name: value for name, value in optional.items() if value}
    about["steps"] = steps
    files["case.json"] = (json.dumps(about, indent=2) + "\n").encode()
    return files


def description(name: str, step: Step) -> dict[str, Any]:
    about: dict[str, Any] = {"tree": name, "verdict": step.verdict}
    if step.verdict != "refused":
        about["files"] = {path: digest(content) for path, content in sorted(step.files.items())}
    if step.http:
        about["http"] = {quote(path): rule for path, rule in step.http.items()}
    return about


def check(files: dict[str, bytes]) -> int:
    found = {
        str(path.relative_to(CASES)): path.read_bytes()
        for path in CASES.rglob("*")
        if path.is_file()
    }
    different = sorted(path for path in files.keys() | found if files.get(path) != found.get(path))
    for path in different:
        print(f"{path} differs from what generate.py makes")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
