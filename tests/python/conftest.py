"""What the tests have in common."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import rockon_sync
from support import CatalogFolder, Server, serve


@pytest.fixture
def catalog(tmp_path: Path) -> CatalogFolder:
    """A catalog of three definitions, not yet published."""
    catalog = CatalogFolder(tmp_path / "catalog")
    for name in ("Alpha", "Beta", "Gamma Ray"):
        catalog.put(name)
    return catalog


@pytest.fixture
def v1(catalog: CatalogFolder) -> Iterator[Server]:
    """The catalog, served as it is."""
    with serve(catalog.folder) as server:
        yield server


@pytest.fixture
def v2(catalog: CatalogFolder) -> Iterator[Server]:
    """The catalog, published and served."""
    rockon_sync.publish(catalog.folder)
    with serve(catalog.folder / "v2") as server:
        yield server


@pytest.fixture
def store(tmp_path: Path) -> rockon_sync.Store:
    """A store that is not there yet."""
    return rockon_sync.Store(tmp_path / "store")
