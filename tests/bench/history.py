"""Follows the real catalog's history step by step, and measures the cost of each publication."""

from __future__ import annotations

import os
import shutil
import statistics
from dataclasses import dataclass, field
from pathlib import Path

import webserver
from peers import Git, Urls, commit
from processes import run
from served import PUBLISHED, copy, publish_one, without_packs

WAYS = {"v2": "rockon-sync", "plain": "rockon-sync, no packs", "git": Git.name}


@dataclass
class Steps:
    """The costs of all steps with one peer, without the first step, which fetches everything."""

    changed_received: list[int] = field(default_factory=list)
    changed_requests: list[int] = field(default_factory=list)
    unchanged_received: list[int] = field(default_factory=list)
    unchanged_requests: list[int] = field(default_factory=list)

    def add(self, requests: int, received: int, *, is_changed: bool) -> None:
        """Adds a step."""
        if is_changed:
            self.changed_requests.append(requests)
            self.changed_received.append(received)
        else:
            self.unchanged_requests.append(requests)
            self.unchanged_received.append(received)

    def median_received(self) -> float:
        """Bytes of a changed step."""
        return statistics.median(self.changed_received) if self.changed_received else 0


def follow(states: list[Path], program: Path, directory: Path) -> dict[str, Steps]:
    """Publishes every state to one tree, with an update by each client after it."""
    served, clients = directory / "served", directory / "clients"
    repository = served / "git/catalog.git"
    run("git", "init", "--quiet", "--bare", repository)
    clients.mkdir(parents=True)
    run("git", "init", "--quiet", clients / "git")
    steps = {way: Steps() for way in WAYS}
    parent: str | None = None
    last_head = b""
    with webserver.serve(directory / "nginx", served, served / "git") as web:
        urls = Urls(f"http://127.0.0.1:{web.port}/", "")
        for day, state in enumerate(states):
            publish_one(program, state, served / "v2", PUBLISHED + day * 86400)
            head = served / "v2/root.sha"
            # The web server makes ETags from size and time in seconds, and a step takes less than a
            # second.
            if head.read_bytes() != last_head:
                os.utime(head, times=(PUBLISHED + day * 86400,) * 2)
            shutil.rmtree(served / "plain", ignore_errors=True)
            copy(served / "v2", served / "plain")
            without_packs(served / "plain")
            parent = commit(repository, state, parent)
            run("git", "-C", repository, "update-ref", "refs/heads/main", parent)
            is_changed = head.read_bytes() != last_head
            for way in WAYS:
                web.take_log()
                run(*command(way, program, clients, urls))
                log = web.take_log()
                if day > 0:
                    received = sum(each.sent_by_server for each in log)
                    steps[way].add(len(log), received, is_changed=is_changed)
            last_head = head.read_bytes()
    return steps


def command(way: str, program: Path, clients: Path, urls: Urls) -> list[str | Path]:
    """Returns the command that updates a client."""
    if way == "git":
        return Git().command(clients / "git", urls)
    source = f"catalog={urls.web}{way}/"
    allowed = "--allow-mass-delete"
    return [program, "update", "-q", allowed, "--store", clients / way, "--source", source]
