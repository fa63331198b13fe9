"""Processes that are always stopped at the end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

LONGEST_START_S = 10.0
LONGEST_STOP_S = 5.0


def free_port() -> int:
    """Returns a free port of the loopback interface."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int) -> bool:
    """Returns true if a server listens on the port."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def run(
    *command: str | Path,
    cwd: Path | None = None,
    stdin: bytes | None = None,
    timeout_s: float = 600,
) -> bytes:
    """Runs a command and returns its output. Fails if the command fails."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        check=False,
        timeout=timeout_s,
    )
    if done.returncode != 0:
        said = (done.stderr or done.stdout).decode(errors="replace").strip()
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {said[-2000:]}")
    return done.stdout


@contextmanager
def daemon(
    command: Sequence[str | Path], is_ready: Callable[[], bool], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a server in the foreground. The kernel stops it if this process is killed."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", *map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # So that child processes of the server are stopped too.
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + LONGEST_START_S
        while not is_ready():
            if process.poll() is not None or time.monotonic() > deadline:
                said = log.read_text(errors="replace").strip()
                raise RuntimeError(f"{command[0]} did not start: {said[-2000:]}")
            time.sleep(0.01)
        yield process
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Stops a process and its process group."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(LONGEST_STOP_S)


def end_on_signals() -> None:
    """Makes termination signals run every `finally` block."""

    def leave(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM):
        signal.signal(number, leave)
