"""A PostgreSQL server of the tests' own: a fresh cluster in a temporary folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# What Debian calls the account that the server's package brings.
ACCOUNT = "postgres"


def program(name: str) -> str:
    """The path of one of PostgreSQL's programs, of the newest version installed."""
    versions = sorted(
        Path("/usr/lib/postgresql").glob(f"*/bin/{name}"),
        key=lambda path: float(path.parts[-3]),
    )
    found = str(versions[-1]) if versions else shutil.which(name)
    if found is None:
        raise RuntimeError(f"PostgreSQL's program {name} is missing: install `postgresql`")
    return found


def run(name: str, *arguments: str | Path, stdin: bytes | None = None) -> bytes:
    """Runs one of PostgreSQL's programs, as an account that the server accepts."""
    command = [program(name), *map(str, arguments)]
    if os.geteuid() == 0:
        # The server refuses to run as root.
        command = ["runuser", "-u", ACCOUNT, "--", *command]
    done = subprocess.run(command, input=stdin, capture_output=True, cwd="/", check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{name}: {done.stderr.decode(errors='replace')}")
    return done.stdout


@contextmanager
def server() -> Iterator[Path]:
    """Runs a server that listens on a socket in the folder it yields, and nowhere else."""
    folder = Path(tempfile.mkdtemp(prefix="rockon-sync-pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, ACCOUNT, ACCOUNT)
    data = folder / "data"
    try:
        run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale")
        # Durability is the server's promise, not ours: without it the tests are faster.
        options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
        log = folder / "log"
        run("pg_ctl", "-D", data, "-o", options, "-l", log, "-w", "-t", "60", "start")
        try:
            yield folder
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
