"""Catalogs to measure: the real one, the sample, and large ones derived from either."""

from __future__ import annotations

import json
import os
import random
import re
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "demo/catalog"
ARCHIVE = "registry-2015-2023.tar.xz"
REAL = "the last state of the real catalog"

SHARE_OF_OTHER_WORDS = 0.8
"""The share of words in each text of a generated definition that is replaced by words from the
whole source catalog. With it, thousands of generated definitions compress to about 350 bytes each,
the real ones to 380. Plain copies would compress to nearly nothing."""

SHORTEST_TEXT = 12
"""Shorter values are words of the format, not texts to vary."""

CHANGED = 30
"""Definitions changed by the step with many changes, which also adds one and removes one."""


@dataclass(frozen=True)
class Catalog:
    """Maps entry ids to file names, and file names to texts."""

    what: str
    ids: dict[str, str]
    texts: dict[str, str]

    def write(self, directory: Path, modified: int) -> None:
        """Writes `root.json` and every file. Files that already have the same text are kept.

        Times are explicit, because web servers make ETags from size and time in whole seconds.
        """
        directory.mkdir(parents=True, exist_ok=True)
        texts = self.texts | {"root.json": json.dumps(self.ids, indent=4) + "\n"}
        for path in list(directory.iterdir()):
            if path.is_file() and path.name not in texts:
                path.unlink()
        for name, text in texts.items():
            path = directory / name
            if not path.exists() or path.read_text() != text:
                # The old file may have hard links, so it must not be overwritten.
                path.unlink(missing_ok=True)
                path.write_text(text)
                os.utime(path, times=(modified, modified))

    def size(self) -> int:
        """Returns the total size of all definition files."""
        return sum(len(text.encode()) for text in self.texts.values())

    def concatenated(self) -> bytes:
        """Returns all definition files concatenated, in the order of the ids."""
        return "".join(self.texts[self.ids[key]] for key in sorted(self.ids)).encode()


@contextmanager
def history() -> Iterator[list[Path]]:
    """Returns the states of the real catalog, oldest first; none if the history is missing."""
    named = os.environ.get("ROCKON_REGISTRY_HISTORY", ROOT.parent / "shared/registry")
    archive = Path(named) / ARCHIVE
    if not archive.is_file():
        yield []
        return
    with TemporaryDirectory(prefix="rockon-sync-history-") as unpacked:
        with tarfile.open(archive) as states:
            states.extractall(unpacked, filter="data")
        yield sorted(path for path in Path(unpacked).iterdir() if path.is_dir())


def read(directory: Path, what: str) -> Catalog:
    """Reads `root.json` and the files that it names."""
    ids: dict[str, str] = json.loads((directory / "root.json").read_text())
    return Catalog(what, ids, {name: (directory / name).read_text() for name in ids.values()})


def sample() -> Catalog:
    """Returns the sample catalog of the project."""
    return read(SAMPLE, "the sample catalog")


def made(entries: int, source: Catalog) -> Catalog:
    """Returns a catalog of this many entries, each derived from one of the source; always the same.

    Unique values (ids, file names, names, container names, images) get a number, ports are drawn
    again, and texts vary by `SHARE_OF_OTHER_WORDS`.
    """
    models = [json.loads(source.texts[name]) for name in source.ids.values()]
    words = [word for model in models for text in texts_in(model) for word in text.split()]
    ids: dict[str, str] = {}
    texts: dict[str, str] = {}
    for number in range(entries):
        draw = random.Random(number)
        content = {}
        for name, model in models[number % len(models)].items():
            definition = varied(model, words, draw)
            definition["containers"] = {
                f"{container}-{number}": spec | {"image": f"{spec.get('image', 'image')}-{number}"}
                for container, spec in definition["containers"].items()
            }
            if "container_links" in definition:
                # The names of containers are no texts to vary.
                definition["container_links"] = linked(model["container_links"], number)
            content[f"{name} {number}"] = definition
        file = f"app-{number:06}.json"
        ids[next(iter(content)).lower()] = file
        texts[file] = json.dumps(content, indent=4, ensure_ascii=False) + "\n"
    return Catalog(f"{entries:,} entries made from {source.what}", ids, texts)


def linked(links: dict[str, Any], number: int) -> dict[str, Any]:
    """Replaces the container names in links."""
    return {
        f"{container}-{number}": [
            link | {"source_container": f"{link['source_container']}-{number}"} for link in each
        ]
        for container, each in links.items()
    }


def texts_in(value: Any) -> Iterator[str]:
    """Yields every text in a definition."""
    if isinstance(value, dict):
        for each in value.values():
            yield from texts_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts_in(each)
    elif isinstance(value, str) and len(value) >= SHORTEST_TEXT:
        yield value


def varied(value: Any, words: list[str], draw: random.Random) -> Any:
    """Returns a value with different texts and ports in the same places."""
    if isinstance(value, dict):
        return {
            key: draw.randrange(1024, 65536)
            if key == "host_default" and isinstance(each, int)
            else varied(each, words, draw)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [varied(each, words, draw) for each in value]
    if isinstance(value, str) and len(value) >= SHORTEST_TEXT:
        return " ".join(
            draw.choice(words) if draw.random() < SHARE_OF_OTHER_WORDS else word
            for word in value.split()
        )
    return value


def one_earlier(base: Catalog) -> Catalog:
    """Returns the state before `base`, in which one definition had another description."""
    return edited(base, sorted(base.ids)[len(base.ids) // 3 :][:1])


def one_changed(before: Catalog) -> Catalog:
    """Changes the description of one definition in one line, as an editor would."""
    return edited(before, sorted(before.ids)[len(before.ids) // 2 :][:1])


def many_changed(before: Catalog) -> Catalog:
    """Changes definitions all over the catalog (see `CHANGED`), adds one and removes one."""
    keys = sorted(before.ids)
    step = max(len(keys) // CHANGED, 1)
    after = edited(before, keys[1::step][:CHANGED])
    ids, texts = dict(after.ids), dict(after.texts)
    del texts[ids.pop(keys[0])]
    model = made(len(before.ids) + 1, Catalog("", {keys[2]: before.ids[keys[2]]}, before.texts))
    new_id, file = list(model.ids.items())[-1]
    ids[new_id], texts[f"new-{file}"] = f"new-{file}", model.texts[file]
    return Catalog(before.what, ids, texts)


def edited(before: Catalog, keys: list[str]) -> Catalog:
    """Returns the catalog with a different description in each of these entries."""
    texts = dict(before.texts)
    for number, key in enumerate(keys):
        name = before.ids[key]
        text = f"Release {number + 2}.1 needs less memory. "
        texts[name], found = re.subn(r'("description": *")', rf"\g<1>{text}", texts[name], count=1)
        if not found:
            raise ValueError(f"{name} has no description to change")
    return Catalog(before.what, before.ids, texts)
