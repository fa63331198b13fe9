"""The servers at one end of a line, the ports at the other, and counters in between."""

from __future__ import annotations

import getpass
import os
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import webserver
from peers import Urls
from processes import answers, daemon, free_port
from relay import Relay, relay
from webserver import WebServer

RSYNC_CONFIGURATION = """
use chroot = no
{account}
[catalog]
    path = {served}/current/v1
    read only = yes
"""


@dataclass(frozen=True)
class Passed:
    """The traffic of a run: requests to the web server, and bytes of TCP payload."""

    requests: int
    received: int
    sent: int


@dataclass(frozen=True)
class Ports:
    """The ports of the servers: the same on every line, since clients remember them."""

    web: int
    rsync: int

    @classmethod
    def free(cls) -> Ports:
        return cls(free_port(), free_port())

    @property
    def urls(self) -> Urls:
        return Urls(f"http://127.0.0.1:{self.web}/", f"rsync://127.0.0.1:{self.rsync}/")


class Line:
    """A running line; see `line`."""

    def __init__(self, web: WebServer, relays: list[Relay]) -> None:
        self._web = web
        self.relays = relays

    def take(self) -> Passed:
        """Returns the traffic since the last call.

        Bytes are counted by the relays. Without relays they come from the log of the web server,
        which is the same without TLS; rsync's bytes are then unknown.
        """
        exchanges = self._web.take_log()
        if not self.relays:
            received = sum(each.sent_by_server for each in exchanges)
            return Passed(len(exchanges), received, sum(each.sent_by_client for each in exchanges))
        traffic = [each.take() for each in self.relays]
        received = sum(each.received for each in traffic)
        return Passed(len(exchanges), received, sum(each.sent for each in traffic))


@contextmanager
def line(
    directory: Path, served: Path, ports: Ports, round_trip_s: float, *, is_relayed: bool
) -> Iterator[Line]:
    """Starts the servers on the clients' ports, or behind relays that listen there."""
    directory.mkdir(parents=True, exist_ok=True)
    with ExitStack() as running:
        behind = Ports.free() if is_relayed else ports
        web = running.enter_context(
            webserver.serve(directory / "nginx", served, served / "git", behind.web)
        )
        running.enter_context(rsync_daemon(directory, served, behind.rsync))
        relays = []
        if is_relayed:
            for upstream, port in ((behind.web, ports.web), (behind.rsync, ports.rsync)):
                relays.append(running.enter_context(relay(upstream, round_trip_s, port)))
        yield Line(web, relays)


def rsync_daemon(
    directory: Path, served: Path, port: int
) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """Serves the catalog's directory."""
    configuration = directory / "rsyncd.conf"
    # As root, it would switch to an account that may not read the directory.
    account = f"uid = {getpass.getuser()}\ngid = *" if os.geteuid() == 0 else ""
    configuration.write_text(RSYNC_CONFIGURATION.format(account=account, served=served))
    command: list[str | Path] = ["rsync", "--daemon", "--no-detach", f"--config={configuration}"]
    command += ["--address=127.0.0.1", f"--port={port}", f"--log-file={directory}/rsyncd.log"]
    return daemon(command, lambda: answers(port), directory / "rsyncd.out")
