"""Keeps a local copy of a published catalog up to date over HTTP.

    store = Store("/var/lib/rockons")
    report = store.update("https://example.org/rockons/v2/")
    applied = apply(store.catalog(), recorded, write=..., rename=..., delete=...)

Updates log to the logger `rockon_sync`.
"""

import logging as _logging
from collections.abc import Mapping as _Mapping

from ._apply import Applied, Failure, InUseError, Refusal, Step, apply, classify_failure
from ._core import CancelToken, Catalog, Definition, Source, Store, __version__, keygen, publish
from ._errors import (
    CanceledError,
    ErrorKind,
    IntegrityError,
    LockedError,
    ManifestError,
    RockonSyncError,
    StoreError,
    TransportError,
)
from ._model import (
    Changes,
    Conflict,
    CurrentStatus,
    Download,
    FailedEntry,
    Format,
    Installation,
    KeyList,
    KeyRole,
    Mode,
    Outcome,
    Phase,
    Problem,
    Progress,
    PublishOutcome,
    PublishReport,
    Relations,
    Release,
    Rename,
    Renamed,
    Report,
    SourceStatus,
    Stability,
    Unmet,
    Update,
    Updates,
    Upsert,
    Verification,
)

__all__ = [
    "Applied",
    "CancelToken",
    "CanceledError",
    "Catalog",
    "Changes",
    "Conflict",
    "CurrentStatus",
    "Definition",
    "Download",
    "ErrorKind",
    "FailedEntry",
    "Failure",
    "Format",
    "InUseError",
    "Installation",
    "IntegrityError",
    "KeyList",
    "KeyRole",
    "LockedError",
    "ManifestError",
    "Mode",
    "Outcome",
    "Phase",
    "Problem",
    "Progress",
    "PublishOutcome",
    "PublishReport",
    "Refusal",
    "Relations",
    "Release",
    "Rename",
    "Renamed",
    "Report",
    "RockonSyncError",
    "Source",
    "SourceStatus",
    "Stability",
    "Step",
    "Store",
    "StoreError",
    "TransportError",
    "Unmet",
    "Update",
    "Updates",
    "Upsert",
    "Verification",
    "__version__",
    "apply",
    "classify_failure",
    "keygen",
    "publish",
]

_Mapping.register(Catalog)
_logging.getLogger(__name__).addHandler(_logging.NullHandler())
