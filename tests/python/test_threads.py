"""Signals, threads and greenlets: an update never holds up anything but its caller."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable

import pytest
import rockon_sync
from rockon_sync import CancelToken, Outcome, Progress, Store
from support import CatalogFolder, Server, serve

PROMPT_S = 2.0
"""An update that is told to stop has ended by then, with a server that answers never."""

STALL_S = 2.0
"""How long an update waits for its server while other threads are watched."""


def test_an_exception_of_the_callback_comes_out_unchanged(store: Store, v2: Server) -> None:
    mine = KeyError("mine")

    def fail(_progress: Progress) -> None:
        raise mine

    with pytest.raises(KeyError) as raised:
        store.update(v2.url, progress=fail)
    assert raised.value is mine
    assert store.status()[0].held is None
    assert store.update(v2.url).outcome is Outcome.UPDATED


def test_an_exception_before_the_commit_keeps_what_was_fetched(store: Store, v2: Server) -> None:
    def fail(progress: Progress) -> None:
        if progress.files_done == progress.files_total > 0:
            raise LookupError

    with pytest.raises(LookupError):
        store.update(v2.url, progress=fail)
    assert store.status()[0].held is None
    v2.requests.clear()
    assert store.update(v2.url).outcome is Outcome.UPDATED
    assert [path for path in v2.requests if path.startswith("/by-sha/")] == []


def test_a_cancel_from_another_thread(store: Store, v2: Server) -> None:
    v2.stalls.add("/root.sha")
    token = CancelToken()

    def cancel() -> None:
        v2.stalled.wait(PROMPT_S)
        token.cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    started = time.monotonic()
    with pytest.raises(rockon_sync.CanceledError) as raised:
        store.update(v2.url, cancel=token)
    assert time.monotonic() - started < PROMPT_S
    assert raised.value.kind is rockon_sync.ErrorKind.CANCELED
    thread.join()
    # The request that nobody waits for any more still has the lock, and then lets it go.
    with pytest.raises(rockon_sync.LockedError):
        store.update(v2.url)
    v2.stalls.clear()
    v2.release.set()
    assert store.update(v2.url, lock_timeout=PROMPT_S).outcome is Outcome.UPDATED


def test_a_token_that_is_canceled_already(store: Store, v2: Server) -> None:
    token = CancelToken()
    assert not token.is_canceled
    token.cancel()
    assert token.is_canceled
    with pytest.raises(rockon_sync.CanceledError):
        store.update(v2.url, cancel=token)
    assert v2.requests == []


UPDATE = """
import sys, rockon_sync
try:
    rockon_sync.Store(sys.argv[1]).update(sys.argv[2])
except KeyboardInterrupt:
    print("interrupted", flush=True)
    raise SystemExit(130)
"""


@pytest.mark.parametrize("stall", ["/root.sha", "/by-sha"])
def test_ctrl_c_ends_an_update_promptly(store: Store, v2: Server, stall: str) -> None:
    if stall == "/by-sha":
        files = (v2.folder / "by-sha").iterdir()
        v2.stalls |= {f"/by-sha/{file.name}" for file in files}
        v2.stalls |= {f"/{file.name}" for file in (v2.folder / "packs").glob("*")}
        v2.stalls |= {f"/packs/{file.name}" for file in (v2.folder / "packs").glob("*")}
    else:
        v2.stalls.add(stall)
    command = [sys.executable, "-c", UPDATE, str(store.folder), v2.url]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert v2.stalled.wait(10)
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=10)
    assert time.monotonic() - started < PROMPT_S
    assert (process.returncode, output) == (130, "interrupted\n")
    v2.stalls.clear()
    v2.release.set()
    assert store.update(v2.url).outcome is Outcome.UPDATED


def longest_request_s(url: str, until: Callable[[], bool]) -> tuple[float, int]:
    """Makes small requests, one after the other; the longest time and how many."""
    longest, n = 0.0, 0
    while not until():
        started = time.monotonic()
        with urllib.request.urlopen(url, timeout=5) as response:
            response.read()
        longest = max(longest, time.monotonic() - started)
        n += 1
        time.sleep(0.005)
    return longest, n


def test_other_threads_go_on_while_an_update_waits(
    store: Store, v2: Server, catalog: CatalogFolder
) -> None:
    v2.stalls.add("/root.sha")
    done = threading.Event()

    def update() -> None:
        store.update(v2.url)
        done.set()

    with serve(catalog.folder) as other:
        thread = threading.Thread(target=update)
        thread.start()
        assert v2.stalled.wait(5)
        end = time.monotonic() + STALL_S
        longest, n = longest_request_s(other.url + "root.json", lambda: time.monotonic() > end)
        v2.release.set()
        thread.join()
    assert done.is_set()
    # Held for the whole stall, the GIL would allow none. A busy machine may delay one.
    assert n > 50
    assert longest < STALL_S / 4
    print(f"{n} requests, the longest {longest * 1000:.1f} ms")


GREENLETS = """
import sys, time
import gevent, gevent.monkey
gevent.monkey.patch_all()
import rockon_sync

ticks = 0
def tick():
    global ticks
    while True:
        gevent.sleep(0.01)
        ticks += 1

gevent.spawn(tick)
store = rockon_sync.Store(sys.argv[1])
update = gevent.get_hub().threadpool.spawn(store.update, sys.argv[2])
gevent.sleep(0.5)
assert not update.ready()
before = ticks
print("waiting", flush=True)
report = update.get(timeout=10)
print(report.outcome.value, before, flush=True)
"""


def test_other_greenlets_go_on_while_an_update_runs_in_the_thread_pool(
    store: Store, v2: Server
) -> None:
    v2.stalls.add("/root.sha")
    command = [sys.executable, "-c", GREENLETS, str(store.folder), v2.url]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n"
    v2.release.set()
    output, _ = process.communicate(timeout=10)
    outcome, ticks = output.split()
    assert (process.returncode, outcome) == (0, "updated")
    # 50 would be every one: a machine under load may lose some.
    assert int(ticks) > 10


def test_two_updates_at_once(store: Store, v2: Server) -> None:
    v2.stalls.add("/root.sha")
    thread = threading.Thread(target=store.update, args=(v2.url,))
    thread.start()
    assert v2.stalled.wait(5)
    with pytest.raises(rockon_sync.LockedError) as raised:
        store.update(v2.url)
    assert raised.value.retryable
    v2.stalls.clear()
    v2.release.set()
    assert store.update(v2.url, lock_timeout=5).outcome is Outcome.UNCHANGED
    thread.join()
