"""The served directory, and the states that it can be switched to."""

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
    """The state of the server, in the order of their publication."""

    EARLIER = "earlier"
    BASE = "base"
    ONE = "one changed"
    MANY = "many changed"

    @property
    def previous(self) -> State | None:
        """The state that this one is published after."""
        return {State.EARLIER: None, State.BASE: State.EARLIER}.get(self, State.BASE)


SUCCESSORS = (State.ONE, State.MANY)

PUBLISHED = 1_700_000_000
"""The time of the first publication, in seconds since 1970. Each other state is a day later."""


@dataclass
class Served:
    """`states/<state>/` holds the trees; `current` is a symbolic link to one of them.

    Trees are `v1` (the catalog directory itself), `v2` (published from it) and `plain` (the same
    without packs). Unchanged files are hard links between states, since web servers compare times.
    """

    directory: Path
    catalogs: dict[State, Catalog]
    seconds: dict[str, float] = field(default_factory=dict)
    """The time to prepare the server's side, by name of the peer."""

    def tree(self, state: State, name: str) -> Path:
        """Returns the path of a tree."""
        return self.directory / "states" / state.value.replace(" ", "-") / name

    def switch(self, state: State) -> None:
        """Serves another state."""
        new = self.directory / "current.new"
        new.symlink_to(self.tree(state, "v1").parent)
        new.replace(self.directory / "current")

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Adds to the duration of a step."""
        started = time.monotonic()
        yield
        self.seconds[what] = self.seconds.get(what, 0.0) + time.monotonic() - started


def serve_states(directory: Path, base: Catalog) -> Served:
    """Creates the states of a catalog, unpublished."""
    catalogs = {
        State.EARLIER: catalog.one_earlier(base),
        State.BASE: base,
        State.ONE: catalog.one_changed(base),
        State.MANY: catalog.many_changed(base),
    }
    served = Served(directory, catalogs)
    for day, (state, content) in enumerate(catalogs.items()):
        if state.previous:
            copy(served.tree(state.previous, "v1"), served.tree(state, "v1"))
        content.write(served.tree(state, "v1"), PUBLISHED + day * 86400)
    served.switch(State.BASE)
    return served


def publish(served: Served, program: Path) -> None:
    """Publishes every state as the successor of the previous one."""
    for day, state in enumerate(State):
        tree = served.tree(state, "v2")
        if state.previous:
            copy(served.tree(state.previous, "v2"), tree)
        with served.timed(f"publish {state.value}"):
            publish_one(program, served.tree(state, "v1"), tree, PUBLISHED + day * 86400)
        # These heads have the same second, so nginx would give them the same ETag.
        os.utime(tree / "root.sha", times=(PUBLISHED + day * 86400,) * 2)


def publish_plain(served: Served) -> None:
    """Creates the same trees without packs."""
    for state in State:
        copy(served.tree(state, "v2"), served.tree(state, "plain"))
        without_packs(served.tree(state, "plain"))


def publish_one(program: Path, source: Path, tree: Path, when: int) -> None:
    """Publishes a directory at a given time."""
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
    """Removes the packs from a tree's head, as in a head written by hand."""
    head = tree / "root.sha"
    lines = head.read_text().splitlines(keepends=True)
    replace(head, "".join(line for line in lines if not line.startswith(("# pack ", "# delta "))))


def replace(path: Path, text: str) -> None:
    """Replaces a file that may have hard links, which keep the old content."""
    modified = path.stat().st_mtime
    new = path.with_name(path.name + ".new")
    new.write_text(text)
    os.utime(new, (modified, modified))
    new.replace(path)


def copy(source: Path, target: Path, how: Sequence[str] = ("-al",)) -> None:
    """Copies a directory, by default with hard links."""
    target.parent.mkdir(parents=True, exist_ok=True)
    run("cp", *how, source, target)
