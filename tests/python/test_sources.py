"""Suitable definitions, followed sources, and credentials."""

import json
from pathlib import Path

import pytest
import rockon_sync


def definition(**fields: object) -> str:
    container = {"image": "i", "launch_order": 1}
    about = {"description": "", "website": "", "version": "1", "containers": {"box": container}}
    return json.dumps({"App": about | fields})


def test_a_definition_has_its_requirements_of_the_machine(tmp_path: Path) -> None:
    (tmp_path / "local").mkdir()
    file = tmp_path / "local" / "app.json"
    file.write_text(definition(arch=["aarch64"], min_version="5.10"))
    app = rockon_sync.Store(tmp_path).catalog()["App"]
    assert (app.arch, app.min_version) == (("arm64",), "5.10")
    assert app.mismatches() == app.mismatches(arch="arm64", version="5.10.0-0") == ()
    assert app.mismatches(arch="x86_64", version="5.9") == (
        "available for arm64 only, not for amd64",
        "needs version 5.10 or later, not 5.9",
    )
    with pytest.raises(ValueError, match="architecture"):
        app.mismatches(arch="a b")
    file.write_text(definition())
    silent = rockon_sync.Store(tmp_path).catalog()["App"]
    assert (silent.arch, silent.min_version) == (None, None)
    assert silent.mismatches(arch="s390x", version="1") == ()


def test_followed_sources_come_from_the_list_with_their_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = '[[source]]\nname = "a"\nurls = ["http://h.invalid/"]\ntoken_env = "APP_TOKEN"\n'
    (tmp_path / "sources.toml").write_text(listed)
    store = rockon_sync.Store(tmp_path)
    monkeypatch.delenv("APP_TOKEN", raising=False)
    with pytest.raises(ValueError, match="APP_TOKEN"):
        store.followed_sources()
    monkeypatch.setenv("APP_TOKEN", "geheim")
    (source,) = store.followed_sources()
    assert source.name == "a"
    assert "geheim" not in repr(source)


def test_credentials_that_cannot_be_sent_are_refused() -> None:
    rockon_sync.Source("http://h/", query={"t": "x"}, headers={"X-Key": "x"}, auth=("me", "x"))
    for options in ({"headers": {"Host": "geheim"}}, {"auth": ("a:b", "geheim")}, {"timeout": -1}):
        with pytest.raises(ValueError, match=r"header|user|timeout") as raised:
            rockon_sync.Source("http://h/", **options)
        assert "geheim" not in str(raised.value)
