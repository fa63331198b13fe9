"""The update that the view calls: fetches changes, then writes only the rows that changed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import rockon_sync
from django.conf import settings
from rockon_sync.contrib.django import apply_lock

from . import docker
from .apply import delete_rockon, rename_rockon, write_rockon
from .models import Refusal, RockOn


@dataclass(frozen=True)
class Outcome:
    """The results of applying changes."""

    applied: rockon_sync.Applied
    errors: dict[str, str]
    """The errors for the page, by name or file: also those that were recorded before."""


def refresh() -> tuple[rockon_sync.Report, Outcome]:
    """Updates the store from its source, then the database from the store."""
    store = rockon_sync.Store(settings.ROCKON_STORE)
    report = store.update(settings.ROCKON_SOURCE, timeout=settings.ROCKON_TIMEOUT_S)
    return report, apply_changes(store)


def apply_changes(store: rockon_sync.Store) -> Outcome:
    """Applies the differences between the catalog and the database."""
    docker_runs = cache(docker.is_running)

    def delete(name: str) -> None:
        if not docker_runs():
            raise rockon_sync.InUseError("no longer published, but Docker does not run")
        delete_rockon(name)

    with apply_lock() as lock:
        # Without `local`, the owner's own definitions would be deleted.
        catalog = store.catalog(local=settings.ROCKON_LOCAL)
        recorded = dict(RockOn.objects.values_list("name", "catalog_revision"))
        refused = dict(Refusal.objects.values_list("name", "revision"))
        applied = rockon_sync.apply(
            catalog,
            recorded,
            write=write_rockon,
            rename=rename_rockon,
            delete=delete,
            refused=refused,
            transaction=lock.transaction,
            classify=lock.classify,
        )
        if applied.refused_revisions != refused:
            record_refusals(applied)
    errors = {str(problem.path): str(problem) for problem in catalog.problems}
    errors |= {refusal.name: reason(refusal) for refusal in applied.refused}
    if applied.skipped:
        known = Refusal.objects.filter(name__in=applied.skipped)
        errors |= dict(known.values_list("name", "reason"))
    return Outcome(applied, errors)


def record_refusals(applied: rockon_sync.Applied) -> None:
    """Records the refused revisions, so that the next update does not try them again."""
    Refusal.objects.exclude(name__in=applied.refused_revisions).delete()
    for refusal in applied.refused:
        if refusal.revision is not None:
            values = {"revision": refusal.revision, "reason": reason(refusal)}
            Refusal.objects.update_or_create(name=refusal.name, defaults=values)


def reason(refusal: rockon_sync.Refusal) -> str:
    """Returns the text for the page. The message of a KeyError, for one, is only the key."""
    return f"{type(refusal.error).__name__}: {refusal.error}"


def forget() -> None:
    """Makes the next update write everything again: it repairs rows that were lost."""
    RockOn.objects.update(catalog_revision=None)
    Refusal.objects.all().delete()
