"""apt: the catalog as a list of packages, with a patch from the state before."""

from __future__ import annotations

import email.utils
import gzip
import hashlib
import lzma
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from peers import Peer, Urls
from processes import run
from served import PUBLISHED, Served, State

INDEX = "main/binary-amd64/Packages"

CONFIGURATION = """
Dir "{client}";
Dir::Etc "{client}";
Dir::Etc::SourceList "{client}/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::State "{client}/state";
Dir::State::status "{client}/status";
Dir::Cache "{client}/cache";
Dir::Bin::Methods "/usr/lib/apt/methods";
APT::Architecture "amd64";
APT::Architectures {{ "amd64"; }};
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::Retries "0";
Acquire::Check-Valid-Until "false";
APT::Get::List-Cleanup "true";
"""


class Apt(Peer):
    """`apt-get update` of a signed repository with patches (pdiffs)."""

    key = "apt"
    program = "apt-get"
    name = "apt, with pdiffs"
    copies_by = "-a"
    too_many = "its list of packages takes minutes to patch"

    def publish(self, served: Served) -> None:
        with served.timed("apt's lists and patches"):
            lists = {state: "".join(stanzas(served.tree(state, "v1"))).encode() for state in State}
            home = served.directory / "apt-keys"
            home.mkdir(mode=0o700)
            gpg = ("gpg", "--homedir", home, "--batch", "--quiet", "--pinentry-mode", "loopback")
            run(*gpg, "--passphrase", "", "--quick-generate-key", "bench@example.org", "ed25519")
            (served.directory / "apt.gpg").write_bytes(run(*gpg, "--export"))
            for day, state in enumerate(State):
                directory = served.tree(state, "apt") / "dists/stable"
                before = lists[state.previous] if state.previous else None
                files = self._index(before, lists[state])
                for name, content in files.items():
                    path = directory / name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(content)
                release = release_of(files, PUBLISHED + day * 86400).encode()
                signed = run(*gpg, "--passphrase", "", "--clearsign", stdin=release)
                (directory / "InRelease").write_bytes(signed)
                # By their times, clients see which one is newer.
                os.utime(directory / "InRelease", times=(PUBLISHED + day * 86400,) * 2)
            run("gpgconf", "--homedir", home, "--kill", "gpg-agent")

    def command(self, client: Path, urls: Urls) -> list[str | Path]:
        # Paths in the configuration are absolute, and clients are copied.
        keys = client.parents[2] / "served/apt.gpg"
        script = f"""
            cd "$1" && mkdir -p state/lists/partial cache/archives/partial && : >> status
            cat > apt.conf <<'END'{CONFIGURATION.format(client=client)}END
            echo "deb [signed-by={keys}] {urls.web}current/apt/ stable main" > sources.list
            APT_CONFIG=apt.conf exec apt-get -qq --error-on=any update
        """
        return ["sh", "-ec", script, "sh", client]

    def files(self, client: Path) -> Path | None:
        # It has one list with everything.
        del client
        return None

    @staticmethod
    def _index(base: bytes | None, new: bytes) -> dict[str, bytes]:
        """Returns the files of one list of packages, by path, with a patch from `base` if any."""
        files = {f"{INDEX}.xz": lzma.compress(new), INDEX: new}
        if base is not None:
            patch = ed_script(base, new)
            packed = gzip.compress(patch, mtime=0)
            index = (
                f"SHA256-Current: {line(new)}\n"
                f"SHA256-History:\n {line(base)} patch\n"
                f"SHA256-Patches:\n {line(patch)} patch\n"
                f"SHA256-Download:\n {line(packed)} patch.gz\n"
            )
            files |= {f"{INDEX}.diff/Index": index.encode(), f"{INDEX}.diff/patch.gz": packed}
        return files


def stanzas(tree: Path) -> Iterator[str]:
    """Yields a package for each definition: its text is a field."""
    for path in sorted(tree.glob("*.json")):
        if path.name == "root.json":
            continue
        content = path.read_bytes()
        text = "".join(f" {each or '.'}\n" for each in content.decode().splitlines())
        yield (
            f"Package: {path.stem.lower().replace('_', '-')}\nVersion: 1\nArchitecture: all\n"
            f"Filename: {path.name}\nSize: {len(content)}\n"
            f"SHA256: {hashlib.sha256(content).hexdigest()}\nDefinition:\n{text}\n"
        )


def ed_script(old: bytes, new: bytes) -> bytes:
    """Returns the patch as `ed` commands."""
    with tempfile.TemporaryDirectory() as directory:
        paths = [Path(directory) / name for name in ("old", "new")]
        for path, content in zip(paths, (old, new), strict=True):
            path.write_bytes(content)
        done = subprocess.run(["diff", "--ed", *paths], capture_output=True, check=False)
    return done.stdout


def release_of(files: dict[str, bytes], when: int) -> str:
    """Returns the text of the release file."""
    digests = "".join(f" {line(content)} {name}\n" for name, content in files.items())
    return (
        "Origin: bench\nSuite: stable\nCodename: stable\nArchitectures: amd64\n"
        f"Components: main\nDate: {email.utils.formatdate(when, usegmt=True)}\n"
        f"SHA256:\n{digests}"
    )


def line(content: bytes) -> str:
    """Returns digest and size."""
    return f"{hashlib.sha256(content).hexdigest()} {len(content)}"
