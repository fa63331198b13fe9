"""The peers that synchronize one large file: the catalog as an archive."""

from __future__ import annotations

from pathlib import Path

from peers import Peer, Urls
from processes import run
from served import Served, State


class Archive(Peer):
    """A program that fetches the changed parts of one file, and an unpacker for it."""

    file: str
    """The name of the file that clients keep."""
    copies_by = "-a"
    first: str
    """Fetches `$file` from `$url`."""
    update: str
    """The same with the parts of the file `before`."""
    unpack: str
    """Writes the archive in a file to standard output."""

    def publish(self, served: Served) -> None:
        for state in State:
            directory = served.tree(state, self.key)
            directory.mkdir(parents=True)
            with served.timed(f"{self.name} of {state.value}"):
                archive = directory / "catalog.tar"
                tar = ("tar", "--sort=name", "--owner=0", "--group=0", "--mtime=@1700000000")
                run(*tar, "-cf", archive, "-C", served.tree(state, "v1"), ".")
                self.prepare_file(directory)

    def prepare_file(self, directory: Path) -> None:
        """Makes the file that is served from `catalog.tar`."""
        raise NotImplementedError

    def command(self, client: Path, urls: Urls) -> list[str | Path]:
        script = f"""
            cd "$1" && file={self.file} url=$2$file
            if [ -e $file ]; then mv $file before; {self.update}; else {self.first}; fi
            [ -e tree ] && cmp -s $file before && exit
            rm -rf tree && mkdir tree && {self.unpack} $file | tar -xf - -C tree
        """
        return ["sh", "-ec", script, "sh", client, f"{urls.web}current/{self.key}/"]

    def files(self, client: Path) -> Path | None:
        return client / "tree"


class Zsync(Archive):
    """zsync, with a compressed archive in which a change stays local (gzip --rsyncable)."""

    key = "zsync"
    program = "zsync"
    name = "zsync"
    file = "catalog.tar.gz"
    first = 'zsync -q "$url.zsync"'
    update = 'zsync -q -i before "$url.zsync"'
    unpack = "gzip -dc"

    def prepare_file(self, directory: Path) -> None:
        run("gzip", "-9n", "--rsyncable", "catalog.tar", cwd=directory)
        make = ("zsyncmake", "-Z", "-u", self.file, "-o", f"{self.file}.zsync")
        run(*make, self.file, cwd=directory)


class Zchunk(Archive):
    """zchunk, as distributions use it for their lists of packages."""

    key = "zchunk"
    program = "zckdl"
    name = "zchunk"
    file = "catalog.tar.zck"
    first = 'zckdl -q "$url"'
    update = 'zckdl -q -s before "$url"'
    unpack = "unzck -c"

    def prepare_file(self, directory: Path) -> None:
        run("zck", "-o", self.file, "catalog.tar", cwd=directory)
        (directory / "catalog.tar").unlink()
