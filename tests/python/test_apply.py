"""`apply`: the changes of an application, one definition at a time."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import rockon_sync
from rockon_sync import Applied, Definition, Failure, InUseError, Step
from support import CatalogDir


class Application:
    """Rows in memory. A container belongs to one row, as on a real machine."""

    def __init__(self, store: rockon_sync.Store, tree: Path) -> None:
        self.store = store
        self.tree = tree
        self.rows: dict[str, dict[str, Any]] = {}
        self.calls: list[str] = []
        self.fails: dict[str, BaseException] = {}
        """Maps a call such as `write Alpha` to what it raises after a first change."""

    def apply(self, **options: Any) -> Applied:
        """Updates the store, then the rows."""
        self.calls.clear()
        self.store.update(self.tree, allow_mass_delete=True)
        return rockon_sync.apply(
            self.store.catalog(),
            {name: row["revision"] for name, row in self.rows.items()},
            write=self.write,
            rename=self.rename,
            delete=self.delete,
            **{"transaction": self.transaction} | options,
        )

    def write(self, definition: Definition) -> None:
        with self._called(f"write {definition.name}"):
            row = self.rows.setdefault(definition.name, {"choice": None})
            row["revision"] = definition.revision
        containers = list(definition.load()["containers"])
        for name, other in self.rows.items():
            if name != definition.name and set(other["containers"]) & set(containers):
                raise ValueError(f"duplicate container, it belongs to {name}")
        row["containers"] = containers

    def rename(self, old: str, new: str) -> None:
        with self._called(f"rename {old} {new}"):
            assert new not in self.rows
            self.rows[new] = self.rows.pop(old)

    def delete(self, name: str) -> None:
        with self._called(f"delete {name}"):
            del self.rows[name]

    @contextlib.contextmanager
    def _called(self, call: str) -> Iterator[None]:
        self.calls.append(call)
        yield
        if call in self.fails:
            raise self.fails[call]

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        before = {name: dict(row) for name, row in self.rows.items()}
        try:
            yield
        except BaseException:
            self.rows = before
            raise

    def revisions(self) -> dict[str, str]:
        return {name: row["revision"] for name, row in self.rows.items()}


@pytest.fixture
def application(
    catalog: CatalogDir, store: rockon_sync.Store, tmp_path: Path
) -> Iterator[Application]:
    """An application that has applied Alpha, Beta and Gamma Ray."""
    rockon_sync.publish(catalog.path)
    application = Application(store, catalog.path / "v2")
    first = application.apply()
    assert first.written == ("Alpha", "Beta", "Gamma Ray")
    assert application.apply() == applied()
    yield application
    # Without faults, one call always makes the rows equal to the catalog.
    application.fails.clear()
    application.apply()
    assert application.revisions() == current(application)


def current(application: Application) -> dict[str, str]:
    """Returns the revisions of the catalog."""
    definitions = application.store.catalog().values()
    return {definition.name: definition.revision for definition in definitions}


def applied(**fields: Any) -> Applied:
    """Returns a result with only these fields."""
    empty: dict[str, Any] = dict.fromkeys(
        ("deleted", "renamed", "written", "refused", "skipped"), ()
    )
    return Applied(**empty | {"kept": {}, "refused_revisions": {}} | fields)


def publish(catalog: CatalogDir) -> None:
    rockon_sync.publish(catalog.path, allow_mass_delete=True)


def rename_alpha(catalog: CatalogDir) -> None:
    """Renames Alpha to Aleph in its file."""
    file = catalog.path / "alpha.json"
    (content,) = json.loads(file.read_text()).values()
    file.write_text(json.dumps({"Aleph": content}))


def test_changes_are_applied_in_order_and_told_apart(
    catalog: CatalogDir, application: Application
) -> None:
    application.rows["Alpha"]["choice"] = "the owner's"
    rename_alpha(catalog)
    catalog.put("Gamma Ray", version="2.0")
    catalog.put("Delta")
    catalog.remove("Beta")
    publish(catalog)
    result = application.apply()
    # The name of the file gives the position: renamed ones are written where they were.
    assert application.calls == [
        "delete Beta",
        "rename Alpha Aleph",
        "write Aleph",
        "write Delta",
        "write Gamma Ray",
    ]
    assert result == applied(
        deleted=("Beta",),
        renamed=(rockon_sync.Rename(from_="Alpha", to="Aleph"),),
        written=("Aleph", "Delta", "Gamma Ray"),
    )
    assert application.rows["Aleph"]["choice"] == "the owner's"
    assert repr(result) == "Applied(deleted=<1>, renamed=<1>, written=<3>)"


@pytest.mark.parametrize(
    "error", [ValueError("bad"), KeyError("x"), ExceptionGroup("g", [OSError()])]
)
def test_an_exception_affects_one_definition_only(
    catalog: CatalogDir, application: Application, error: Exception
) -> None:
    before = dict(application.rows["Alpha"])
    for name in ("Alpha", "Beta", "Delta"):
        catalog.put(name, version="2.0")
    publish(catalog)
    application.fails["write Alpha"] = error
    result = application.apply()
    assert result.written == ("Beta", "Delta")
    (refusal,) = result.refused
    revision = current(application)["Alpha"]
    assert (refusal.name, refusal.step, refusal.revision) == ("Alpha", Step.WRITE, revision)
    assert refusal.error is error
    assert refusal.error.__traceback__ is not None
    assert application.rows["Alpha"] == before


def test_a_refused_revision_is_not_tried_again_until_something_else_changes(
    catalog: CatalogDir, application: Application
) -> None:
    catalog.put("Alpha", version="2.0")
    publish(catalog)
    application.fails["write Alpha"] = ValueError("bad")
    refused = application.apply().refused_revisions
    assert refused == {"Alpha": current(application)["Alpha"]}
    for _ in range(2):
        again = application.apply(refused=refused)
        assert application.calls == []
        assert again == applied(skipped=("Alpha",), refused_revisions=refused)
    # Something else changes.
    catalog.put("Beta", version="2.0")
    publish(catalog)
    result = application.apply(refused=refused)
    assert application.calls == ["write Beta", "write Alpha"]
    assert (result.skipped, result.refused_revisions) == ((), refused)
    # Its own content changes.
    catalog.put("Alpha", version="2.1")
    publish(catalog)
    result = application.apply(refused=refused)
    assert application.calls == ["write Alpha"]
    assert result.refused_revisions == {"Alpha": current(application)["Alpha"]} != refused
    # By hand.
    application.fails.clear()
    assert application.apply(refused=result.refused_revisions).written == ()
    assert application.apply().written == ("Alpha",)


def test_a_definition_is_applied_once_a_later_change_has_freed_its_containers(
    catalog: CatalogDir, application: Application
) -> None:
    shared = {"beta": {"image": "example/beta", "launch_order": 1}}
    other = {"other": {"image": "example/other", "launch_order": 1}}
    catalog.put("Alpha", containers=shared)
    catalog.put("Beta", containers=other)
    publish(catalog)
    result = application.apply()
    assert application.calls == ["write Alpha", "write Beta", "write Alpha"]
    assert result == applied(written=("Beta", "Alpha"))


def test_a_freed_name_lifts_an_earlier_refusal(
    catalog: CatalogDir, application: Application
) -> None:
    catalog.remove("Beta")
    catalog.put("Delta", containers={"beta": {"image": "example/beta", "launch_order": 1}})
    publish(catalog)
    application.fails["delete Beta"] = InUseError("installed")
    result = application.apply()
    assert result.kept == {"Beta": "installed"}
    assert list(result.refused_revisions) == ["Delta"]
    application.fails.clear()
    result = application.apply(refused=result.refused_revisions)
    assert result == applied(deleted=("Beta",), written=("Delta",))


def test_a_row_in_use_is_kept_and_tried_again(
    catalog: CatalogDir, application: Application
) -> None:
    catalog.remove("Beta")
    catalog.put("Alpha", version="2.0")
    publish(catalog)
    application.fails |= {
        "delete Beta": InUseError("installed"),
        "write Alpha": InUseError("installed with other containers"),
    }
    result = application.apply()
    assert application.calls == ["delete Beta", "write Alpha"]
    assert result.kept == {"Beta": "installed"}
    # A definition that is in use is shown as refused, but its revision is not to blame.
    assert [str(refusal.error) for refusal in result.refused] == ["installed with other containers"]
    assert result.refused_revisions == {}


def test_a_failing_delete_is_refused_and_tried_again(
    catalog: CatalogDir, application: Application
) -> None:
    catalog.remove("Beta")
    publish(catalog)
    application.fails["delete Beta"] = RuntimeError("protected")
    for refused in ({}, {"Beta": "anything"}, {"Beta": None}):
        result = application.apply(refused=refused)
        (refusal,) = result.refused
        assert (refusal.name, refusal.step, refusal.revision) == ("Beta", Step.DELETE, None)
        assert (result.kept, "Beta" in application.rows) == ({}, True)


def test_after_a_failed_rename_the_old_row_stays_and_no_new_one_is_written(
    catalog: CatalogDir, application: Application
) -> None:
    before = dict(application.rows["Alpha"])
    rename_alpha(catalog)
    publish(catalog)
    application.fails["rename Alpha Aleph"] = RuntimeError("busy")
    result = application.apply()
    assert application.calls == ["rename Alpha Aleph"]
    (refusal,) = result.refused
    assert (refusal.name, refusal.from_, refusal.step) == ("Aleph", "Alpha", Step.RENAME)
    assert application.rows["Alpha"] == before
    assert "Aleph" not in application.rows
    # It is skipped like any refused revision, then tried again by hand.
    again = application.apply(refused=result.refused_revisions)
    assert (application.calls, again.skipped) == ([], ("Aleph",))
    application.fails.clear()
    result = application.apply()
    assert (len(result.renamed), result.written) == (1, ("Aleph",))


def test_a_rename_stays_done_if_its_definition_cannot_be_written(
    catalog: CatalogDir, application: Application
) -> None:
    rename_alpha(catalog)
    publish(catalog)
    application.fails["write Aleph"] = ValueError("bad")
    result = application.apply()
    assert [refusal.step for refusal in result.refused] == [Step.WRITE]
    assert len(result.renamed) == 1
    assert "Alpha" not in application.rows
    application.fails.clear()
    result = application.apply()
    assert application.calls == ["write Aleph"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), GeneratorExit()])
def test_an_exception_that_ends_the_process_ends_the_call(
    catalog: CatalogDir, application: Application, error: BaseException
) -> None:
    for name in ("Alpha", "Beta", "Gamma Ray"):
        catalog.put(name, version="2.0")
    publish(catalog)
    application.fails["write Beta"] = error
    with pytest.raises(type(error)):
        application.apply()
    assert application.calls == ["write Alpha", "write Beta"]
    application.fails.clear()
    assert application.apply().written == ("Beta", "Gamma Ray")


def test_a_fatal_failure_ends_the_call_and_the_next_one_continues(
    catalog: CatalogDir, application: Application
) -> None:
    def classify(error: Exception) -> Failure:
        return Failure.FATAL if isinstance(error, ConnectionError) else Failure.TRANSIENT

    for name in ("Alpha", "Beta", "Gamma Ray"):
        catalog.put(name, version="2.0")
    publish(catalog)
    application.fails |= {"write Alpha": ValueError("bad"), "write Beta": ConnectionError("lost")}
    with pytest.raises(ConnectionError, match="lost"):
        application.apply(classify=classify)
    assert application.calls == ["write Alpha", "write Beta"]
    del application.fails["write Beta"]
    result = application.apply(classify=classify)
    assert result.written == ("Beta", "Gamma Ray")
    # A transient failure does not count against the revision.
    assert ([refusal.name for refusal in result.refused], result.refused_revisions) == (
        ["Alpha"],
        {},
    )


def test_a_failing_transaction_counts_as_a_failure_of_its_definition(
    catalog: CatalogDir, application: Application
) -> None:
    catalog.put("Alpha", version="2.0")
    catalog.put("Beta", version="2.0")
    publish(catalog)
    left = [ValueError("cannot begin")]

    @contextlib.contextmanager
    def transaction() -> Iterator[None]:
        with application.transaction():
            yield
            if left:
                raise left.pop()

    result = application.apply(transaction=transaction)
    assert result == applied(written=("Beta", "Alpha"))


def test_a_definition_that_cannot_be_read_is_tried_again(
    catalog: CatalogDir, application: Application
) -> None:
    catalog.put("Alpha", version="2.0")
    publish(catalog)
    unreadable: Callable[[Definition], None] = application.write

    def write(definition: Definition) -> None:
        definition.file.chmod(0o644)
        definition.file.write_bytes(b"damaged")
        unreadable(definition)

    application.write = write  # type: ignore[method-assign]
    result = application.apply()
    (refusal,) = result.refused
    assert isinstance(refusal.error, rockon_sync.IntegrityError)
    assert (refusal.revision, result.refused_revisions) == (None, {})
    del application.write
    application.store.update(application.tree, mode="verify")


def test_withheld_names_are_kept_with_their_reason(
    application: Application, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = {"Alpha": "revision"}
    result = rockon_sync.apply(
        rockon_sync.Store(application.store.dir).catalog(sources=["missing"]),
        rows,
        write=application.write,
        rename=application.rename,
        delete=application.delete,
    )
    assert result == applied(kept={"Alpha": "withheld: the catalog is incomplete"})
    assert "not deleted: source missing was never updated completely" in caplog.messages


def test_refusals_are_logged(
    catalog: CatalogDir, application: Application, caplog: pytest.LogCaptureFixture
) -> None:
    catalog.put("Alpha", version="2.0")
    publish(catalog)
    application.fails["write Alpha"] = ValueError("bad")
    application.apply()
    assert "Alpha: write refused: ValueError('bad')" in caplog.messages


def test_every_revision_is_forgotten_for_a_repair(application: Application) -> None:
    catalog = application.store.catalog()
    application.rows["Alpha"]["containers"] = []
    recorded = dict.fromkeys(application.rows)
    result = rockon_sync.apply(
        catalog,
        recorded,
        write=application.write,
        rename=application.rename,
        delete=application.delete,
    )
    assert result.written == ("Alpha", "Beta", "Gamma Ray")
    assert application.rows["Alpha"]["containers"] == ["alpha"]
