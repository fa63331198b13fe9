"""The buttons of the Rock-ons page."""

import rockon_sync
from django.db import transaction
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_POST

from .refresh import forget, refresh


@transaction.non_atomic_requests
@require_POST
def update(_request: HttpRequest) -> JsonResponse:
    """Updates the rock-ons. Anything that could not be applied is an error for the page."""
    try:
        report, outcome = refresh()
    except rockon_sync.LockedError:
        return JsonResponse({"detail": "an update is running"}, status=409)
    except rockon_sync.RockonSyncError as error:
        kind = error.kind.value
        return JsonResponse({"detail": str(error), "kind": kind}, status=502)
    applied = outcome.applied
    errors = {entry.id: entry.message for entry in report.failed} | outcome.errors
    answer = {
        "detail": "; ".join(f"{name}: {text}" for name, text in errors.items()),
        "outcome": report.outcome,
        "requests": report.requests,
        "deleted": applied.deleted,
        "renamed": {rename.from_: rename.to for rename in applied.renamed},
        "written": applied.written,
        "kept": dict(applied.kept),
        "errors": errors,
    }
    return JsonResponse(answer, status=500 if errors else 200)


@transaction.non_atomic_requests
@require_POST
def repair(request: HttpRequest) -> JsonResponse:
    """Updates the rock-ons, and writes all of them again."""
    forget()
    return update(request)
