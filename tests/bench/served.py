"""The folder that is served, and the three states that it can be switched between."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import catalog
from catalog import Catalog
from processes import run


class State(Enum):
    """What the server has."""

    BASE = "base"
    ONE = "one changed"
    MANY = "many changed"


SUCCESSORS = (State.ONE, State.MANY)

PUBLISHED = 1_700_000_000
"""When the base was published, in seconds since 1970; its successors follow by a day each."""


@dataclass
class Served:
    """`states/<state>/` holds the trees; `current` is a symbolic link to one of them.

    Trees are `v1` (the catalog as it is kept), `v2` (published from it) and `plain` (the
    same without packs). Files are linked between states, as times tell what has changed.
    """

    folder: Path
    catalogs: dict[State, Catalog]
    seconds: dict[str, float] = field(default_factory=dict)
    """How long the server's side of each peer took to make, by its name."""

    def tree(self, state: State, name: str) -> Path:
        """One of the trees."""
        return self.folder / "states" / state.value.replace(" ", "-") / name

    def switch(self, state: State) -> None:
        """Serves another state from now on."""
        new = self.folder / "current.new"
        new.symlink_to(self.tree(state, "v1").parent)
        new.replace(self.folder / "current")

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Adds to how long something took."""
        started = time.monotonic()
        yield
        self.seconds[what] = self.seconds.get(what, 0.0) + time.monotonic() - started


def serve_states(folder: Path, base: Catalog) -> Served:
    """Makes the three states of a catalog; nothing is published yet."""
    catalogs = {
        State.BASE: base,
        State.ONE: catalog.one_changed(base),
        State.MANY: catalog.many_changed(base),
    }
    served = Served(folder, catalogs)
    for day, (state, content) in enumerate(catalogs.items()):
        if state is not State.BASE:
            copy(served.tree(State.BASE, "v1"), served.tree(state, "v1"))
        content.write(served.tree(state, "v1"), PUBLISHED + day * 86400)
    served.switch(State.BASE)
    return served


def publish(served: Served, program: Path) -> None:
    """Publishes every state, the two others as successors of the base."""
    for day, state in enumerate(State):
        tree = served.tree(state, "v2")
        if state is not State.BASE:
            copy(served.tree(State.BASE, "v2"), tree)
        with served.timed(f"publish {state.value}"):
            publish_one(program, served.tree(state, "v1"), tree, PUBLISHED + day * 86400)
        # These heads are of the same second, in which an ETag of nginx does not tell them apart.
        os.utime(tree / "root.sha", times=(PUBLISHED + day * 86400,) * 2)


def publish_plain(served: Served) -> None:
    """Makes the same trees without packs."""
    for state in State:
        copy(served.tree(state, "v2"), served.tree(state, "plain"))
        without_packs(served.tree(state, "plain"))


def publish_one(program: Path, source: Path, tree: Path, when: int) -> None:
    """Publishes a folder at a given time."""
    run(
        "env",
        f"SOURCE_DATE_EPOCH={when}",
        program,
        "publish",
        source,
        "--out",
        tree,
        "--lenient",
        "--allow-mass-delete",
    )


def without_packs(tree: Path) -> None:
    """Takes the packs out of a tree's head, as whoever writes a head by hand would."""
    head = tree / "root.sha"
    lines = head.read_text().splitlines(keepends=True)
    replace(head, "".join(line for line in lines if not line.startswith("# pack ")))


def replace(path: Path, text: str) -> None:
    """Writes a file that may be linked from elsewhere: the link goes, its target stays."""
    modified = path.stat().st_mtime
    new = path.with_name(path.name + ".new")
    new.write_text(text)
    os.utime(new, (modified, modified))
    new.replace(path)


def copy(source: Path, target: Path, how: Sequence[str] = ("-al",)) -> None:
    """Copies a folder, by hard links unless told otherwise."""
    target.parent.mkdir(parents=True, exist_ok=True)
    run("cp", *how, source, target)
