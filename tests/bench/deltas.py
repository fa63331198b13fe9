"""Sizes of packs, compared with the smallest patches of a general tool for the same text."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from peers import MANY_ENTRIES
from processes import run
from served import SUCCESSORS, Served, State

WINDOW = "--long=31"


@dataclass(frozen=True)
class Delta:
    """Sizes in bytes; `pack` is None if the tree has no such pack."""

    catalog: str
    step: str
    pack: int | None
    text: int
    """`zstd -19 --patch-from` of only the definitions; for the bundle, `zstd -19`."""
    text_and_manifest: int
    """The same for definitions and manifest, the contents of a pack."""


def measure(served: Served) -> list[Delta]:
    """Measures the bundle of the base and the packs to its successors."""
    base = served.catalogs[State.BASE]
    if len(base.ids) > MANY_ENTRIES:
        return []
    old_manifest = manifest(served, State.BASE)
    old = base.concatenated()
    found = [
        Delta(
            base.what,
            "everything",
            pack(served, State.BASE, "empty"),
            patch(b"", old),
            patch(b"", old_manifest + old),
        )
    ]
    for state in SUCCESSORS:
        new = served.catalogs[state].concatenated()
        found.append(
            Delta(
                base.what,
                state.value,
                pack(served, state, digest(served, State.BASE)),
                patch(old, new),
                patch(old_manifest + old, manifest(served, state) + new),
            )
        )
    return found


def patch(old: bytes, new: bytes) -> int:
    """Returns the size of the smallest patch from an old text to a new one."""
    with tempfile.TemporaryDirectory() as directory:
        before, after, result = (Path(directory) / name for name in ("before", "after", "patch"))
        after.write_bytes(new)
        base: list[str | Path] = []
        if old:
            before.write_bytes(old)
            base = [f"--patch-from={before}"]
        run("zstd", "-19", WINDOW, "-q", "-T1", *base, after, "-o", result)
        return result.stat().st_size


def manifest(served: Served, state: State) -> bytes:
    """Returns the published manifest."""
    return (served.tree(state, "v2") / "root.json").read_bytes()


def digest(served: Served, state: State) -> str:
    """Returns the digest of the published manifest, as used in names of packs."""
    return (served.tree(state, "v2") / "root.sha").read_text()[:12]


def pack(served: Served, state: State, base: str) -> int | None:
    """Returns the size of the pack from a base to a state."""
    path = served.tree(state, "v2") / "packs" / f"{base}-{digest(served, state)}.tar.zst"
    return path.stat().st_size if path.is_file() else None
