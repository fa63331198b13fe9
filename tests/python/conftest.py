"""Fixtures of the tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import rockon_sync
from support import CatalogDir, Server, serve


@pytest.fixture
def catalog(tmp_path: Path) -> CatalogDir:
    """A catalog of three definitions, not yet published."""
    catalog = CatalogDir(tmp_path / "catalog")
    for name in ("Alpha", "Beta", "Gamma Ray"):
        catalog.put(name)
    return catalog


@pytest.fixture
def v1(catalog: CatalogDir) -> Iterator[Server]:
    """The catalog directory, served unpublished."""
    with serve(catalog.path) as server:
        yield server


@pytest.fixture
def v2(catalog: CatalogDir) -> Iterator[Server]:
    """The catalog, published and served."""
    rockon_sync.publish(catalog.path)
    with serve(catalog.path / "v2") as server:
        yield server


@pytest.fixture
def store(tmp_path: Path) -> rockon_sync.Store:
    """A store that does not exist yet."""
    return rockon_sync.Store(tmp_path / "store")
