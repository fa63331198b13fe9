"""Compares every peer in every case, on every line, with the same data from the same server."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from catalog import Catalog
from line import Line, Ports, line
from measure import CommandFailed, Figure, Launcher, Sample
from peers import Case, Peer, Rsync
from processes import run
from served import Served, State, copy, serve_states

LONGEST_CELL_S = 30.0
"""Cases that are expected to take longer are computed or left out instead of measured."""

SAME_AGAIN_S = 5.0
"""A peer that does the same work in every case is not measured again if that takes longer."""

SHORT_LINE_S = 0.02
FEW_ENTRIES = 1_000
"""Up to this many entries, clients are prepared over a line with that round trip; see `compare`."""

BUDGET_S = 8.0
"""A case is not run again after its runs have taken this long in total."""

QUICK_S = 1.0
"""Runs shorter than this are noisier, so there are up to `QUICK_RUNS` of them."""

QUICK_RUNS = 20

REQUEST_S = 0.001
"""The approximate cost of a request for a small file without latency, to predict durations."""


@dataclass
class Comparison:
    """The figures of one catalog, by peer, case, and round trip in seconds."""

    what: str
    entries: int
    size_bytes: int
    peers: dict[str, str]
    """Maps keys to names, in the order of the tables."""
    figures: dict[tuple[str, str, float], Figure] = field(default_factory=dict)
    server_s: dict[str, float] = field(default_factory=dict)
    """The durations of preparing the server's side, by step."""

    def cases(self) -> list[str]:
        """The measured cases, in the order of the tables."""
        measured = {case for _, case, _ in self.figures}
        return [case.value for case in Case if case.value in measured]

    def figure(self, peer: str, case: str, round_trip_s: float) -> Figure:
        """Returns a figure; an empty one if it was not requested."""
        return self.figures.get((peer, case, round_trip_s), Figure(reason="not measured"))


@dataclass(frozen=True)
class Wanted:
    """The figures to measure."""

    peers: Sequence[Peer]
    cases: Sequence[Case]
    round_trips_s: Sequence[float]
    runs: int


class Bench:
    """A comparison on one catalog, in one directory."""

    def __init__(self, directory: Path, launcher: Launcher, wanted: Wanted) -> None:
        self._directory = directory
        self._launcher = launcher
        self._wanted = wanted
        self._ports = Ports.free()
        self._uncut: set[str] = set()

    def publish(self, content: Catalog) -> Served:
        """Prepares the server's side of every peer."""
        served = serve_states(self._directory / "served", content)
        for peer in self._wanted.peers:
            say(f"publishing for {peer.name}")
            peer.publish(served)
        return served

    def compare(self, served: Served) -> Comparison:
        """Measures all requested figures."""
        content = served.catalogs[State.BASE]
        names = {peer.key: peer.name for peer in self._wanted.peers}
        result = Comparison(content.what, len(content.ids), content.size(), names)
        result.server_s = served.seconds
        # Without latency OSTree fetches much more than it needs, and would not be cut at half.
        apart_s = SHORT_LINE_S if result.entries <= FEW_ENTRIES else 0.0
        with self._line(apart_s, is_relayed=True) as relayed:
            for peer in self._wanted.peers:
                self._prepare(peer, served, relayed, result)
        for round_trip_s in self._wanted.round_trips_s:
            with self._line(round_trip_s, is_relayed=round_trip_s > 0) as each:
                for peer in self._wanted.peers:
                    for case in self._cases(peer):
                        figure = self._figure(peer, case, served, each, round_trip_s)
                        result.figures[peer.key, case.value, round_trip_s] = figure
                        where = f"{round_trip_s * 1000:3.0f} ms  {case.value:32} {peer.name:28}"
                        say(f"{where} {brief(figure)}")
        return result

    def _line(self, round_trip_s: float, *, is_relayed: bool) -> AbstractContextManager[Line]:
        return line(
            self._directory / "servers",
            self._directory / "served",
            self._ports,
            round_trip_s,
            is_relayed=is_relayed,
        )

    def _cases(self, peer: Peer) -> Iterable[Case]:
        return (case for case in self._wanted.cases if case in peer.cases)

    def _client(self, peer: Peer, what: str) -> Path:
        return self._directory / "clients" / peer.key / what

    def _prepare(self, peer: Peer, served: Served, relayed: Line, result: Comparison) -> None:
        """Prepares the clients that runs start from: a new one, one that has followed a change
        and is up to date, an interrupted one."""
        fresh, synced, cut = (self._client(peer, name) for name in ("fresh", "synced", "cut"))
        fresh.parent.mkdir(parents=True)
        peer.prepare(fresh, self._ports.urls)
        if self._expected_s(peer, Case.FIRST, result.entries, 0.0) > LONGEST_CELL_S:
            return
        copy(fresh, synced, ("-a",))
        relayed.take()
        received = []
        for state in (State.EARLIER, State.BASE):
            served.switch(state)
            peer.activate(served, state)
            self._launcher.measure(peer.command(synced, self._ports.urls))
            received.append(relayed.take().received)
        if Case.RESUMED not in self._cases(peer):
            return
        copy(fresh, cut, ("-a",))
        for relay in relayed.relays:
            relay.cut_after(received[0] // 2)
        try:
            self._launcher.measure(peer.command(cut, self._ports.urls))
            say(f"{peer.name} got the whole catalog over a line that was cut at half of it")
            self._uncut.add(peer.key)
        except CommandFailed:
            pass
        for relay in relayed.relays:
            relay.cut_after(None)

    def _expected_s(self, peer: Peer, case: Case, entries: int, round_trip_s: float) -> float:
        each_s = round_trip_s or REQUEST_S
        return peer.requests(case, entries) * each_s / peer.connections

    def _figure(
        self, peer: Peer, case: Case, served: Served, on: Line, round_trip_s: float
    ) -> Figure:
        entries = len(served.catalogs[State.BASE].ids)
        expected_s = self._expected_s(peer, case, entries, round_trip_s)
        if expected_s > LONGEST_CELL_S:
            return Figure(reason=f"computed: {expected_s:,.0f} s" if round_trip_s else "too long")
        if case is Case.RESUMED and peer.key in self._uncut:
            return Figure(reason="was not cut off")
        if peer.does_the_same_always and case is not Case.FIRST and expected_s > SAME_AGAIN_S:
            return Figure(reason="as the first sync")
        served.switch(case.state)
        peer.activate(served, case.state)
        figure = Figure()
        started = time.monotonic()
        spent_s = 0.0
        while len(figure.samples) < self._wanted.runs or (
            spent_s < QUICK_S and len(figure.samples) < min(QUICK_RUNS, 4 * self._wanted.runs)
        ):
            try:
                sample = self._run(peer, case, on, served, is_checked=not figure.samples)
            except CommandFailed as error:
                say(f"FAILED: {peer.name}, {case.value}: {error}")
                return Figure(reason="failed")
            figure.samples.append(sample)
            spent_s += sample.wall_s
            if time.monotonic() - started > BUDGET_S:
                break
        return figure

    def _run(self, peer: Peer, case: Case, on: Line, served: Served, *, is_checked: bool) -> Sample:
        """Runs the peer once, on a copy of the client that the case starts from."""
        start = {Case.FIRST: "fresh", Case.RESUMED: "cut"}.get(case, "synced")
        client = self._client(peer, "run")
        run("rm", "-rf", client)
        # An interrupted client is continued in a real copy: hard links would change the original.
        how = "-a" if case is Case.RESUMED else peer.copies_by
        copy(self._client(peer, start), client, (how,))
        on.take()
        sample = self._launcher.measure(peer.command(client, self._ports.urls))
        passed = on.take()
        files = peer.files(client)
        if is_checked and files is not None:
            check(files, served.catalogs[case.state], f"{peer.name}, {case.value}")
        # rsync's bytes are known only if a relay counts them, and it has no requests.
        is_counted = bool(on.relays) or not isinstance(peer, Rsync)
        return Sample(
            sample.wall_s,
            sample.cpu_s,
            sample.memory_bytes,
            None if isinstance(peer, Rsync) else passed.requests,
            passed.received if is_counted else None,
            passed.sent if is_counted else None,
        )


def check(files: Path, expected: Catalog, what: str) -> None:
    """Fails if the peer does not have the catalog, since its work would not be comparable."""
    for name, text in expected.texts.items():
        path = files / name
        if not path.is_file() or path.read_text() != text:
            raise AssertionError(f"{what}: {name} is missing or wrong")
    more = {path.name for path in files.glob("*.json")} - {*expected.texts, "root.json"}
    if more:
        raise AssertionError(f"{what}: {len(more)} files are still there, such as {min(more)}")


def brief(figure: Figure) -> str:
    """Returns a short description of a figure, to show progress."""
    wall_s, received = figure.median("wall_s"), figure.median("received")
    if wall_s is None:
        return figure.reason
    return f"{wall_s:8.3f} s" + (f" {received:12,.0f} bytes" if received else "")


def say(text: str) -> None:
    """Prints progress without buffering."""
    print(text, flush=True)
