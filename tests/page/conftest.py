"""Catalogs with their pages, and the browser."""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Browser

DAY_S = 86_400

HOSTILE = [
    "<script>window.pwned = 1; alert(1)</script>",
    "</script><script>window.pwned = 2; alert(2)</script>",
    '"><img src=x onerror="window.pwned = 3; alert(3)">',
    "'><svg/onload='window.pwned = 4'>",
    "&lt;script&gt;window.pwned = 5&lt;/script&gt;",
    "]]><script>window.pwned = 6</script>",
    "</style></title></textarea><iframe srcdoc='<script>parent.pwned = 7</script>'>",
    "<a href='javascript:window.pwned = 8'>x</a>",
    "\u202egnirts\u2066 nul\u0000 bell\u0007 \ufffe\uffff",
    "<base href='http://outside.example/'><meta http-equiv=refresh content='0;url=//outside'>",
]
"""Names and descriptions that must be treated as text."""


def definition(name: str, **fields: object) -> dict[str, object]:
    container = {"image": "example/image", "launch_order": 1}
    base: dict[str, object] = {
        "description": f"{name} for tests.",
        "website": "https://example.org/",
        "version": "1.0",
        "containers": {f"box of {name}": container},
    }
    return {name: base | fields}


class Catalog:
    """A catalog directory, and the tree published from it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "catalog"
        self.tree = directory / "tree"
        self.directory.mkdir()
        self.files: dict[str, str] = {}

    def put(self, entry_id: str, file: str, content: object) -> None:
        (self.directory / file).write_text(json.dumps(content))
        self.files[entry_id] = file

    def publish(self, day: int, *arguments: str) -> None:
        """Publishes this many days after 2026-01-01."""
        (self.directory / "root.json").write_text(json.dumps(self.files))
        publish(self.directory, self.tree, day, *arguments)

    @property
    def page(self) -> str:
        return (self.tree / "index.html").as_uri()


def publish(directory: Path, tree: Path, day: int, *arguments: str) -> None:
    program = os.environ["ROCKON_SYNC_PROGRAM"]
    command: list[str | Path] = [program, "publish", directory, "--out", tree, "--page", *arguments]
    time = str(1_767_225_600 + day * DAY_S)
    subprocess.run(command, env={"SOURCE_DATE_EPOCH": time}, check=True, capture_output=True)


@pytest.fixture(scope="session")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """Three entries, each published on a different day, for different machines."""
    catalog = Catalog(tmp_path_factory.mktemp("plain"))
    catalog.put("alpha", "alpha.json", definition("Alpha", arch=["amd64"]))
    catalog.publish(0)
    beta = definition("Beta", description="Plays <b>music</b>.", arch=["arm64", "amd64"])
    catalog.put("beta", "b eta?#.json", beta)
    catalog.publish(10)
    catalog.put("gamma", "gamma.json", definition("Gamma", description="Plays films."))
    catalog.publish(20)
    return catalog


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """Definitions in which every text is an attack, added to a harmless first one."""
    catalog = Catalog(tmp_path_factory.mktemp("hostile"))
    catalog.put("first", "first.json", definition("First", website=""))
    catalog.publish(0)
    for n, text in enumerate(HOSTILE):
        website = ["javascript:window.pwned = 9", "data:text/html,<script>1</script>"][n % 2]
        # A name with control characters is refused.
        name = "".join(c for c in text if unicodedata.category(c) != "Cc")
        content = definition(name, description=text * 50, website=website, version=text)
        entry_id = "".join(c for c in text if c.isprintable() or c in "\u202e\u2066")
        catalog.put(entry_id, f"{n}'\"<b>&.json", content)
    catalog.publish(1)
    return catalog


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree of the oldest and the newest state in the last archive of the real catalog."""
    named = os.environ.get("ROCKON_REGISTRY_HISTORY", "../shared/registry")
    archives = sorted(Path(named).glob("*.tar.xz"))
    if not archives:
        pytest.skip("no history of the catalog (set ROCKON_REGISTRY_HISTORY to its directory)")
    directory = tmp_path_factory.mktemp("real")
    with tarfile.open(archives[-1]) as archive:
        members = archive.getmembers()
        states = {name for name in (m.name.split("/")[0] for m in members) if name.isdigit()}
        archive.extractall(directory, members, filter="data")
    for day, state in enumerate([min(states), max(states)]):
        arguments = ["--lenient", "--allow-mass-delete"]
        publish(directory / state, directory / "tree", day, *arguments)
    return directory / "tree"


@pytest.fixture(scope="session")
def one_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Starting the browser takes seconds, so all tests share it."""
    browser = Browser(tmp_path_factory.mktemp("profile"))
    try:
        yield browser
    finally:
        browser.quit()


@pytest.fixture
def browser(one_browser: Browser) -> Browser:
    """The browser, reset to its initial state."""
    one_browser.reset()
    return one_browser
