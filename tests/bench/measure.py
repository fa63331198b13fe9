"""Measures a command, and summarizes several runs of it."""

from __future__ import annotations

import statistics
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from processes import run, stop

HERE = Path(__file__).parent

LONGEST_COMMAND_S = 300.0
"""The time limit of every command."""

NOISY_ABOVE = 0.25
"""A figure is noisy if its runs differ by more than this share of their median."""


@dataclass(frozen=True)
class Sample:
    """One run. Bytes are TCP payload; `requests` is None if the protocol has none."""

    wall_s: float
    cpu_s: float
    memory_bytes: int
    requests: int | None = None
    received: int | None = None
    sent: int | None = None


@dataclass
class Figure:
    """Several runs of the same case, or the reason why there are none."""

    samples: list[Sample] = field(default_factory=list)
    reason: str = ""

    def values(self, name: str) -> list[float]:
        """Returns one quantity of every run that has it."""
        found = (getattr(sample, name) for sample in self.samples)
        return [value for value in found if value is not None]

    def median(self, name: str) -> float | None:
        """Returns the median of the runs."""
        values = self.values(name)
        return statistics.median(values) if values else None

    def spread(self, name: str) -> tuple[float, float] | None:
        """Returns minimum and maximum if they differ noticeably."""
        values = self.values(name)
        middle = statistics.median(values) if values else 0
        if middle and (max(values) - min(values)) / middle > NOISY_ABOVE:
            return min(values), max(values)
        return None


class CommandFailed(Exception):
    """A measured command failed."""


class Launcher:
    """Runs commands and measures each as a whole; see `launch.c`."""

    def __init__(self, directory: Path) -> None:
        self._program = directory / "launch"
        run("cc", "-O2", "-o", self._program, HERE / "launch.c")

    def measure(
        self, command: Sequence[str | Path], timeout_s: float = LONGEST_COMMAND_S
    ) -> Sample:
        """Runs a command. Fails if it fails or takes too long."""
        with tempfile.TemporaryDirectory() as directory:
            figures, said = Path(directory) / "figures", Path(directory) / "said"
            with said.open("wb") as output:
                process = subprocess.Popen(
                    [str(part) for part in (self._program, figures, *command)],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )
                try:
                    process.wait(timeout_s)
                except subprocess.TimeoutExpired as error:
                    raise CommandFailed(f"took more than {timeout_s:.0f} s") from error
                finally:
                    if process.poll() is None:
                        stop(process)
            wall_s, user_s, system_s, memory_kib, code = figures.read_text().split()
            if int(code) != 0:
                last = said.read_text(errors="replace").strip()[-500:]
                raise CommandFailed(f"{command[0]} ended with {code}: {last}")
        return Sample(float(wall_s), float(user_s) + float(system_s), int(memory_kib) * 1024)
