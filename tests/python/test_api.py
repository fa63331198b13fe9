"""The API, against real servers: one promise per test."""

from __future__ import annotations

import inspect
import json
import logging
import pickle
import re
from collections.abc import Callable, Mapping
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import cast

import pytest
import rockon_sync
from rockon_sync import CancelToken, ErrorKind, Mode, Outcome, Phase, Source, Store, _core, _errors
from support import CatalogDir, Server, definition


def test_an_unchanged_catalog_costs_one_request(store: Store, v2: Server) -> None:
    first = store.update(v2.url)
    assert (first.outcome, first.added) == (Outcome.UPDATED, ("alpha", "beta", "gamma ray"))
    v2.requests.clear()
    again = store.update(v2.url)
    assert (again.outcome, again.requests) == (Outcome.UNCHANGED, 1)
    assert v2.requests == ["/root.sha"]


def test_a_v1_tree_is_followed(store: Store, v1: Server) -> None:
    assert store.update(v1.url).outcome == "updated"
    assert list(store.catalog()) == ["Alpha", "Beta", "Gamma Ray"]


def test_a_check_changes_nothing(store: Store, v2: Server) -> None:
    assert store.check(v2.url).added == ("alpha", "beta", "gamma ray")
    assert store.status()[0].current is None


def test_the_catalog_is_a_mapping(store: Store, v2: Server) -> None:
    store.update(v2.url)
    catalog = store.catalog()
    assert isinstance(catalog, Mapping)
    assert len(catalog) == 3
    assert list(catalog) == list(catalog.keys()) == ["Alpha", "Beta", "Gamma Ray"]
    assert "Beta" in catalog
    assert "beta" not in catalog
    assert cast("str", 7) not in catalog
    assert catalog.get("beta") is None
    assert catalog.get("beta", "x") == "x"
    assert catalog.get("Beta") == catalog["Beta"]
    assert dict(catalog) == dict(catalog.items())
    assert [definition.name for definition in catalog.values()] == list(catalog)
    assert len({*catalog.values(), *catalog.values()}) == 3
    with pytest.raises(KeyError, match="'beta'"):
        catalog["beta"]
    match catalog:
        case {"Alpha": alpha}:
            assert alpha.name == "Alpha"
        case _:
            pytest.fail("a mapping pattern does not match")


def test_the_text_of_a_definition_is_unchanged(
    store: Store, catalog: CatalogDir, v1: Server
) -> None:
    text = '{"z": 1.0, "a": 1e3, "z": 2, "é": "\\u00e9"}'
    (catalog.path / "alpha.json").write_text('{"Alpha": ' + text + "}")
    store.update(v1.url)
    alpha = store.catalog()["Alpha"]
    assert alpha.read_text() == text
    assert alpha.load() == json.loads(text)
    assert list(alpha.load()) == ["z", "a", "é"]
    assert (alpha.source, alpha.entry_id) == ("rockstor", "alpha")
    assert alpha.file.name == "alpha.json"
    assert len(alpha.revision) == 64


def test_times_have_a_zone(store: Store, catalog: CatalogDir, v2: Server) -> None:
    catalog.put("Alpha", version="2")
    at = datetime(2026, 11, 22, 3, 4, 5, tzinfo=timezone(timedelta(hours=2)))
    report = rockon_sync.publish(catalog.path, published=at, expires_in_days=36500)
    assert (report.outcome, report.changed) == ("published", ("alpha",))
    store.update(v2.url)
    status = store.status()[0]
    assert status.current is not None
    assert status.current.published == at
    assert status.current.published.tzinfo is UTC
    assert status.checked is not None
    assert abs(datetime.now(UTC) - status.checked) < timedelta(minutes=1)
    assert store.catalog()["Alpha"].updated == at
    with pytest.raises(ValueError, match="zone"):
        rockon_sync.publish(catalog.path, published=datetime(2026, 1, 1))


def test_changes_are_relative_to_recorded_revisions(store: Store, v2: Server) -> None:
    store.update(v2.url)
    catalog = store.catalog()
    applied: dict[str, str | None] = {name: entry.revision for name, entry in catalog.items()}
    assert not catalog.changes_since(applied)
    del applied["Alpha"]
    applied |= {"Beta": None, "Gone": "0" * 64}
    changes = catalog.changes_since(applied)
    assert changes
    assert changes.deletes == ("Gone",)
    upserts = [(upsert.definition.name, upsert.is_new) for upsert in changes.upserts]
    assert upserts == [("Alpha", True), ("Beta", False)]


def test_a_former_name_is_renamed(store: Store, catalog: CatalogDir) -> None:
    rockon_sync.publish(catalog.path)
    renamed = definition("New")
    renamed["New"] = definition("Beta")["Beta"]
    catalog.put_file("beta", "beta.json", renamed)
    report = rockon_sync.publish(catalog.path)
    assert [(each.from_, each.to, each.id) for each in report.renamed] == [("Beta", "New", "beta")]
    store.update(catalog.path / "v2")
    opened = store.catalog()
    assert opened["New"].formerly == ("Beta",)
    assert opened["Alpha"].formerly == ()
    revision = opened["New"].revision
    applied = {name: entry.revision for name, entry in opened.items() if name != "New"}
    changes = opened.changes_since(applied | {"Beta": revision})
    assert changes.renames == (rockon_sync.Rename(from_="Beta", to="New"),)
    assert repr(changes.renames[0]) == "Rename(from_='Beta', to='New')"
    assert not changes.deletes
    upserts = [(upsert.definition.name, upsert.is_new) for upsert in changes.upserts]
    assert upserts == [("New", False)]


def test_an_unchanged_definition_is_equal_after_an_update(
    store: Store, catalog: CatalogDir, v2: Server
) -> None:
    store.update(v2.url)
    before = dict(store.catalog())
    catalog.put("Alpha", version="2")
    rockon_sync.publish(catalog.path)
    store.update(v2.url)
    after = store.catalog()
    assert {name for name in before if before[name] != after[name]} == {"Alpha"}
    assert hash(before["Beta"]) == hash(after["Beta"])


def test_a_failed_entry_is_reported_and_causes_no_delete(store: Store, v1: Server) -> None:
    v1.statuses["/beta.json"] = 403
    report = store.update(v1.url)
    assert report.outcome is Outcome.PARTIAL
    assert [(entry.id, entry.kind) for entry in report.failed] == [("beta", ErrorKind.STATUS)]
    changes = store.catalog().changes_since({"Beta": "0" * 64})
    assert (changes.deletes, changes.withheld) == ((), ("Beta",))
    assert "beta" in changes.reasons[0]


def test_damage_is_found_and_repaired(store: Store, v2: Server) -> None:
    store.update(v2.url)
    file = store.catalog()["Alpha"].file
    file.chmod(0o644)
    file.write_bytes(file.read_bytes().swapcase())
    (found,) = store.verify()
    assert (found.is_intact, [path.name for path in found.damaged]) == (False, ["alpha.json"])
    with pytest.raises(rockon_sync.IntegrityError) as raised:
        _ = store.catalog()["Alpha"].read_text()
    assert raised.value.path == file
    assert store.update(v2.url, mode=Mode.VERIFY).healed == ("alpha",)
    assert store.verify()[0].is_intact


def test_a_local_definition_overrides_a_published_one(
    store: Store, v2: Server, tmp_path: Path
) -> None:
    store.update(v2.url)
    local = CatalogDir(tmp_path / "mine")
    (local.path / "root.json").unlink()
    (local.path / "alpha.json").write_text('{"Alpha": {"mine": true}}')
    catalog = store.catalog(local=local.path, sources=["rockstor"])
    assert catalog["Alpha"].load() == {"mine": True}
    assert catalog["Alpha"].source is None
    assert [hidden.source for hidden in catalog.hidden] == ["rockstor"]


def test_sources_have_names_and_mirrors(store: Store, v2: Server, catalog: CatalogDir) -> None:
    source = Source(v2.url + "gone/root.sha", catalog.path / "v2", name="extra")
    assert (source.name, len(source.mirrors)) == ("extra", 2)
    assert store.update(source).source == "extra"
    assert [found.name for found in store.remembered_sources()] == ["extra"]
    assert store.update("extra=" + v2.url).outcome is Outcome.UNCHANGED
    assert store.update(catalog.path / "v2").source == "rockstor"


def test_secrets_of_a_url_are_never_shown(store: Store) -> None:
    source = Source("http://me:secret@127.0.0.1:1/?token=secret")
    with pytest.raises(rockon_sync.TransportError) as raised:
        store.update(source, timeout=0.2)
    error = raised.value
    shown = [repr(source), *source.mirrors, str(error), repr(error), str(error.url)]
    assert not [text for text in shown if "secret" in text]
    assert (error.kind, error.retryable) == (ErrorKind.TRANSPORT, True)


def test_progress_has_correct_totals_and_ends_with_the_commit(store: Store, v2: Server) -> None:
    seen: list[rockon_sync.Progress] = []
    report = store.update(v2.url, progress=seen.append)
    assert seen[0].phase is Phase.CHECKING
    assert seen[-1].phase is Phase.COMMITTING
    last = seen[-1]
    # The number of files in a pack is known once it is unpacked.
    assert any(now.phase is Phase.FETCHING and now.files_total == 0 for now in seen)
    assert last.files_done == last.files_total == len(report.added)
    assert last.bytes_done == last.bytes_total
    assert last.bytes_total is not None
    assert last.bytes_total > 0


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"source": "ftp://example.org/"}, "ftp"),
        ({"source": ""}, "nothing"),
        ({"timeout": -1.0}, "timeout"),
        ({"timeout": float("nan")}, "timeout"),
        ({"mode": "blind"}, "blind"),
    ],
)
def test_bad_arguments_are_value_errors(
    store: Store, argument: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        store.update(**({"source": "http://127.0.0.1:1/"} | argument))  # type: ignore[arg-type]


def test_a_time_limit_is_a_number(store: Store) -> None:
    with pytest.raises(TypeError):
        store.update("http://127.0.0.1:1/", timeout=None)  # type: ignore[arg-type]


FUNCTIONS = [
    getattr(owner, name)
    for owner in (Store, Source, rockon_sync.Catalog, rockon_sync.Definition, rockon_sync)
    for name in dir(owner)
    if not name.startswith("_") and inspect.isroutine(getattr(owner, name))
]


@pytest.mark.parametrize("function", [Store, Source, *FUNCTIONS], ids=lambda each: each.__name__)
def test_help_has_every_parameter_with_its_real_default(function: Callable[..., object]) -> None:
    help_text = inspect.getdoc(function)
    assert help_text
    for name, parameter in inspect.signature(function).parameters.items():
        assert parameter.default is not ...
        # `get` is that of every mapping.
        if name not in ("self", "key"):
            assert f"`{name}`" in help_text


def test_help_has_the_units_and_defaults_of_time_limits() -> None:
    for function in (Store.update, Store.check, Store.import_bundle):
        parameters = inspect.signature(function).parameters
        assert (parameters["timeout"].default, parameters["lock_timeout"].default) == (300.0, 0.0)
        assert "seconds" in str(function.__doc__)
    assert inspect.signature(rockon_sync.publish).parameters["sign_keys"].default == ()


def test_every_repr_is_one_short_line(store: Store, catalog: CatalogDir, tmp_path: Path) -> None:
    names = [f"{'Very Long Name ' * 8}{number}" for number in range(30)]
    for name in names:
        catalog.put(name)
    rockon_sync.publish(catalog.path)
    source = Source(catalog.path / "v2", tmp_path / ("x" * 200), "https://example.org/" + "y" * 200)
    seen: list[object] = []
    report = store.update(source, progress=seen.append)
    opened = store.catalog()
    changes = opened.changes_since({})
    values = [
        *(source, CancelToken(), store, report, seen[0], opened, opened[names[0]], changes),
        *(changes.upserts[0], opened.installation(names[0], {}), store.status()[0]),
        *(store.status()[0].current, store.verify()[0], rockon_sync.publish(catalog.path)),
        opened[names[0]].read_relations(),
    ]
    for value in values:
        assert type(value).__name__ in repr(value)
        assert len(repr(value).splitlines()) == 1
        assert len(repr(value)) <= 300, repr(value)


def test_bad_names_are_value_errors(store: Store) -> None:
    with pytest.raises(ValueError, match="source name"):
        Source("http://127.0.0.1:1/", name="../up")
    with pytest.raises(ValueError, match="source name"):
        store.catalog(sources=["local"])
    with pytest.raises(ValueError, match="nothing"):
        Source()


def test_a_missing_store_is_a_store_error(store: Store) -> None:
    with pytest.raises(rockon_sync.StoreError) as raised:
        store.catalog()
    assert (raised.value.kind, raised.value.path) == (ErrorKind.NOT_FOUND, store.dir)


def test_an_invalid_list_is_a_manifest_error(store: Store, v1: Server) -> None:
    v1.bodies["/root.json"] = b"[]"
    with pytest.raises(rockon_sync.ManifestError) as raised:
        store.update(v1.url)
    assert raised.value.url == v1.url + "root.json"


def test_mass_deletion_is_refused(store: Store, catalog: CatalogDir, v1: Server) -> None:
    store.update(v1.url)
    catalog.remove("Alpha")
    catalog.remove("Beta")
    with pytest.raises(rockon_sync.IntegrityError) as raised:
        store.update(v1.url)
    assert raised.value.kind is ErrorKind.MASS_DELETE
    assert store.update(v1.url, allow_mass_delete=True).removed == ("alpha", "beta")


def test_an_older_head_is_reported_as_stale(store: Store, catalog: CatalogDir, v2: Server) -> None:
    old = (catalog.path / "v2/root.sha").read_bytes()
    catalog.put("Alpha", version="2")
    rockon_sync.publish(catalog.path)
    store.update(v2.url)
    v2.bodies["/root.sha"] = old
    report = store.update(v2.url)
    assert report.outcome is Outcome.STALE
    assert len(report.warnings) == 1


def test_the_time_limit_is_a_transport_error(store: Store, v2: Server) -> None:
    v2.stalls.add("/root.sha")
    with pytest.raises(rockon_sync.TransportError):
        store.update(v2.url, timeout=0.3)


def test_publishing_an_invalid_catalog_raises_with_every_problem(catalog: CatalogDir) -> None:
    catalog.put_file("bad", "bad.json", {"Bad": 1})
    catalog.put_file("worse", "worse.json", [])
    with pytest.raises(rockon_sync.ManifestError) as raised:
        rockon_sync.publish(catalog.path)
    assert raised.value.kind is ErrorKind.CATALOG
    assert [problem.file for problem in raised.value.problems] == ["bad.json", "worse.json"]
    assert str(raised.value.problems[0]).startswith("bad.json:2:9: ")
    report = rockon_sync.publish(catalog.path, lenient=True)
    assert (report.entries, len(report.problems)) == (3, 2)
    with pytest.raises(ValueError, match="both"):
        rockon_sync.publish(catalog.path, out=catalog.path / "x", in_place=True)


def test_publish_continues_a_published_tree(catalog: CatalogDir, tmp_path: Path) -> None:
    tree = catalog.path / "v2"
    first = rockon_sync.publish(catalog.path)
    assert "root.sha" in first.written
    assert first.deleted == ()
    empty = tmp_path / "empty"
    with pytest.raises(rockon_sync.StoreError):
        rockon_sync.publish(catalog.path, out=empty, previous=tmp_path / "nowhere")
    assert not list(empty.iterdir())
    absent = tmp_path / "absent"
    planned = rockon_sync.publish(catalog.path, out=absent, previous=tree, dry_run=True)
    assert (planned.outcome, planned.serial) == (rockon_sync.PublishOutcome.UNCHANGED, 1)
    assert not absent.exists()
    rockon_sync.publish(catalog.path, out=empty, previous=str(tree))
    assert (empty / "root.sha").read_bytes() == (tree / "root.sha").read_bytes()
    with pytest.raises(ValueError, match="not the first publication"):
        rockon_sync.publish(catalog.path, initial=True)


def test_publishing_an_unchanged_catalog_changes_nothing(catalog: CatalogDir) -> None:
    first = rockon_sync.publish(catalog.path, in_place=True)
    again = rockon_sync.publish(catalog.path, in_place=True)
    assert (first.outcome, again.outcome) == ("published", "unchanged")
    assert first.head == catalog.path / "root.v2.sha"


def test_a_page_is_written_only_on_request(catalog: CatalogDir) -> None:
    page = catalog.path / "v2" / "index.html"
    for page_wanted in (True, False):
        rockon_sync.publish(catalog.path, page=page_wanted)
        assert page.exists() is page_wanted


def test_page_and_feed_have_the_given_title(catalog: CatalogDir) -> None:
    tree = catalog.path / "v2"
    rockon_sync.publish(catalog.path, page=True, page_title="Our <apps>")
    assert "<h1>Our &lt;apps&gt;</h1>" in (tree / "index.html").read_text()
    assert "<title>Our &lt;apps&gt;: updates</title>" in (tree / "updates.atom").read_text()
    with pytest.raises(ValueError, match="a page title requires a page"):
        rockon_sync.publish(catalog.path, page_title="Our apps")


def test_every_kind_of_error_has_a_class() -> None:
    assert [kind.value for kind in ErrorKind] == list(_core.ERROR_KINDS)
    assert set(_errors.CLASSES) == set(ErrorKind)


def test_the_guide_has_a_row_for_every_kind_of_error() -> None:
    guide = (Path(__file__).parents[2] / "docs/reference/python.md").read_text()
    rows = re.findall(r"^\| `(\w+Error)` \| ([^|]+) \|", guide, re.MULTILINE)
    documented = {kind: name for name, kinds in rows for kind in re.findall(r"`([\w-]+)`", kinds)}
    assert documented == {kind: found.__name__ for kind, found in _errors.CLASSES.items()}


def test_errors_and_reports_are_frozen_and_can_be_pickled(store: Store, v2: Server) -> None:
    report = store.update(v2.url)
    assert pickle.loads(pickle.dumps(report)) == report
    with pytest.raises(FrozenInstanceError):
        report.serial = 7  # type: ignore[misc]
    with pytest.raises(rockon_sync.StoreError) as raised:
        Store(store.dir / "nowhere").catalog()
    copy = pickle.loads(pickle.dumps(raised.value))
    assert type(copy) is rockon_sync.StoreError
    assert (str(copy), copy.kind, copy.path) == (
        str(raised.value),
        raised.value.kind,
        raised.value.path,
    )


def test_the_core_logs_to_logging(
    store: Store, v2: Server, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "rockon_sync"):
        store.update(v2.url)
    requests = [record for record in caplog.records if record.message == f"GET {v2.url}root.sha"]
    assert [(record.name, record.levelno) for record in requests] == [
        ("rockon_sync.net.transport.http", logging.DEBUG)
    ]
    caplog.clear()
    with caplog.at_level(logging.WARNING, "rockon_sync"):
        store.update(v2.url)
    assert not caplog.records


def test_a_bundle_is_imported_without_a_network(
    catalog: CatalogDir, store: Store, tmp_path: Path
) -> None:
    published = rockon_sync.publish(catalog.path)
    packs = catalog.path / "v2" / "packs"
    bundle = packs / f"empty-{published.manifest[:12]}.tar.zst"
    report = store.import_bundle(bundle)
    assert (report.outcome, report.requests, report.serial) == (Outcome.UPDATED, 0, 1)
    assert store.import_bundle(bundle).outcome is Outcome.UNCHANGED
    other = rockon_sync.Source("https://example.org/never-asked/", name="other")
    assert store.import_bundle(bundle, source=other).source == "other"
    with pytest.raises(rockon_sync.IntegrityError):
        store.import_bundle(catalog.path / "root.json")
    with pytest.raises(rockon_sync.RockonSyncError) as caught:
        store.import_bundle(tmp_path / "nowhere")
    assert caught.value.kind is rockon_sync.ErrorKind.NOT_FOUND
