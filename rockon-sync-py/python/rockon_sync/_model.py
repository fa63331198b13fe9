"""What the package hands out: plain, frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ._core import Definition
    from ._errors import RockonSyncError


class Trust(StrEnum):
    """How much of what is held an update takes on trust."""

    SIZE_AND_TIME = "size-and-time"
    """Files whose size and time are as committed are taken to be intact."""
    DIGEST = "digest"
    """Every file is compared with its digest."""
    NOTHING = "nothing"
    """Nothing: everything is fetched again."""


class Format(StrEnum):
    """What kind of files a catalog is made of."""

    ROCKON = "rockon"
    """JSON files, each an object of Rock-on definitions by name."""
    JUPDATE = "jupdate"
    """XML files of a JUpdate site, each the releases of an extension."""
    FILES = "files"
    """Files of any kind, each known by its id."""


class Stability(StrEnum):
    """How far a release has been tested, the least first."""

    DEV = "dev"
    """Not at all, and also what is of no known stability."""
    ALPHA = "alpha"
    BETA = "beta"
    RC = "rc"
    STABLE = "stable"


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
    error: str | None
    """The error if the source cannot be read; then nothing but its name is known."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Relations:
    """What a definition says of others, in the notation of Debian's control files."""

    requires: tuple[str, ...]
    """What has to be installed before it: of each, such as `name (>= 1.2) | other`, one."""
    conflicts: tuple[str, ...]
    """What cannot be installed beside it."""
    replaces: tuple[str, ...]
    """What is to be removed when it is installed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmet:
    """A requirement that nothing in the catalog meets."""

    by: str
    """The name of the definition that has it."""
    requirement: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Two definitions that cannot be installed together."""

    by: str
    """The name of the one that says so."""
    other: str
    """What it conflicts with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What installing a definition takes."""

    install: tuple[Definition, ...]
    """What is missing, each after what it requires, the definition itself last. What is
    installed in a version that will not do is in it too."""
    unmet: tuple[Unmet, ...]
    conflicts: tuple[Conflict, ...]
    replaced: tuple[str, ...]
    """What is installed and to be removed, since something takes its place."""

    @property
    def is_possible(self) -> bool:
        """Whether it can be done."""
        return not self.unmet and not self.conflicts


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """Where a release can be downloaded, as its site says: it is fetched by nobody here."""

    url: str
    kind: str | None
    """Whether it is the whole, `full`, or not, `upgrade`."""
    format: str | None
    """The form of the file, for example `zip`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One release of an extension, as its site describes it."""

    id: str
    """What tells the extension from all others: `plugin/system/cache`."""
    version: str
    stability: Stability
    title: str | None
    description: str | None
    kind: str
    """Its type: `component`, `module`, `plugin`, `template`, `library`, `package`, ..."""
    element: str
    client: str | None
    """What it extends: `site`, `administrator`, ..."""
    folder: str | None
    """The group of a plugin."""
    tags: tuple[str, ...]
    section: str | None
    maintainer: str | None
    platforms: tuple[str, ...]
    """What it is for, such as `joomla >= 4.4, < 4.5 | >= 5.0`; empty if it is for all."""
    info_url: str | None
    downloads: tuple[Download, ...]
    checksums: Mapping[str, str] = field(hash=False)
    """Digests of the download, in hexadecimal, by algorithm: `sha256`, `sha384`, `sha512`."""
    php_minimum: str | None
    relations: Relations

    def __post_init__(self) -> None:
        object.__setattr__(self, "stability", Stability(self.stability))


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """An extension that can be updated."""

    definition: Definition
    installed: str
    """The version that is installed."""
    release: Release
    """The newest release that fits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Updates:
    """Which of the extensions that are installed have an update."""

    updates: tuple[Update, ...]
    """In catalog order."""
    unknown: tuple[str, ...]
    """Names that are no extensions of the catalog, which is no reason to remove them."""
    problems: tuple[RockonSyncError, ...]
    """Why extensions could not be read."""


def from_unix(seconds: int) -> datetime | None:
    """The moment in UTC; None for the year 0, which a datetime cannot hold."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
