"""Exceptions of the package, one class per decision of a caller."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._model import Problem


class ErrorKind(StrEnum):
    """The exact kind of an error. The values are those in the command's JSON reports."""

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
    EXPIRED = "expired"
    MASS_DELETE = "mass-delete"
    LOCKED = "locked"
    STORE = "store"
    CATALOG = "catalog"
    NOT_FOUND = "not-found"


class RockonSyncError(Exception):
    """The base class of all errors of this package. Invalid arguments are a ValueError instead."""

    kind: ErrorKind
    """The exact kind."""
    url: str | None
    """The URL concerned, without credentials and query values."""
    path: Path | None
    """The local path concerned."""
    retryable: bool
    """True if the same call may succeed later without any change."""
    problems: tuple[Problem, ...]
    """All problems of a catalog directory that could not be published."""

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
    """No mirror gave a usable response in time. Retry later."""


class IntegrityError(RockonSyncError):
    """The source's state was refused: wrong digests, a missing signature, an expired
    head, or mass deletion."""


class ManifestError(RockonSyncError):
    """The catalog is invalid. Its publisher must fix it."""


class StoreError(RockonSyncError):
    """The store does not exist, or cannot be read or written."""


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
    ErrorKind.EXPIRED: IntegrityError,
    ErrorKind.MASS_DELETE: IntegrityError,
    ErrorKind.LOCKED: LockedError,
    ErrorKind.STORE: StoreError,
    ErrorKind.CATALOG: ManifestError,
    ErrorKind.NOT_FOUND: StoreError,
}
"""The exception class of each kind."""


def of_kind(
    kind: str,
    message: str,
    url: str | None = None,
    path: Path | None = None,
    retryable: bool = False,
    problems: tuple[Problem, ...] = (),
) -> Exception:
    """Returns the exception for an error of this kind."""
    known = ErrorKind(kind)
    found = CLASSES[known]
    if issubclass(found, RockonSyncError):
        place: dict[str, Any] = {"url": url, "path": path}
        return found(message, kind=known, **place, retryable=retryable, problems=problems)
    return found(message)
