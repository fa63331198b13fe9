"""Formats, extensions with their releases, and requirements of definitions."""

from __future__ import annotations

import json
import pickle
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
import rockon_sync
from rockon_sync import (
    Conflict,
    Download,
    Format,
    IntegrityError,
    ManifestError,
    Relations,
    Stability,
    Store,
    StoreError,
    Unmet,
)
from support import CatalogDir

EXTENSION = "<element>shop</element><type>component</type><client>administrator</client>"
RELEASES = f"""<updates>
<update>{EXTENSION}<version>2.0</version><name>Shop</name><description>Sells</description>
  <infourl>https://example.org/shop</infourl><section>Shops</section>
  <maintainer>Ex &amp; Ample</maintainer><tags><tag>stable</tag></tags>
  <downloads><downloadurl type="full" format="zip">https://example.org/shop.zip</downloadurl>
  </downloads><sha256>AB12</sha256><php_minimum>8.1</php_minimum>
  <requires>component/base (&gt;= 1) | component/core</requires>
  <targetplatform name="joomla" version="5.*"/></update>
<update>{EXTENSION}<version>2.1-rc1</version><tags><tag>rc</tag></tags></update>
</updates>
"""
SHOP = "component/shop"


@pytest.fixture
def site(tmp_path: Path) -> Store:
    """A store that is up to date with an update site of one extension."""
    site_dir = tmp_path / "site"
    site_dir.mkdir()
    (site_dir / "shop.xml").write_text(RELEASES)
    (site_dir / "list.xml").write_text(
        '<extensionset><extension type="component" element="shop" detailsurl="shop.xml"/>'
        "</extensionset>"
    )
    published = rockon_sync.publish(site_dir, format="jupdate", out=tmp_path / "tree", lenient=True)
    assert published.added == (SHOP,), published.problems
    store = Store(tmp_path / "store")
    store.update(tmp_path / "tree")
    return store


def test_files_of_any_kind_are_returned_byte_for_byte(tmp_path: Path, store: Store) -> None:
    content = {"icon.png": b"\x89PNG\0\xff", "empty": b"", "notes.txt": "é".encode()}
    for name, data in content.items():
        (tmp_path / "files").mkdir(exist_ok=True)
        (tmp_path / "files" / name).write_bytes(data)
    rockon_sync.publish(tmp_path / "files", format=Format.FILES, out=tmp_path / "tree")
    store.update(tmp_path / "tree")
    catalog = store.catalog()
    assert {name: definition.read_bytes() for name, definition in catalog.items()} == content
    assert catalog["notes.txt"].read_text() == "é"
    assert catalog["icon.png"].format is Format.FILES
    assert catalog["icon.png"].read_version() is None
    with pytest.raises(ManifestError, match="not UTF-8 at byte 0"):
        _ = catalog["icon.png"].read_text()
    with pytest.raises(ValueError, match="expected an extension of a JUpdate site"):
        catalog["icon.png"].read_releases()


def test_formats_and_stabilities_match_the_core(catalog: CatalogDir, site: Store) -> None:
    with pytest.raises(ValueError, match=rf"format \({', '.join(Format)}\), got \"rock\""):
        rockon_sync.publish(catalog.path, format="rock")
    with pytest.raises(ValueError, match=rf"stability \({', '.join(Stability)}\), got \"new\""):
        site.catalog()[SHOP].read_newest_release(stability="new")
    with pytest.raises(ValueError, match="platform"):
        site.catalog().updates_for({}, platform="joomla")


def test_a_release_has_every_field_of_its_site(site: Store) -> None:
    shop = site.catalog()[SHOP]
    assert (shop.format, shop.read_version()) == (Format.JUPDATE, "2.1-rc1")
    assert shop.read_bytes() == RELEASES.encode()
    stable, candidate = shop.read_releases()
    assert (stable.id, stable.version, stable.stability) == (SHOP, "2.0", Stability.STABLE)
    assert (stable.title, stable.description) == ("Shop", "Sells")
    assert (stable.kind, stable.element, stable.folder) == ("component", "shop", None)
    assert (stable.client, stable.tags) == ("administrator", ("stable",))
    assert (stable.section, stable.maintainer) == ("Shops", "Ex & Ample")
    assert stable.platforms == ("joomla >= 5, < 6",)
    assert (stable.info_url, stable.php_minimum) == ("https://example.org/shop", "8.1")
    download = Download(url="https://example.org/shop.zip", kind="full", format="zip")
    assert stable.downloads == (download,)
    assert stable.checksums == {"sha256": "ab12"}
    assert stable.relations.requires == ("component/base (>= 1) | component/core",)
    assert (candidate.platforms, candidate.downloads, candidate.checksums) == ((), (), {})
    assert len({stable, candidate, pickle.loads(pickle.dumps(stable))}) == 2
    with pytest.raises(FrozenInstanceError):
        stable.version = "3"  # type: ignore[misc]


def test_the_newest_release_suits_the_machine(site: Store) -> None:
    shop = site.catalog()[SHOP]
    for platform, stability, expected in (
        (None, None, "2.1-rc1"),
        ("joomla 5.1", Stability.STABLE, "2.0"),
        ("joomla 4.0", "RC", "2.1-rc1"),
        ("joomla 4.0", "stable", None),
    ):
        found = shop.read_newest_release(platform=platform, stability=stability)
        assert (found and found.version) == expected, (platform, stability)


def test_installed_extensions_have_updates(site: Store) -> None:
    catalog = site.catalog()
    installed = {SHOP: "1.9", "component/other": "1", "component/another": "1"}
    found = catalog.updates_for(installed, platform="joomla 5.1", stability="stable")
    (update,) = found.updates
    assert update.definition == catalog[SHOP]
    assert (update.installed, update.release.version) == ("1.9", "2.0")
    assert found.unknown == ("component/another", "component/other")
    assert found.problems == ()
    assert catalog.updates_for({SHOP: "2.0"}, stability="stable").updates == ()
    catalog[SHOP].file.unlink()
    catalog[SHOP].file.write_text("<updates/>")
    (problem,) = catalog.updates_for({SHOP: "1.9"}).problems
    assert isinstance(problem, IntegrityError)


def put(directory: Path, name: str, version: str, **relations: str) -> None:
    containers = {f"box-{name}": {"image": "i", "launch_order": 1}}
    about = {"description": "", "website": "", "version": version, "containers": containers}
    (directory / f"{name}.json").write_text(json.dumps({name: about | relations}))


def test_a_definition_is_installed_after_its_requirements(tmp_path: Path) -> None:
    local = tmp_path / "local"
    local.mkdir()
    put(local, "App", "2", requires="Database (>= 5) | Other, Proxy")
    put(local, "Database", "5.1")
    put(local, "Proxy", "1", conflicts="Firewall (<< 3)", replaces="Old Proxy")
    put(local, "Broken", "1", requires="Nowhere")
    catalog = Store(tmp_path).catalog()
    assert (catalog["App"].format, catalog["App"].read_version()) == (Format.ROCKON, "2")
    assert catalog["App"].read_relations() == Relations(
        requires=("Database (>= 5) | Other", "Proxy"), conflicts=(), replaces=()
    )
    whole = catalog.installation("App", {})
    assert [definition.name for definition in whole.install] == ["Database", "Proxy", "App"]
    assert whole.is_possible
    assert (whole.unmet, whole.conflicts, whole.replaced) == ((), (), ())
    part = catalog.installation("App", {"Database": "5.0", "Old Proxy": None, "Firewall": "2.9"})
    assert part.install == (catalog["Proxy"], catalog["App"])
    assert part.replaced == ("Old Proxy",)
    assert part.conflicts == (Conflict(by="Proxy", other="Firewall (<< 3)"),)
    broken = catalog.installation("Broken", {})
    assert broken.unmet == (Unmet(by="Broken", requirement="Nowhere"),)
    assert not part.is_possible
    assert not broken.is_possible
    with pytest.raises(StoreError, match="no definition"):
        catalog.installation("none", {})
