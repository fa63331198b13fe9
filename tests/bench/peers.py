"""The compared programs: how each is served, started, and checked."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from processes import run
from served import Served, State, publish, publish_plain

HERE = Path(__file__).parent


MANY_ENTRIES = 20_000
"""Above this, cases that take minutes are left out."""


class Case(Enum):
    """The state of a client before a run. Values are names in tables."""

    FIRST = "first sync"
    NOTHING = "nothing changed"
    ONE = "1 changed"
    MANY = "30 changed, 1 added, 1 removed"
    RESUMED = "resumed after a cut"

    @property
    def state(self) -> State:
        """The state of the server in this case."""
        return {Case.ONE: State.ONE, Case.MANY: State.MANY}.get(self, State.BASE)


@dataclass(frozen=True)
class Urls:
    """The addresses of the servers."""

    web: str
    rsync: str


class Peer:
    """A program that keeps a client up to date. A client is a directory that can be copied."""

    key: str
    name: str
    program: str | None = None
    """The required programs."""
    cases = tuple(Case)
    too_many = ""
    """The reason to leave it out above `MANY_ENTRIES`, if any."""
    connections = 1
    """The number of concurrent requests, if each file is one request."""
    does_the_same_always = False
    copies_by = "-al"

    def publish(self, served: Served) -> None:
        """Prepares the server's side of every state."""

    def activate(self, served: Served, state: State) -> None:
        """Switches the server's side to a state, in addition to `Served.switch`."""

    def prepare(self, client: Path, urls: Urls) -> None:
        """Creates a client without a catalog."""
        client.mkdir()

    def command(self, client: Path, urls: Urls) -> list[str | Path]:
        """Returns the measured command."""
        raise NotImplementedError

    def files(self, client: Path) -> Path | None:
        """Returns the directory of the client's definition files, if it keeps them."""
        raise NotImplementedError

    def requests(self, case: Case, entries: int) -> int:
        """Returns the approximate number of requests, if it depends on the catalog."""
        del case, entries
        return 0


class Loop(Peer):
    """See `loop.py`."""

    key = "loop"
    name = "today's loop"
    does_the_same_always = True
    too_many = "one request after the other, for minutes"

    def command(self, client: Path, urls: Urls) -> list[str | Path]:
        del client
        return [sys.executable, "-I", HERE / "loop.py", f"{urls.web}current/v1/"]

    def files(self, client: Path) -> Path | None:
        del client
        return None

    def requests(self, case: Case, entries: int) -> int:
        del case
        return entries + 1


class Git(Peer):
    """A shallow fetch, and a checkout if there are changes."""

    key = "git"
    program = "git"
    name = "git, depth 1"
    copies_by = "-a"
    _BRANCH = "refs/heads/main"
    _SCRIPT = """
        cd "$1" && git fetch --quiet --depth 1 "$2" main || exit
        read -r new rest < .git/FETCH_HEAD
        [ -e .git/held ] && read -r old < .git/held
        [ "$new" = "$old" ] || { git reset --quiet --hard "$new" && echo "$new" > .git/held; }
    """

    def publish(self, served: Served) -> None:
        repository = self._repository(served)
        run("git", "init", "--quiet", "--bare", repository)
        commits: dict[State, str] = {}
        for state in State:
            with served.timed(f"git commit of {state.value}"):
                parent = commits[state.previous] if state.previous else None
                commits[state] = self._commit(served, state, parent)
                name = f"refs/states/{state.name}"
                run("git", "-C", repository, "update-ref", name, commits[state])
            if state is State.BASE:
                # The server runs gc only once; later objects stay as they were pushed.
                with served.timed("git gc of the base"):
                    run("git", "-C", repository, "gc", "--quiet")

    def activate(self, served: Served, state: State) -> None:
        repository = self._repository(served)
        run("git", "-C", repository, "update-ref", self._BRANCH, f"refs/states/{state.name}")

    def prepare(self, client: Path, urls: Urls) -> None:
        run("git", "init", "--quiet", client)

    def command(self, client: Path, urls: Urls) -> list[str | Path]:
        return ["sh", "-c", self._SCRIPT, "sh", client, f"{urls.web}git/catalog.git"]

    def files(self, client: Path) -> Path | None:
        return client

    def _repository(self, served: Served) -> Path:
        return served.directory / "git/catalog.git"

    def _commit(self, served: Served, state: State, parent: str | None = None) -> str:
        return commit(self._repository(served), served.tree(state, "v1"), parent)


def commit(repository: Path, tree: Path, parent: str | None) -> str:
    """Commits a directory to a repository. Returns the commit."""
    git = ("git", "--git-dir", repository, "--work-tree", tree)
    run(*git, "add", "--all", ".")
    name = run(*git, "write-tree").decode().strip()
    who = ("-c", "user.name=bench", "-c", "user.email=bench@example.org")
    parents = ("-p", parent) if parent else ()
    return run(*git, *who, "commit-tree", "-m", "state", *parents, name).decode().strip()


class Rsync(Peer):
    """The daemon, with compression."""

    key = "rsync"
    program = "rsync"
    name = "rsync daemon"

    def command(self, client: Path, urls: Urls) -> list[str | Path]:
        return ["rsync", "-az", "--delete", f"{urls.rsync}catalog/", f"{client}/"]

    def files(self, client: Path) -> Path | None:
        return client


class OSTree(Peer):
    """A pull with static deltas from nothing and from the base, and a checkout by hard links."""

    key = "ostree"
    connections = 8
    too_many = "its deltas take minutes to make"
    program = "ostree"
    name = "OSTree, static deltas"
    _SCRIPT = """
        cd "$1" || exit
        ref=repo/refs/remotes/origin/main
        [ -e "$ref" ] && read -r old < "$ref"
        ostree --repo=repo pull origin main || exit
        read -r new < "$ref"
        [ "$new" = "$old" ] && [ -e tree ] || {
            rm -rf tree && ostree --repo=repo checkout -U -H "$new" tree
        }
    """

    def publish(self, served: Served) -> None:
        repository = self._repository(served)
        repository.mkdir(parents=True)
        run("ostree", "--repo=" + str(repository), "init", "--mode=archive")
        commits: dict[State, str] = {}
        for state in State:
            with served.timed(f"OSTree commit and deltas of {state.value}"):
                new = self._ostree(
                    served,
                    "commit",
                    "--branch=main",
                    f"--tree=dir={served.tree(state, 'v1')}",
                    "--canonical-permissions",
                    "--owner-uid=0",
                    "--owner-gid=0",
                )
                commits[state] = new
                delta = ("static-delta", "generate", "--inline", "--min-fallback-size=0")
                self._ostree(served, *delta, "--empty", f"--to={new}")
                if state.previous:
                    base = commits[state.previous]
                    self._ostree(served, *delta, f"--from={base}", f"--to={new}")
                self._ostree(served, "summary", "--update")
            kept = self._kept(served, state)
            kept.mkdir(parents=True)
            (kept / "ref").write_text(f"{new}\n")
            (kept / "summary").write_bytes((repository / "summary").read_bytes())

    def activate(self, served: Served, state: State) -> None:
        repository, kept = self._repository(served), self._kept(served, state)
        (repository / "refs/heads/main").write_text((kept / "ref").read_text())
        (repository / "summary").write_bytes((kept / "summary").read_bytes())

    def prepare(self, client: Path, urls: Urls) -> None:
        (client / "repo").mkdir(parents=True)
        repository = f"--repo={client}/repo"
        run("ostree", repository, "init", "--mode=bare-user-only")
        run("ostree", repository, "remote", "add", "--no-gpg-verify", "origin", f"{urls.web}ostree")

    def command(self, client: Path, urls: Urls) -> list[str | Path]:
        return ["sh", "-c", self._SCRIPT, "sh", client]

    def files(self, client: Path) -> Path | None:
        return client / "tree"

    def requests(self, case: Case, entries: int) -> int:
        # It requests single objects while it still applies a delta that has them.
        return entries if case in (Case.FIRST, Case.RESUMED) and entries > 1000 else 0

    def _repository(self, served: Served) -> Path:
        return served.directory / "ostree"

    def _kept(self, served: Served, state: State) -> Path:
        return served.directory / "ostree-states" / state.name

    def _ostree(self, served: Served, *arguments: str) -> str:
        return run("ostree", f"--repo={self._repository(served)}", *arguments).decode().strip()


class Curl(Peer):
    """Fetches only the head: the lower bound for all clients when nothing has changed."""

    key = "curl"
    program = "curl"
    name = "curl of the head"
    cases = (Case.NOTHING,)
    copies_by = "-a"

    def command(self, client: Path, urls: Urls) -> list[str | Path]:
        return ["curl", "-fsS", "-o", client / "root.sha", f"{urls.web}current/v2/root.sha"]

    def files(self, client: Path) -> Path | None:
        del client
        return None


class ConditionalCurl(Curl):
    """The same with the validator that a client remembers."""

    key = "curl-etag"
    name = "curl of the head, with ETag"

    def command(self, client: Path, urls: Urls) -> list[str | Path]:
        etag = client / "etag"
        return [*super().command(client, urls), "--etag-compare", etag, "--etag-save", etag]


class RockonSync(Peer):
    """The command of this project, with one of the trees."""

    def __init__(self, key: str, name: str, tree: str, program: Path) -> None:
        self.key = key
        self.name = name
        self.connections = 6
        if tree != "v2":
            self.too_many = "a request for each entry, in the first sync at least"
        self._tree = tree
        self._program = program

    def publish(self, served: Served) -> None:
        if not served.tree(State.BASE, "v2").exists():
            publish(served, self._program)
        if self._tree == "plain":
            publish_plain(served)

    def command(self, client: Path, urls: Urls) -> list[str | Path]:
        source = f"catalog={urls.web}current/{self._tree}/"
        return [self._program, "update", "-q", "--store", client / "store", "--source", source]

    def files(self, client: Path) -> Path | None:
        return client / "store/catalog/current"

    def requests(self, case: Case, entries: int) -> int:
        if self._tree == "v1" or (self._tree == "plain" and case in (Case.FIRST, Case.RESUMED)):
            return entries + 2
        return 0
