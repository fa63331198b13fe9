"""The apply loop: brings the rows of an application up to date with a catalog."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from ._errors import RockonSyncError
from ._model import Rename, _Value

if TYPE_CHECKING:
    from ._core import Catalog, Definition

_log = logging.getLogger("rockon_sync")


class Step(StrEnum):
    """A kind of change, in the order in which changes are applied."""

    DELETE = "delete"
    RENAME = "rename"
    WRITE = "write"


class Failure(StrEnum):
    """The meaning of an exception that a callback has raised."""

    FATAL = "fatal"
    """Nothing more can be applied: `apply` raises the exception."""
    TRANSIENT = "transient"
    """It says nothing about the definition: the next call tries it again."""
    REFUSED = "refused"
    """The definition cannot be applied: see `Applied.refused_revisions`."""


class InUseError(Exception):
    """Raised by a callback to leave a row as it is while the application uses it. The message is
    the reason. The next call tries it again."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Refusal(_Value):
    """A change that was not applied because its callback has failed."""

    name: str
    """The name of the definition; of a rename, the new one."""
    step: Step
    error: Exception = field(compare=False)
    """The exception of the callback, with its traceback."""
    from_: str | None = None
    """The old name, which the row still has, if the step is a rename."""
    revision: str | None = None
    """The refused revision; None if the next call must try it again."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Applied(_Value):
    """The result of `apply`."""

    deleted: tuple[str, ...]
    renamed: tuple[Rename, ...]
    written: tuple[str, ...]
    """Names of the definitions that were written."""
    refused: tuple[Refusal, ...]
    """Changes whose callback has failed. Their rows are unchanged."""
    skipped: tuple[str, ...]
    """Names that were not tried, because the same revision was refused before."""
    kept: Mapping[str, str] = field(hash=False)
    """Names that are no longer in the catalog but were not deleted, with the reason: they are in
    use, or withheld."""
    refused_revisions: Mapping[str, str] = field(hash=False)
    """The revisions to pass as `refused` to the next call: those of `refused` and `skipped`."""


def classify_failure(error: Exception) -> Failure:
    """Returns the meaning of an exception, without any knowledge of databases.

    `error`: the exception of a callback.

    Returns `TRANSIENT` for an `InUseError`, and for a `RockonSyncError`: the file could not be
    read. Otherwise `REFUSED`.
    """
    if isinstance(error, InUseError | RockonSyncError):
        return Failure.TRANSIENT
    return Failure.REFUSED


def apply(
    catalog: Catalog,
    recorded: Mapping[str, str | None],
    *,
    write: Callable[[Definition], object],
    rename: Callable[[str, str], object],
    delete: Callable[[str], object],
    refused: Mapping[str, str] | None = None,
    transaction: Callable[[], AbstractContextManager[object]] = nullcontext,
    classify: Callable[[Exception], Failure] = classify_failure,
) -> Applied:
    """Applies the differences between the catalog and the rows of an application.

    Deletes come first, then renames, then definitions in catalog order: a delete frees names that
    others need. A failing callback affects only its own definition. If anything was applied,
    failed and skipped changes are tried once more at the end, because names may be free now.

    `catalog`: the catalog, from `Store.catalog`.
    `recorded`: a mapping from the name of each row to its revision. With a revision of `None`, the
    definition is applied again.
    `write`: writes a definition, new or changed, and records its revision with the row.
    `rename`: gives the row with the first name the second one. It must not change its revision:
    `write` follows. If it fails, the row stays, and the definition is not written as a new row.
    `delete`: deletes the row with this name. Raises `InUseError` to keep it.
    `refused`: `refused_revisions` of the last call. A definition that still has this revision is
    skipped, unless another change is applied. By default, everything is tried.
    `transaction`: returns the context manager of one change, such as Django's `atomic`. It must
    undo the change if the callback raises, and must not suppress the exception.
    `classify`: returns the meaning of an `Exception` from a callback or transaction.

    Returns `Applied`. Raises an exception that `classify` calls fatal, and every `BaseException`
    that is not an `Exception`, such as `KeyboardInterrupt`; changes applied before stay applied,
    and the next call continues.
    """
    changes = catalog.changes_since(recorded)
    for reason in changes.reasons:
        _log.warning("not deleted: %s", reason)
    run = _Run(transaction, classify)
    run.kept = dict.fromkeys(changes.withheld, "withheld: the catalog is incomplete")
    run.not_renamed = {found.to for found in changes.renames}
    todo = [_Change(Step.DELETE, name, partial(delete, name)) for name in changes.deletes]
    todo += [
        _Change(
            Step.RENAME,
            found.to,
            partial(rename, found.from_, found.to),
            catalog[found.to].revision,
            found,
        )
        for found in changes.renames
    ]
    todo += [
        _Change(
            Step.WRITE,
            found.definition.name,
            partial(write, found.definition),
            found.definition.revision,
        )
        for found in changes.upserts
    ]
    known = refused or {}
    skipped = {
        change: None
        for change in todo
        if change.revision is not None and known.get(change.name) == change.revision
    }
    run.apply([change for change in todo if change not in skipped])
    if run.done:
        left = [change for change in todo if change not in run.done]
        run.apply([change for change in left if change.name not in run.kept])
        skipped = {}
    return run.result(skipped)


@dataclass(frozen=True, slots=True, eq=False)
class _Change:
    """One call of a callback. Equal only to itself."""

    step: Step
    name: str
    call: Callable[[], object]
    revision: str | None = None
    rename: Rename | None = None


@dataclass(slots=True)
class _Run:
    """The results so far."""

    transaction: Callable[[], AbstractContextManager[object]]
    classify: Callable[[Exception], Failure]
    done: dict[_Change, None] = field(default_factory=dict)
    refusals: dict[_Change, Refusal] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    not_renamed: set[str] = field(default_factory=set)
    """New names whose row still has the old name."""

    def apply(self, changes: Iterable[_Change]) -> None:
        """Tries each change once."""
        for change in changes:
            if change.step is Step.WRITE and change.name in self.not_renamed:
                # It would become a second row beside the one with the old name.
                continue
            try:
                with self.transaction():
                    change.call()
            except Exception as error:
                self._fail(change, error)
            else:
                self._succeed(change)

    def _succeed(self, change: _Change) -> None:
        self.done[change] = None
        self.refusals.pop(change, None)
        self.kept.pop(change.name, None)
        if change.step is Step.RENAME:
            self.not_renamed.discard(change.name)

    def _fail(self, change: _Change, error: Exception) -> None:
        failure = self.classify(error)
        if failure is Failure.FATAL:
            raise error
        if change.step is Step.DELETE and isinstance(error, InUseError):
            self.kept[change.name] = str(error)
            return
        self.refusals[change] = Refusal(
            name=change.name,
            step=change.step,
            error=error,
            from_=change.rename.from_ if change.rename else None,
            revision=change.revision if failure is Failure.REFUSED else None,
        )

    def result(self, skipped: Collection[_Change]) -> Applied:
        revisions = {change.name: change.revision for change in skipped}
        for refusal in self.refusals.values():
            _log.warning("%s: %s refused: %r", refusal.name, refusal.step.value, refusal.error)
            revisions[refusal.name] = refusal.revision
        return Applied(
            deleted=self._names(Step.DELETE),
            renamed=tuple(change.rename for change in self.done if change.rename),
            written=self._names(Step.WRITE),
            refused=tuple(self.refusals.values()),
            skipped=tuple({change.name: None for change in skipped}),
            kept=self.kept,
            refused_revisions={name: found for name, found in revisions.items() if found},
        )

    def _names(self, step: Step) -> tuple[str, ...]:
        return tuple(change.name for change in self.done if change.step is step)
