"""Catalogs to measure with: the real one, the sample, and large ones made from either."""

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
"""In a made definition, this share of the words in each text is replaced by words drawn from all
texts of the catalog it is made from. Thousands of them then compress to about 350 bytes each, where
the real ones take 380: mere copies would take nearly nothing."""

SHORTEST_TEXT = 12
"""Characters below which a value is a word of the format, not a text to vary."""

CHANGED = 30
"""Definitions changed in the step that changes many; it adds one and removes one as well."""


@dataclass(frozen=True)
class Catalog:
    """Entry id to file name, and file name to text."""

    what: str
    ids: dict[str, str]
    texts: dict[str, str]

    def write(self, folder: Path, modified: int) -> None:
        """Writes `root.json` and every file; one that is there already with this text stays.

        Times are given, because web servers make ETags of size and time, in whole seconds.
        """
        folder.mkdir(parents=True, exist_ok=True)
        texts = self.texts | {"root.json": json.dumps(self.ids, indent=4) + "\n"}
        for path in list(folder.iterdir()):
            if path.is_file() and path.name not in texts:
                path.unlink()
        for name, text in texts.items():
            path = folder / name
            if not path.exists() or path.read_text() != text:
                # A new file: the old one may be linked from elsewhere.
                path.unlink(missing_ok=True)
                path.write_text(text)
                os.utime(path, times=(modified, modified))

    def size(self) -> int:
        """Bytes of all definition files."""
        return sum(len(text.encode()) for text in self.texts.values())

    def concatenated(self) -> bytes:
        """Every definition file, one after the other, in the order of the ids."""
        return "".join(self.texts[self.ids[key]] for key in sorted(self.ids)).encode()


@contextmanager
def history() -> Iterator[list[Path]]:
    """The states of the real catalog, oldest first; none where the history is missing."""
    named = os.environ.get("ROCKON_REGISTRY_HISTORY", ROOT.parent / "shared/registry")
    archive = Path(named) / ARCHIVE
    if not archive.is_file():
        yield []
        return
    with TemporaryDirectory(prefix="rockon-sync-history-") as unpacked:
        with tarfile.open(archive) as states:
            states.extractall(unpacked, filter="data")
        yield sorted(path for path in Path(unpacked).iterdir() if path.is_dir())


def read(folder: Path, what: str) -> Catalog:
    """Reads a catalog: what its `root.json` names, nothing else that lies there."""
    ids: dict[str, str] = json.loads((folder / "root.json").read_text())
    return Catalog(what, ids, {name: (folder / name).read_text() for name in ids.values()})


def sample() -> Catalog:
    """The catalog that comes with the project."""
    return read(SAMPLE, "the sample catalog")


def made(entries: int, source: Catalog) -> Catalog:
    """A catalog of so many entries, each made from one of the source; always the same.

    What has to be unique (ids, file names, names, container names, images) gets a number,
    ports are drawn anew, and texts vary as `SHARE_OF_OTHER_WORDS` says.
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
                definition["container_links"] = linked(definition["container_links"], number)
            content[f"{name} {number}"] = definition
        file = f"app-{number:06}.json"
        ids[next(iter(content)).lower()] = file
        texts[file] = json.dumps(content, indent=4, ensure_ascii=False) + "\n"
    return Catalog(f"{entries:,} entries made from {source.what}", ids, texts)


def linked(links: dict[str, Any], number: int) -> dict[str, Any]:
    """Links between containers, with the containers' new names."""
    return {
        f"{container}-{number}": [
            link | {"source_container": f"{link['source_container']}-{number}"} for link in each
        ]
        for container, each in links.items()
    }


def texts_in(value: Any) -> Iterator[str]:
    """Every text in a definition that is longer than a word of the format."""
    if isinstance(value, dict):
        for each in value.values():
            yield from texts_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts_in(each)
    elif isinstance(value, str) and len(value) >= SHORTEST_TEXT:
        yield value


def varied(value: Any, words: list[str], draw: random.Random) -> Any:
    """A value with other texts and ports in the same places."""
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


def one_changed(before: Catalog) -> Catalog:
    """One definition in the middle got another description, in one line, as by an editor."""
    return edited(before, sorted(before.ids)[len(before.ids) // 2 :][:1])


def many_changed(before: Catalog) -> Catalog:
    """Definitions all over the catalog changed (see `CHANGED`), one added, one removed."""
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
    """The catalog with another description in each of these entries."""
    texts = dict(before.texts)
    for number, key in enumerate(keys):
        name = before.ids[key]
        text = f"Release {number + 2}.1 needs less memory. "
        texts[name], found = re.subn(r'("description": *")', rf"\g<1>{text}", texts[name], count=1)
        if not found:
            raise ValueError(f"{name} has no description to change")
    return Catalog(before.what, before.ids, texts)
