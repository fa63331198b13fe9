"""What can go wrong, as exceptions: one class for each thing a caller decides."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._model import Problem


class ErrorKind(StrEnum):
    """What went wrong, exactly. The values are those of the command's JSON reports."""

    ARGUMENT = "argument"
    TRANSPORT = "transport"
    STATUS = "status"
    TIMEOUT = "timeout"
    CANCELED = "canceled"
    HEAD = "head"
    MANIFEST = "manifest"
    DEFINITION = "definition"
    LIMIT = "limit"
    INTEGRITY = "integrity"
    TRUST = "trust"
    ROLLBACK = "rollback"
    EXPIRED = "expired"
    MASS_DELETE = "mass-delete"
    LOCKED = "locked"
    STORE = "store"
    CATALOG = "catalog"
    NOT_FOUND = "not-found"


class RockonSyncError(Exception):
    """The base of all errors of this package. A bad argument is a ValueError instead."""

    kind: ErrorKind
    """What went wrong, exactly."""
    url: str | None
    """The URL concerned, without credentials and query values."""
    path: Path | None
    """The local path concerned."""
    retryable: bool
    """Whether the same call may succeed later without anyone changing anything."""
    problems: tuple[Problem, ...]
    """Every finding, where a catalog that is to be published was refused."""

    def __init__(
        self,
        message: str,
        *,
        kind: ErrorKind,
        url: str | None = None,
        path: Path | None = None,
        retryable: bool = False,
        problems: tuple[Problem, ...] = (),
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.url = url
        self.path = path
        self.retryable = retryable
        self.problems = problems

    def __reduce__(self) -> tuple[Any, ...]:
        place = (self.url, self.path)
        return of_kind, (self.kind.value, str(self), *place, self.retryable, self.problems)


class TransportError(RockonSyncError):
    """No usable answer came from any mirror, or not in time: try later."""


class IntegrityError(RockonSyncError):
    """What the source offers was refused: other bytes than promised, an older or lesser
    state than the one held, past its expiry, or most of the catalog gone."""


class ManifestError(RockonSyncError):
    """What is published, or is to be published, cannot be used: its publisher must mend it."""


class StoreError(RockonSyncError):
    """The store cannot be read or written, or is not there yet."""


class LockedError(RockonSyncError):
    """Another update of the same source is running."""


class CanceledError(RockonSyncError):
    """The caller canceled the update."""


CLASSES: dict[ErrorKind, type[Exception]] = {
    ErrorKind.ARGUMENT: ValueError,
    ErrorKind.TRANSPORT: TransportError,
    ErrorKind.STATUS: TransportError,
    ErrorKind.TIMEOUT: TransportError,
    ErrorKind.CANCELED: CanceledError,
    ErrorKind.HEAD: ManifestError,
    ErrorKind.MANIFEST: ManifestError,
    ErrorKind.DEFINITION: ManifestError,
    ErrorKind.LIMIT: ManifestError,
    ErrorKind.INTEGRITY: IntegrityError,
    ErrorKind.TRUST: IntegrityError,
    ErrorKind.ROLLBACK: IntegrityError,
    ErrorKind.EXPIRED: IntegrityError,
    ErrorKind.MASS_DELETE: IntegrityError,
    ErrorKind.LOCKED: LockedError,
    ErrorKind.STORE: StoreError,
    ErrorKind.CATALOG: ManifestError,
    ErrorKind.NOT_FOUND: StoreError,
}
"""The class that each kind is raised as."""


def of_kind(
    kind: str,
    message: str,
    url: str | None = None,
    path: Path | None = None,
    retryable: bool = False,
    problems: tuple[Problem, ...] = (),
) -> Exception:
    """The exception for an error of this kind."""
    known = ErrorKind(kind)
    found = CLASSES[known]
    if issubclass(found, RockonSyncError):
        place: dict[str, Any] = {"url": url, "path": path}
        return found(message, kind=known, **place, retryable=retryable, problems=problems)
    return found(message)
