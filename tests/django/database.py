"""A PostgreSQL server for the tests: a new cluster in a temporary directory."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# The account that Debian's package creates.
ACCOUNT = "postgres"

FAST = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c autovacuum=off"
"""Options without durability, which the tests do not need."""


def program(name: str) -> str:
    """Returns the path of a PostgreSQL program, in the newest installed version."""
    versions = sorted(
        Path("/usr/lib/postgresql").glob(f"*/bin/{name}"),
        key=lambda path: float(path.parts[-3]),
    )
    found = str(versions[-1]) if versions else shutil.which(name)
    if found is None:
        raise RuntimeError(f"PostgreSQL's program {name} is missing: install `postgresql`")
    return found


def run(name: str, *arguments: str | Path, stdin: bytes | None = None) -> bytes:
    """Runs a PostgreSQL program, under an account that the server accepts."""
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
    """Runs a server that listens only on a socket in the directory it yields."""
    directory = Path(tempfile.mkdtemp(prefix="rockon-sync-pg-"))
    if os.geteuid() == 0:
        shutil.chown(directory, ACCOUNT, ACCOUNT)
    data = directory / "data"
    try:
        run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale")
        options = f"-c listen_addresses= -c unix_socket_directories={directory} {FAST}"
        log = directory / "log"
        run("pg_ctl", "-D", data, "-o", options, "-l", log, "-w", "-t", "60", "start")
        try:
            yield directory
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(directory, ignore_errors=True)
