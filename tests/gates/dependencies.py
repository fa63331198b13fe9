"""Checks the dependencies against deny.toml, and their Rust versions against the minimum.

Compiling cargo-deny takes longer than all other checks together, so this reads the same tables of
the same file. If cargo-deny is installed, dependencies.sh runs it as well.
"""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
CRATES_IO = "registry+https://github.com/rust-lang/crates.io-index"

NO_DATABASE = "SKIPPED: advisories: set ROCKON_ADVISORY_DB to a checkout of RustSec's advisory-db"

Version = tuple[int, int, int]
Package = dict[str, Any]


def main() -> int:
    rules = tomllib.loads((ROOT / "deny.toml").read_text())
    command = ["cargo", "metadata", "--format-version=1", "--locked", "--all-features"]
    metadata = json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=-1).stdout)
    members = set(metadata["workspace_members"])
    own = [package for package in metadata["packages"] if package["id"] in members]
    others = [package for package in metadata["packages"] if package["id"] not in members]

    findings = [
        *licences(others, rules["licenses"]),
        *doubles(others, rules["bans"]["skip"]),
        *sources(others),
        *wildcards(own),
        *rust_versions(others, own[0]["rust_version"]),
    ]
    checked = "licences, doubles, sources, Rust versions"
    database = advisory_database()
    if database is None:
        print(NO_DATABASE)
    else:
        findings += advisories(others, database, rules["advisories"]["ignore"])
        checked += ", advisories"
    for finding in findings:
        print(finding)
    print(f"{len(others)} dependencies, {len(findings)} findings: {checked}")
    return 1 if findings else 0


def licences(packages: list[Package], rules: dict[str, Any]) -> Iterator[str]:
    allowed = set(rules["allow"])
    exceptions = {row["crate"]: set(row["allow"]) for row in rules["exceptions"]}
    used = set()
    for package in packages:
        used_here = [name for name in exceptions if name == package["name"]]
        used.update(used_here)
        fitting = allowed | exceptions.get(package["name"], set())
        if not is_met(package["license"] or "", fitting):
            yield f"{shown(package)}: licence {package['license'] or 'not stated'}"
    for name in exceptions.keys() - used:
        yield f"deny.toml: the exception for {name} is unused"


def is_met(expression: str, allowed: set[str]) -> bool:
    """Returns true if these licences satisfy an SPDX expression; `/` is the old form of `OR`."""
    expression = re.sub(r"\s*/\s*", " OR ", expression)
    tokens = re.findall(r"[()]|[^\s()]+(?: WITH [^\s()]+)?", expression)

    def either() -> bool:
        met = both()
        while tokens and tokens[0] == "OR":
            tokens.pop(0)
            met |= both()
        return met

    def both() -> bool:
        met = one()
        while tokens and tokens[0] == "AND":
            tokens.pop(0)
            met &= one()
        return met

    def one() -> bool:
        token = tokens.pop(0)
        if token == "(":
            met = either()
            tokens.pop(0)
            return met
        return token in allowed

    return bool(tokens) and either() and not tokens


def doubles(packages: list[Package], skip: list[dict[str, str]]) -> Iterator[str]:
    by_name = defaultdict(list)
    for package in packages:
        by_name[package["name"]].append(package)
    skipped = {row["crate"] for row in skip}
    used = set()
    for same in by_name.values():
        kept = []
        for package in same:
            # An exact version or, in the form `name@1`, a prefix of one.
            full = f"{package['name']}@{package['version']}"
            row = next((row for row in skipped if full == row or full.startswith(row + ".")), None)
            if row is None or len(same) == 1:
                kept.append(package)
            else:
                used.add(row)
        if len(kept) > 1:
            yield f"{' and '.join(map(shown, kept))}: expected one version (see cargo tree -i)"
    for row in skipped - used:
        yield f"deny.toml: {row} is unused: it is the only version, or not a dependency"


def sources(packages: list[Package]) -> Iterator[str]:
    for package in packages:
        if package["source"] != CRATES_IO:
            yield f"{shown(package)}: comes from {package['source']}"


def wildcards(own: list[Package]) -> Iterator[str]:
    for package in own:
        for dependency in package["dependencies"]:
            if dependency["req"] == "*" and "path" not in dependency:
                yield f"{package['name']}: any version of {dependency['name']}"


def rust_versions(packages: list[Package], promised: str) -> Iterator[str]:
    for package in packages:
        needed = package["rust_version"]
        if needed and version(needed) > version(promised):
            yield f"{shown(package)}: needs Rust {needed}, {promised} is promised"


def advisory_database() -> Path | None:
    """Returns a checkout of RustSec's advisory-db: the configured one, or that of cargo-audit or
    cargo-deny."""
    if named := os.environ.get("ROCKON_ADVISORY_DB"):
        return Path(named)
    cargo = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
    places = [cargo / "advisory-db", *sorted((cargo / "advisory-dbs").glob("*"))]
    return next((place for place in places if (place / "crates").is_dir()), None)


def advisories(packages: list[Package], database: Path, ignored: list[str]) -> Iterator[str]:
    for package in packages:
        for path in sorted((database / "crates" / package["name"]).glob("RUSTSEC-*.md")):
            text = path.read_text()
            front = re.search(r"```toml\n(.*?)```\s*(?:#\s*(.*))?", text, re.DOTALL)
            if front is None:
                yield f"{path}: no advisory"
                continue
            entry = tomllib.loads(front[1])
            safe = [*entry["versions"].get("patched", []), *entry["versions"].get("unaffected", [])]
            about = entry["advisory"]
            if about["id"] in ignored or about.get("withdrawn"):
                continue
            if not any(fits(package["version"], requirement) for requirement in safe):
                yield f"{shown(package)}: {about['id']} {(front[2] or '').splitlines()[0]}"


def fits(held: str, requirement: str) -> bool:
    """Returns true if an advisory covers this version."""
    at = version(held)
    for part in requirement.split(","):
        found = re.fullmatch(r"\s*(>=|<=|>|<|=|\^|~)?\s*([\w.+-]+)\s*", part)
        if found is None:
            return False
        bound = version(found[2])
        # A version without an operator is a caret requirement. After leading zeros, the next number
        # decides.
        first = next((n for n, number in enumerate(bound) if number), 2)
        met = {
            ">=": at >= bound,
            "<=": at <= bound,
            ">": at > bound,
            "<": at < bound,
            "=": at == bound,
            "~": at >= bound and at[:2] == bound[:2],
        }.get(found[1] or "^", at >= bound and at[: first + 1] == bound[: first + 1])
        if not met:
            return False
    return True


def version(text: str) -> Version:
    numbers = [int(number) for number in re.split(r"[-+]", text)[0].split(".")]
    major, minor, patch = (*numbers, 0, 0)[:3]
    return major, minor, patch


def shown(package: Package) -> str:
    return f"{package['name']} {package['version']}"


if __name__ == "__main__":
    sys.exit(main())
