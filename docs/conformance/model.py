"""Cases, and the trees that most of them are made of."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from wire import Fields, canonical, digest

Files = dict[str, bytes]
Rules = dict[str, dict[str, Any]]


@dataclass
class Step:
    """A tree, and the verdict that a client must reach about it."""

    tree: Files
    verdict: str
    # The entries in DIR/current, by path.
    files: Files = field(default_factory=dict)
    # Exceptions to how the tree is served, by path.
    http: Rules = field(default_factory=dict)


@dataclass
class Case:
    name: str
    kind: str
    summary: str
    steps: list[Step]
    client: str = "plain"
    # A path below the URL, a manifest with another name, and trusted keys.
    path: str = ""
    manifest: str = ""
    keys: list[str] = field(default_factory=list)


def definition(name: str, version: str = "1") -> bytes:
    """Returns the file of a Rock-on."""
    container = {"image": f"example/{name.lower()}", "launch_order": 1}
    fields = {"description": f"The {name}", "version": version, "website": ""}
    return (json.dumps({name: {**fields, "containers": {name.lower(): container}}}) + "\n").encode()


A, B, C = definition("A"), definition("B"), definition("C")
A2 = definition("A", "2")

# The tree of the first step of most cases, so that there is something to keep.
BASE: Files = {"a.json": A, "b.json": B}
# The tree of their second step.
NEXT: Files = {"a.json": A2, "b.json": B, "c.json": C}


def entry(path: str, content: bytes, **fields: object) -> Fields:
    return {"url": path, "sha": digest(content), "size": len(content), **fields}


def entries(files: Mapping[str, bytes]) -> dict[str, Fields]:
    return {path: entry(path, content) for path, content in files.items()}


def head(manifest: bytes, *lines: str, serial: int | None = 1, name: str = "root.json") -> bytes:
    """Returns a head: `lines` follow, each without its mark."""
    serials = [] if serial is None else [f"serial {serial}"]
    rows = [f"{digest(manifest)}  {name}", *(f"# {line}" for line in [*serials, *lines])]
    return "".join(f"{row}\n" for row in rows).encode()


def tree(files: Files, *lines: str, serial: int | None = 1) -> Files:
    """Returns the tree of these files, with further lines in its head."""
    manifest = canonical(entries(files))
    return {"root.sha": head(manifest, *lines, serial=serial), "root.json": manifest, **files}


def tree_of(manifest: bytes, files: Files, *lines: str, serial: int = 2) -> Files:
    """Returns the tree of a manifest that was made by hand."""
    return {"root.sha": head(manifest, *lines, serial=serial), "root.json": manifest, **files}


def base() -> Step:
    return Step(tree(BASE), "accepted", BASE)


def refused(tree: Files, http: Rules | None = None) -> list[Step]:
    """Returns a good publication, then one that must be refused."""
    return [base(), Step(tree, "refused", http=http or {})]


def accepted(tree: Files, files: Files, http: Rules | None = None) -> list[Step]:
    return [base(), Step(tree, "accepted", files, http or {})]


def each(
    kind: str, make: Callable[..., list[Step]], rows: Iterable[tuple[Any, ...]]
) -> Iterable[Case]:
    """Yields a case for each row: its class, name, summary, and what `make` takes."""
    for client, name, summary, *arguments in rows:
        yield Case(f"{kind}-{name}", kind, summary, make(*arguments), client)
