"""The parts of an update that depend on Django: lock, transactions, and the meaning of failures.

with apply_lock() as lock:
    recorded = dict(RockOn.objects.values_list("name", "catalog_revision"))
    rockon_sync.apply(
        catalog, recorded, transaction=lock.transaction, classify=lock.classify, ...
    )
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import InterfaceError, NotSupportedError, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import TransactionManagementError, atomic

from .. import ErrorKind, Failure, LockedError, classify_failure

__all__ = ["APPLY_KEY", "ApplyLock", "apply_lock"]

APPLY_KEY = 7_061_963
"""The default key of the advisory lock."""


class ApplyLock:
    """A lock that is held by one connection of the database, and ends with it."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._wrapper = connection
        # Django connects again after a failure, without the lock.
        self._holder = connection.connection

    @property
    def is_held(self) -> bool:
        """True if Django still uses the connection that holds the lock."""
        return self._holder is not None and self._wrapper.connection is self._holder

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Returns the context manager of one change: `atomic`, on the connection with the lock.

        Raises OperationalError if that connection is no longer in use.
        """
        if not self.is_held:
            raise OperationalError("the connection that held the apply lock was closed")
        with atomic(using=self._wrapper.alias, durable=True):
            yield

    def classify(self, error: Exception) -> Failure:
        """Returns the meaning of an exception: `FATAL` if the connection is lost, whatever the
        exception; `TRANSIENT` for another OperationalError, such as a deadlock."""
        if not (self.is_held and self._wrapper.is_usable()):
            return Failure.FATAL
        if isinstance(error, OperationalError):
            return Failure.TRANSIENT
        return classify_failure(error)


@contextmanager
def apply_lock(*, using: str = "default", key: int = APPLY_KEY) -> Iterator[ApplyLock]:
    """Lets one process at a time apply changes. Does not wait for another one.

    `using`: the alias of the database, which must be PostgreSQL.
    `key`: the key of the advisory lock; each application in the database needs its own.

    Returns the context manager of an `ApplyLock`. Raises `LockedError` if another process holds the
    lock, `NotSupportedError` for another kind of database, `TransactionManagementError` inside a
    transaction (such as that of `ATOMIC_REQUESTS`, in which all changes would be one), and the
    errors of the database.
    """
    connection = connections[using]
    if connection.vendor != "postgresql":
        raise NotSupportedError(f"apply lock: expected PostgreSQL, got {connection.vendor}")
    if not connection.get_autocommit():
        raise TransactionManagementError("apply lock: expected autocommit, got a transaction")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        (is_locked,) = cursor.fetchone()
    if not is_locked:
        raise LockedError(
            "another process is applying changes", kind=ErrorKind.LOCKED, retryable=True
        )
    lock = ApplyLock(connection)
    try:
        yield lock
    finally:
        if lock.is_held:
            try:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_advisory_unlock(%s)", [key])
            except (InterfaceError, OperationalError):
                # The lock ends with its connection, and the caller's exception must not be hidden.
                connection.close()
