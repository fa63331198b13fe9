"""Keeps a folder of catalog files in step with a published tree over HTTP.

    store = Store("/var/lib/rockons")
    report = store.update("https://example.org/rockons/v2/")
    changes = store.catalog().changes_since(applied)

Updates log to the logger `rockon_sync`.
"""

import logging as _logging
from collections.abc import Mapping as _Mapping

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
    FailedEntry,
    HeldStatus,
    Outcome,
    Phase,
    Problem,
    Progress,
    PublishOutcome,
    PublishReport,
    Report,
    SourceStatus,
    Trust,
    Upsert,
    Verification,
)

__all__ = [
    "CancelToken",
    "CanceledError",
    "Catalog",
    "Changes",
    "Definition",
    "ErrorKind",
    "FailedEntry",
    "HeldStatus",
    "IntegrityError",
    "LockedError",
    "ManifestError",
    "Outcome",
    "Phase",
    "Problem",
    "Progress",
    "PublishOutcome",
    "PublishReport",
    "Report",
    "RockonSyncError",
    "Source",
    "SourceStatus",
    "Store",
    "StoreError",
    "TransportError",
    "Trust",
    "Upsert",
    "Verification",
    "__version__",
    "keygen",
    "publish",
]

_Mapping.register(Catalog)
_logging.getLogger(__name__).addHandler(_logging.NullHandler())
