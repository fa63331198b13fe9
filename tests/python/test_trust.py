"""Signed catalogs: keys are created, trusted and remembered."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import rockon_sync
from rockon_sync import ErrorKind, IntegrityError, Outcome, Source, Store, StoreError
from support import CatalogDir

NAME = "example.org/rockons"


def test_the_key_of_a_signed_catalog_is_remembered(
    catalog: CatalogDir, store: Store, tmp_path: Path
) -> None:
    file = tmp_path / "private.key"
    key = rockon_sync.keygen(NAME, file)
    assert key.startswith(f"{NAME}+")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    published = rockon_sync.publish(catalog.path, sign_keys=[file])
    source = Source(catalog.path / "v2", trusted_keys=[key])
    assert source.trusted_keys == (key,)
    assert store.update(source).outcome == Outcome.UPDATED
    assert store.status()[0].trusted_keys == (key,)
    assert store.verify()[0].is_intact

    # From here on the key is required, even if the source does not name it.
    assert published.serial == 1
    with pytest.raises(IntegrityError):
        rockon_sync.publish(catalog.path)
    unsigned = rockon_sync.publish(catalog.path, unsigned=True)
    assert "the new one is not" in unsigned.problems[0].message
    with pytest.raises(IntegrityError) as caught:
        store.update(catalog.path / "v2")
    assert caught.value.kind == ErrorKind.TRUST
    assert store.status()[0].trusted_keys == (key,)


def test_keys_are_rotated_by_signing_with_both(
    catalog: CatalogDir, store: Store, tmp_path: Path
) -> None:
    files = [tmp_path / "old.key", tmp_path / "new.key"]
    keys = [rockon_sync.keygen(NAME, file) for file in files]
    for sign_keys, trusted_keys in ((files[:1], keys[:1]), (files, keys[1:]), (files[1:], ())):
        rockon_sync.publish(catalog.path, sign_keys=sign_keys)
        source = Source(catalog.path / "v2", trusted_keys=trusted_keys)
        assert store.update(source).outcome == Outcome.UPDATED
    assert store.status()[0].trusted_keys == (keys[1],)


def test_a_key_list_replaces_the_keys(catalog: CatalogDir, store: Store, tmp_path: Path) -> None:
    files = {name: tmp_path / f"{name}.key" for name in ("root", "head", "next")}
    keys = {name: rockon_sync.keygen(f"{NAME}/{name}", file) for name, file in files.items()}
    rockon_sync.publish(catalog.path, sign_keys=[files["head"]])
    source = Source(catalog.path / "v2", trusted_keys=[keys["head"]])
    store.update(source)
    assert store.status()[0].key_list is None

    first, second = str(tmp_path / "keys-1"), str(tmp_path / "keys-2")
    new = ["new", NAME, "--root", keys["root"], "--head", keys["head"], "--out", first]
    trusted = ["--trust-key", keys["head"]]
    sign = ["--sign-key", str(files["root"]), "--sign-key", str(files["head"])]
    for command in (
        new,
        ["sign", first, *sign, *trusted],
        ["add", first, "--head", keys["next"], "--out", second],
        ["remove", second, "--head", keys["head"]],
        ["sign", second, "--sign-key", str(files["root"])],
    ):
        assert rockon_sync.command_line(["rockon-sync", "keys", *command]) == 0
    rockon_sync.publish(catalog.path, sign_keys=[files["head"]], key_list=Path(first))
    rockon_sync.publish(catalog.path, sign_keys=[files["next"]], key_list=Path(second))
    assert store.update(source).outcome == Outcome.UPDATED
    found = store.status()[0]
    assert found.trusted_keys == (keys["head"],)
    assert found.key_list is not None
    assert (found.key_list.name, found.key_list.version) == (NAME, 2)
    assert found.key_list.root.keys == (keys["root"],)
    assert (found.key_list.head.keys, found.key_list.head.threshold) == ((keys["next"],), 1)
    assert store.verify()[0].untrusted is None
    with pytest.raises(IntegrityError, match="requires 1 of the head keys"):
        rockon_sync.publish(catalog.path, sign_keys=[files["head"]])


def test_invalid_keys_are_refused(catalog: CatalogDir, tmp_path: Path) -> None:
    file = tmp_path / "private.key"
    rockon_sync.keygen(NAME, file)
    with pytest.raises(StoreError):
        rockon_sync.keygen(NAME, file)
    secret = file.read_text().strip()
    with pytest.raises(ValueError, match="private key") as caught:
        Source(catalog.path, trusted_keys=[secret])
    assert secret not in str(caught.value)
    with pytest.raises(ValueError, match="without spaces"):
        rockon_sync.keygen("a name", tmp_path / "other.key")
    (tmp_path / "text").write_text("no key")
    with pytest.raises(ValueError, match="not a usable key"):
        rockon_sync.publish(catalog.path, sign_keys=[tmp_path / "text"])
    with pytest.raises(StoreError):
        rockon_sync.publish(catalog.path, sign_keys=[tmp_path / "nowhere"])
