"""What the package hands out: plain, frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._core import Definition


class Trust(StrEnum):
    """How much of what is held an update takes on trust."""

    SIZE_AND_TIME = "size-and-time"
    """Files whose size and time are as committed are taken to be intact."""
    DIGEST = "digest"
    """Every file is compared with its digest."""
    NOTHING = "nothing"
    """Nothing: everything is fetched again."""


class Outcome(StrEnum):
    """How an update ended."""

    UNCHANGED = "unchanged"
    """The store had everything already."""
    UPDATED = "updated"
    """The store now has what the source has."""
    PARTIAL = "partial"
    """The same, but for the entries that failed."""
    STALE = "stale"
    """Every mirror offers an older state than the one held, or another one under its serial;
    nothing was changed."""


class PublishOutcome(StrEnum):
    """Whether a publication wrote anything."""

    PUBLISHED = "published"
    """There is a new head."""
    UNCHANGED = "unchanged"
    """Everything was published already; nothing was written, but for a page that was missing
    or not wanted any more."""


class Phase(StrEnum):
    """What an update is doing."""

    CHECKING = "checking"
    FETCHING = "fetching"
    COMMITTING = "committing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far an update is. Totals are known once the phase is no longer `CHECKING`."""

    source: str
    phase: Phase
    files_done: int
    files_total: int
    bytes_done: int
    bytes_total: int | None
    """None where the source does not tell sizes (v1)."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "phase", Phase(self.phase))


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedEntry:
    """An entry that could not be brought up to date; it keeps what was held of it."""

    id: str
    kind: str
    """The value of an ErrorKind."""
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What an update has done, or, after a check, would do."""

    source: str
    outcome: Outcome
    serial: int | None
    """The serial of the head that is now current; None if it has none (v1)."""
    manifest: str | None
    """The digest of the manifest that is now current."""
    requests: int
    """Requests made, redirects and retries included."""
    bytes_received: int
    """Bytes of bodies, as they came over the wire."""
    added: tuple[str, ...]
    """Ids of entries that are new."""
    changed: tuple[str, ...]
    """Ids of entries whose file has other bytes."""
    removed: tuple[str, ...]
    """Ids of entries that are gone."""
    healed: tuple[str, ...]
    """Ids of entries whose local file had been damaged and is whole again."""
    failed: tuple[FailedEntry, ...]
    warnings: tuple[str, ...]
    """What is not wrong but should be known, one sentence each."""
    duration: timedelta

    def __post_init__(self) -> None:
        object.__setattr__(self, "outcome", Outcome(self.outcome))


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldStatus:
    """The current generation of a source."""

    generation: int
    serial: int | None
    published: datetime | None
    expires: datetime | None
    manifest: str | None
    entries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStatus:
    """What is held of one source."""

    source: str
    locations: tuple[str, ...]
    """Where its last update came from, without credentials and queries."""
    checked: datetime | None
    """When the source was last asked, successfully."""
    trusted_keys: tuple[str, ...]
    """The keys of which one must have signed its head; empty if it need not be signed."""
    held: HeldStatus | None
    """None before the first update was completed."""
    failed: tuple[FailedEntry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The result of comparing every file of a source with its digest."""

    source: str
    entries: int
    damaged: tuple[Path, ...]
    """Files that are missing or have other bytes than they were committed with."""
    strays: int
    """How many files are there that no update put there."""

    @property
    def is_intact(self) -> bool:
        """Whether everything is as it was committed."""
        return not self.damaged and not self.strays


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with a catalog that is to be published: one finding."""

    is_error: bool
    """Whether it stands in the way of publishing; else it is a warning."""
    file: str
    """The file, relative to the catalog."""
    line: int | None
    column: int | None
    message: str

    def __str__(self) -> str:
        place = "" if self.line is None else f":{self.line}:{self.column}"
        return f"{self.file}{place}: {'' if self.is_error else 'warning: '}{self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishReport:
    """What a publication has done."""

    outcome: PublishOutcome
    serial: int
    manifest: str
    """The digest of the manifest."""
    head: Path
    """The head that was written or found up to date."""
    entries: int
    added: tuple[str, ...]
    """Ids that are new since the last publication."""
    changed: tuple[str, ...]
    """Ids whose file has other bytes."""
    removed: tuple[str, ...]
    """Ids that are gone."""
    problems: tuple[Problem, ...]
    """Warnings, and what was left out."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "outcome", PublishOutcome(self.outcome))


@dataclass(frozen=True, slots=True, kw_only=True)
class Upsert:
    """A definition to be applied."""

    definition: Definition
    is_new: bool
    """Whether nothing is recorded of it; else it was applied in another revision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What an application has to do to be in step with the catalog; false if nothing.

    Do the deletes first, then the upserts in their order. Record the revision of each
    definition in the transaction that applies it.
    """

    deletes: tuple[str, ...]
    upserts: tuple[Upsert, ...]
    withheld: tuple[str, ...]
    """Names that are not in the catalog but must not be deleted: what is published was
    not fetched, cannot be read, or the source is empty."""
    reasons: tuple[str, ...]
    """Why they are withheld."""

    def __bool__(self) -> bool:
        return bool(self.deletes or self.upserts)


def from_unix(seconds: int) -> datetime | None:
    """The moment in UTC; None for the year 0, which a datetime cannot hold."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
