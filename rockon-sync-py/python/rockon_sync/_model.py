"""The values that the package returns: plain, frozen dataclasses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from enum import Enum, StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._core import Definition
    from ._errors import RockonSyncError


SHOWN_FIELDS = 6
SHOWN_CHARS = 40
EMPTY: tuple[object, ...] = (None, (), {})


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class _Value:
    """A base class with a `repr` of one short line: the first fields that are not empty."""

    def __repr__(self) -> str:
        values = [(each.name, getattr(self, each.name)) for each in fields(self)]
        known = [f"{name}={_shorten(value)}" for name, value in values if value not in EMPTY]
        more = ["..."] if len(known) > SHOWN_FIELDS else []
        return f"{type(self).__name__}({', '.join(known[:SHOWN_FIELDS] + more)})"


def _shorten(value: object) -> str:
    if isinstance(value, tuple | Mapping):
        return f"<{len(value)}>"
    if isinstance(value, Enum):
        return repr(value.value)
    text = value.isoformat() if isinstance(value, datetime) else repr(value)
    return text if len(text) <= SHOWN_CHARS else text[:SHOWN_CHARS] + "..."


class Mode(StrEnum):
    """The amount of local data that an update checks."""

    QUICK = "quick"
    """Sizes and times: a file with the committed size and time counts as intact."""
    VERIFY = "verify"
    """Digests: every file is read."""
    FULL = "full"
    """Nothing: every file is fetched again."""


class Format(StrEnum):
    """The kind of files in a catalog."""

    ROCKON = "rockon"
    """JSON files, each an object that maps names to Rock-on definitions."""
    JUPDATE = "jupdate"
    """XML files of a JUpdate site, each with the releases of an extension."""
    FILES = "files"
    """Files of any kind, identified by their id."""


class Stability(StrEnum):
    """The stability of a release, lowest first."""

    DEV = "dev"
    """A development version, or one of unknown stability."""
    ALPHA = "alpha"
    BETA = "beta"
    RC = "rc"
    STABLE = "stable"


class Outcome(StrEnum):
    """The outcome of an update."""

    UNCHANGED = "unchanged"
    """The store was already up to date."""
    UPDATED = "updated"
    """The store is now up to date."""
    PARTIAL = "partial"
    """The store is now up to date, except for the failed entries."""
    STALE = "stale"
    """Every mirror offers a state that is older than the current one, or that differs under the
    same serial. Nothing was changed."""


class PublishOutcome(StrEnum):
    """The outcome of a publication."""

    PUBLISHED = "published"
    """A new head was published."""
    UNCHANGED = "unchanged"
    """The tree was up to date. At most the page was written or removed."""


class Phase(StrEnum):
    """The phase of an update."""

    CHECKING = "checking"
    FETCHING = "fetching"
    COMMITTING = "committing"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Progress(_Value):
    """The progress of an update. Totals are 0 until they are known.

    While a pack is downloaded, the number of files in it is not known.
    """

    source: str
    phase: Phase
    files_done: int
    files_total: int
    bytes_done: int
    bytes_total: int | None
    """None if the source has no sizes (v1)."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "phase", Phase(self.phase))


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class FailedEntry(_Value):
    """An entry that could not be updated. It keeps its current state."""

    id: str
    kind: str
    """The value of an ErrorKind."""
    message: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Report(_Value):
    """The result of an update; after a check, the changes that an update would make."""

    source: str
    outcome: Outcome
    serial: int | None
    """The serial of the current head; None if it has none (v1)."""
    added: tuple[str, ...]
    """Ids of new entries."""
    changed: tuple[str, ...]
    """Ids of entries whose file changed."""
    removed: tuple[str, ...]
    """Ids of removed entries."""
    healed: tuple[str, ...]
    """Ids of entries whose damaged local file was repaired."""
    failed: tuple[FailedEntry, ...]
    warnings: tuple[str, ...]
    """Warnings, one sentence each."""
    manifest: str | None
    """The digest of the current manifest."""
    requests: int
    """The number of requests, including redirects and retries."""
    bytes_received: int
    """Body bytes received, before decompression."""
    duration: timedelta

    def __post_init__(self) -> None:
        object.__setattr__(self, "outcome", Outcome(self.outcome))


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class CurrentStatus(_Value):
    """The current generation of a source."""

    generation: int
    serial: int | None
    published: datetime | None
    expires: datetime | None
    manifest: str | None
    entries: int


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class KeyRole(_Value):
    """The keys that may sign one kind of file, and how many of them must."""

    keys: tuple[str, ...]
    threshold: int


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class KeyList(_Value):
    """The keys that may sign heads and key lists."""

    name: str
    version: int
    root: KeyRole
    """The keys that sign key lists."""
    head: KeyRole
    """The keys that sign heads."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SourceStatus(_Value):
    """The status of one source."""

    source: str
    mirrors: tuple[str, ...]
    """The mirrors at the last update, without credentials and queries."""
    checked: datetime | None
    """The time when a mirror last answered."""
    trusted_keys: tuple[str, ...]
    """The keys that were given. Without a key list, at least one must have signed the head; if
    empty, unsigned heads are accepted.
    """
    key_list: KeyList | None
    """The key list that they lead to, which says who must sign heads."""
    current: CurrentStatus | None
    """None before the first update was completed."""
    failed: tuple[FailedEntry, ...]
    error: str | None
    """The error if the source cannot be read; then nothing but its name is known."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Verification(_Value):
    """The result of comparing every file of a source with its digest."""

    source: str
    entries: int
    damaged: tuple[Path, ...]
    """Files that are missing or changed."""
    strays: int
    """The number of files that were not written by an update."""
    untrusted: str | None
    """The reason if the head is not signed as the trusted keys, or their key list, require."""

    @property
    def is_intact(self) -> bool:
        """True if all files are as they were committed."""
        return not self.damaged and not self.strays


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Problem(_Value):
    """One problem of a catalog directory."""

    is_error: bool
    """True if it prevents publishing; otherwise it is a warning."""
    file: str
    """The file, relative to the catalog directory."""
    line: int | None
    column: int | None
    message: str

    def __str__(self) -> str:
        place = "" if self.line is None else f":{self.line}:{self.column}"
        return f"{self.file}{place}: {'' if self.is_error else 'warning: '}{self.message}"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Renamed(_Value):
    """A definition with a new name."""

    from_: str
    """The name in the last publication."""
    to: str
    """The new name."""
    id: str
    """The id of the entry."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PublishReport(_Value):
    """The result of a publication."""

    outcome: PublishOutcome
    serial: int
    manifest: str
    """The digest of the manifest."""
    head: Path | str
    """The path of the head, or its URL in a bucket."""
    entries: int
    added: tuple[str, ...]
    """Ids added since the last publication."""
    changed: tuple[str, ...]
    """Ids whose file changed."""
    removed: tuple[str, ...]
    """Removed ids."""
    renamed: tuple[Renamed, ...]
    """Definitions that had another name in the last publication."""
    kept: tuple[str, ...]
    """Ids whose file is broken now; their last published version is kept."""
    written: tuple[str, ...]
    """Paths of files in the tree that were written."""
    deleted: tuple[str, ...]
    """Paths of files in the tree that were deleted."""
    problems: tuple[Problem, ...]
    """Warnings, and definitions that were left out or kept."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "outcome", PublishOutcome(self.outcome))


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Rename(_Value):
    """A new name of an applied definition. An upsert of the new name always follows."""

    from_: str
    """The applied name, which is no longer in the catalog."""
    to: str
    """The name in the catalog, which the application has not recorded."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Upsert(_Value):
    """A definition to apply."""

    definition: Definition
    is_new: bool
    """True if the application has no record of it; false if it recorded another revision, or any
    under a former name."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Changes(_Value):
    """The changes that bring an application up to date with the catalog; false if there are none.

    Apply the deletes first, then the renames, then the upserts in order, or leave that to `apply`.
    Record the revision of each definition in the same transaction as the change itself.
    """

    deletes: tuple[str, ...]
    renames: tuple[Rename, ...]
    upserts: tuple[Upsert, ...]
    withheld: tuple[str, ...]
    """Names that are not in the catalog but must not be deleted, because the published file was not
    fetched, cannot be read, or the source is empty."""
    reasons: tuple[str, ...]
    """Reasons for withholding names."""

    def __bool__(self) -> bool:
        return bool(self.deletes or self.renames or self.upserts)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Relations(_Value):
    """Relations of a definition to others, in the notation of Debian's control files."""

    requires: tuple[str, ...]
    """Requirements, to be installed first. Of alternatives, such as `name (>= 1.2) | other`, one.
    """
    conflicts: tuple[str, ...]
    """Definitions that cannot be installed together with it."""
    replaces: tuple[str, ...]
    """Definitions that it replaces, to be removed when it is installed."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Unmet(_Value):
    """A requirement that no definition in the catalog meets."""

    by: str
    """The name of the definition with the requirement."""
    requirement: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Conflict(_Value):
    """Two definitions that cannot be installed together."""

    by: str
    """The name of the definition that declares the conflict."""
    other: str
    """The other side of the conflict."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Installation(_Value):
    """The steps to install a definition."""

    install: tuple[Definition, ...]
    """Definitions to install, each after its requirements, the requested one last. Definitions
    installed in an unsuitable version are included."""
    unmet: tuple[Unmet, ...]
    conflicts: tuple[Conflict, ...]
    replaced: tuple[str, ...]
    """Installed names to remove because they are replaced."""

    @property
    def is_possible(self) -> bool:
        """True if there are neither unmet requirements nor conflicts."""
        return not self.unmet and not self.conflicts


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Download(_Value):
    """A download of a release, as declared by its site. This package never fetches it."""

    url: str
    kind: str | None
    """`full` for a complete package, `upgrade` for a partial one."""
    format: str | None
    """The file format, for example `zip`."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Release(_Value):
    """One release of an extension, as its site describes it."""

    id: str
    """The identifier of the extension: `plugin/system/cache`."""
    version: str
    stability: Stability
    title: str | None
    description: str | None
    kind: str
    """Its type: `component`, `module`, `plugin`, `template`, `library`, `package`, ..."""
    element: str
    client: str | None
    """The part of the system that it extends: `site`, `administrator`, ..."""
    folder: str | None
    """The group of a plugin."""
    tags: tuple[str, ...]
    section: str | None
    maintainer: str | None
    platforms: tuple[str, ...]
    """Supported platforms, such as `joomla >= 4.4, < 4.5 | >= 5.0`; empty if it supports all."""
    info_url: str | None
    downloads: tuple[Download, ...]
    checksums: Mapping[str, str] = field(hash=False)
    """Digests of the download, in hexadecimal, by algorithm: `sha256`, `sha384`, `sha512`."""
    php_minimum: str | None
    relations: Relations

    def __post_init__(self) -> None:
        object.__setattr__(self, "stability", Stability(self.stability))


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Update(_Value):
    """An extension that can be updated."""

    definition: Definition
    installed: str
    """The installed version."""
    release: Release
    """The newest suitable release."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Updates(_Value):
    """The installed extensions that have an update."""

    updates: tuple[Update, ...]
    """In catalog order."""
    unknown: tuple[str, ...]
    """Installed names that are not extensions of the catalog. Do not remove them for that."""
    problems: tuple[RockonSyncError, ...]
    """Errors of extensions that could not be read."""


def from_unix(seconds: int) -> datetime | None:
    """Returns the time in UTC; None for the year 0, which a datetime cannot represent."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
