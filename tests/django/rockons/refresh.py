"""The update that the view calls: fetches changes, then writes only the rows that changed."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import rockon_sync
from django.conf import settings
from django.db import connection

from . import docker
from .apply import Refused, apply_definition, delete_rockon
from .models import RockOn

log = logging.getLogger(__name__)

# Any number that nothing else in the database locks.
APPLY_LOCK = 7_061_963


class Busy(Exception):
    """Another update is running."""


@dataclass
class Applied:
    """The results of applying changes."""

    upserted: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    """Maps names to reasons. Nothing is recorded for these, so the next update retries them."""


def refresh() -> tuple[rockon_sync.Report, Applied]:
    """Updates the store from its source, then the database from the store."""
    store = rockon_sync.Store(settings.ROCKON_STORE)
    try:
        report = store.update(settings.ROCKON_SOURCE, timeout=settings.ROCKON_TIMEOUT_S)
    except rockon_sync.LockedError as error:
        raise Busy from error
    return report, apply_changes(store.catalog())


def apply_changes(catalog: rockon_sync.Catalog) -> Applied:
    """Applies the differences between the catalog and the database."""
    done = Applied()
    with one_at_a_time():
        recorded = dict(RockOn.objects.values_list("name", "catalog_revision"))
        changes = catalog.changes_since(recorded)
        for reason in changes.reasons:
            log.warning("not deleted: %s", reason)
        # Deletes come first: a renamed rock-on needs the names of its old containers.
        can_delete = bool(changes.deletes) and docker.is_running()
        for name in changes.deletes:
            if not can_delete:
                done.refused[name] = "no longer published, but Docker does not run"
                continue
            try:
                delete_rockon(name)
                done.deleted.append(name)
            except Refused as refused:
                done.refused[name] = str(refused)
        for upsert in changes.upserts:
            try:
                apply_definition(upsert.definition)
                done.upserted.append(upsert.definition.name)
            except (Refused, rockon_sync.RockonSyncError) as refused:
                done.refused[upsert.definition.name] = str(refused)
    return done


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Lets one process at a time apply changes. The lock ends with the connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [APPLY_LOCK])
        if not cursor.fetchone()[0]:
            raise Busy
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [APPLY_LOCK])
