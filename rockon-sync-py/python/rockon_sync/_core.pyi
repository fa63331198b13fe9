from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from os import PathLike
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar, final, overload

from ._errors import RockonSyncError
from ._model import (
    Changes,
    Format,
    Installation,
    Mode,
    Progress,
    PublishReport,
    Relations,
    Release,
    Report,
    SourceStatus,
    Stability,
    Updates,
    Verification,
)

_T = TypeVar("_T")
_Path: TypeAlias = str | PathLike[str]

__all__ = [
    "ERROR_KINDS",
    "CancelToken",
    "Catalog",
    "Definition",
    "Source",
    "Store",
    "__version__",
    "command_line",
    "keygen",
    "publish",
]

__version__: Final[str]
ERROR_KINDS: Final[tuple[str, ...]]

@final
class CancelToken:
    def __new__(cls) -> CancelToken: ...
    def cancel(self) -> None: ...
    @property
    def is_canceled(self) -> bool: ...

@final
class Source:
    def __new__(
        cls,
        *mirrors: _Path,
        name: str = "rockstor",
        trusted_keys: Sequence[str] = (),
        timeout: float | None = None,
        query: Mapping[str, str] = {},
        headers: Mapping[str, str] = {},
        auth: tuple[str, str] | None = None,
    ) -> Source: ...
    @property
    def name(self) -> str: ...
    @property
    def mirrors(self) -> tuple[str, ...]: ...
    @property
    def trusted_keys(self) -> tuple[str, ...]: ...

@final
class Definition:
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def format(self) -> Format: ...
    @property
    def revision(self) -> str: ...
    @property
    def source(self) -> str | None: ...
    @property
    def entry_id(self) -> str | None: ...
    @property
    def updated(self) -> datetime | None: ...
    @property
    def arch(self) -> tuple[str, ...] | None: ...
    @property
    def min_version(self) -> str | None: ...
    @property
    def formerly(self) -> tuple[str, ...]: ...
    def mismatches(
        self, *, arch: str | None = None, version: str | None = None
    ) -> tuple[str, ...]: ...
    @property
    def file(self) -> Path: ...
    def read_text(self) -> str: ...
    def read_bytes(self) -> bytes: ...
    def load(self) -> Any: ...
    def read_version(self) -> str | None: ...
    def read_relations(self) -> Relations: ...
    def read_releases(self) -> list[Release]: ...
    def read_newest_release(
        self, *, platform: str | None = None, stability: Stability | str | None = None
    ) -> Release | None: ...

@final
class Catalog(Mapping[str, Definition]):
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[str]: ...
    def __getitem__(self, key: str, /) -> Definition: ...
    @overload
    def get(self, key: str, default: None = None, /) -> Definition | None: ...
    @overload
    def get(self, key: str, default: Definition | _T, /) -> Definition | _T: ...
    @property
    def hidden(self) -> tuple[Definition, ...]: ...
    @property
    def problems(self) -> tuple[RockonSyncError, ...]: ...
    def changes_since(self, applied: Mapping[str, str | None]) -> Changes: ...
    def updates_for(
        self,
        installed: Mapping[str, str],
        *,
        platform: str | None = None,
        stability: Stability | str | None = None,
    ) -> Updates: ...
    def installation(self, name: str, installed: Mapping[str, str | None]) -> Installation: ...

@final
class Store:
    def __new__(cls, dir: _Path) -> Store: ...  # noqa: A002
    @property
    def dir(self) -> Path: ...
    @property
    def local_dir(self) -> Path: ...
    def update(
        self,
        source: Source | _Path,
        *,
        progress: Callable[[Progress], object] | None = None,
        cancel: CancelToken | None = None,
        timeout: float = 300.0,
        lock_timeout: float = 0.0,
        mode: Mode | str = "quick",
        allow_mass_delete: bool = False,
        allow_rollback: bool = False,
        require_fresh: bool = False,
    ) -> Report: ...
    def check(
        self,
        source: Source | _Path,
        *,
        progress: Callable[[Progress], object] | None = None,
        cancel: CancelToken | None = None,
        timeout: float = 300.0,
        lock_timeout: float = 0.0,
    ) -> Report: ...
    def import_bundle(
        self,
        bundle: _Path,
        *,
        source: Source | _Path | None = None,
        progress: Callable[[Progress], object] | None = None,
        cancel: CancelToken | None = None,
        timeout: float = 300.0,
        lock_timeout: float = 0.0,
        allow_mass_delete: bool = False,
        allow_rollback: bool = False,
        require_fresh: bool = False,
    ) -> Report: ...
    def catalog(
        self,
        *,
        sources: Sequence[str] | None = None,
        local: _Path | None = None,
    ) -> Catalog: ...
    def status(self) -> tuple[SourceStatus, ...]: ...
    def verify(self) -> tuple[Verification, ...]: ...
    def remembered_sources(self) -> tuple[Source, ...]: ...
    def followed_sources(self) -> tuple[Source, ...]: ...

def publish(
    catalog: _Path,
    *,
    format: Format | str = "rockon",  # noqa: A002
    out: _Path | None = None,
    in_place: bool = False,
    url: str | None = None,
    keep: int = 16,
    expires_in_days: int | None = None,
    published: datetime | None = None,
    sign_keys: Sequence[_Path] = (),
    key_list: _Path | None = None,
    previous: _Path | None = None,
    initial: bool = False,
    unsigned: bool = False,
    dry_run: bool = False,
    lenient: bool = False,
    allow_mass_delete: bool = False,
    page: bool = False,
    page_title: str | None = None,
) -> PublishReport: ...
def keygen(name: str, file: _Path) -> str: ...
def command_line(args: Sequence[str]) -> int: ...
