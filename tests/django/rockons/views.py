"""The "Update" button of the Rock-ons page."""

import rockon_sync
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_POST

from .refresh import Busy, refresh


@require_POST
def update(_request: HttpRequest) -> JsonResponse:
    """Updates the rock-ons, and reports the result of each change."""
    try:
        report, applied = refresh()
    except Busy:
        return JsonResponse({"detail": "an update is running"}, status=409)
    except rockon_sync.RockonSyncError as error:
        kind = error.kind.value
        return JsonResponse({"detail": str(error), "kind": kind}, status=502)
    return JsonResponse(
        {
            "outcome": report.outcome,
            "requests": report.requests,
            "failed": {entry.id: entry.message for entry in report.failed},
            "upserted": applied.upserted,
            "deleted": applied.deleted,
            "refused": applied.refused,
        }
    )
