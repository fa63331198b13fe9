"""The lock, the transactions and the failures of `rockon_sync.contrib.django`."""

from __future__ import annotations

import pytest
import rockon_sync
from conftest import put
from django.db import NotSupportedError, OperationalError, connection, transaction
from rockon_sync import Failure, InUseError
from rockon_sync.contrib.django import apply_lock
from support import CatalogDir, Server


def end_backend() -> None:
    """Ends the server's side of the connection, as a restart of the database does."""
    with pytest.raises(OperationalError), connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


def locks() -> int:
    """Returns the number of advisory locks in the database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
        row: tuple[int] = cursor.fetchone()
    return row[0]


def test_the_lock_is_released_after_success_and_failure() -> None:
    with apply_lock():
        assert locks() == 1
    assert locks() == 0
    with pytest.raises(RuntimeError), apply_lock():
        raise RuntimeError
    assert locks() == 0


def test_two_applications_have_a_lock_each() -> None:
    with apply_lock(key=1), apply_lock(key=2):
        assert locks() == 2


def test_a_transaction_around_it_is_refused() -> None:
    error = "apply lock: expected autocommit, got a transaction"
    with (
        transaction.atomic(),
        pytest.raises(transaction.TransactionManagementError, match=error),
        apply_lock(),
    ):
        pytest.fail("the lock was taken")
    assert locks() == 0


def test_another_database_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "vendor", "sqlite")
    error = "apply lock: expected PostgreSQL, got sqlite"
    with pytest.raises(NotSupportedError, match=error), apply_lock():
        pytest.fail("the lock was taken")


def test_failures_are_told_apart() -> None:
    with apply_lock() as lock:
        assert lock.classify(ValueError()) is Failure.REFUSED
        assert lock.classify(InUseError()) is Failure.TRANSIENT
        assert lock.classify(OperationalError("deadlock detected")) is Failure.TRANSIENT
        end_backend()
        assert lock.classify(ValueError()) is Failure.FATAL


def test_a_new_connection_does_not_hold_the_lock() -> None:
    with apply_lock() as lock:
        connection.close()
        connection.ensure_connection()
        assert not lock.is_held
        assert lock.classify(ValueError()) is Failure.FATAL
        with pytest.raises(OperationalError, match="the connection that held"), lock.transaction():
            pytest.fail("the transaction has begun")
    assert locks() == 0


def test_a_lost_connection_ends_the_update_and_the_next_one_continues(
    catalog: CatalogDir, served: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rockons import apply, refresh
    from rockons.models import RockOn

    write = apply.write_rockon

    def lose(definition: rockon_sync.Definition) -> None:
        write(definition)
        if definition.name == "Delta":
            end_backend()
            # As an application does that wraps every error.
            raise RuntimeError("cannot write")

    with monkeypatch.context() as patch:
        patch.setattr(refresh, "write_rockon", lose)
        with pytest.raises(RuntimeError, match="cannot write"):
            refresh.refresh()
    assert sorted(RockOn.objects.values_list("name", flat=True)) == ["Alpha", "Beta"]
    _, outcome = refresh.refresh()
    assert outcome.applied.written == ("Delta", "Gamma")


def test_a_deadlock_or_timeout_is_not_held_against_the_definition(
    catalog: CatalogDir, served: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rockons import apply, refresh
    from rockons.models import Refusal

    write = apply.write_rockon

    def time_out(definition: rockon_sync.Definition) -> None:
        write(definition)
        if definition.name == "Beta":
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL statement_timeout = 1")
                cursor.execute("SELECT pg_sleep(5)")

    with monkeypatch.context() as patch:
        patch.setattr(refresh, "write_rockon", time_out)
        _, outcome = refresh.refresh()
    assert outcome.applied.written == ("Alpha", "Delta", "Gamma")
    assert "statement timeout" in outcome.errors["Beta"]
    assert not Refusal.objects.exists()
    put(catalog, "Gamma", image="gamma/new")
    _, outcome = refresh.refresh()
    assert outcome.applied.written == ("Beta",)
