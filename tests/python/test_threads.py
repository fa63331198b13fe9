"""Signals, threads and greenlets: an update blocks only its caller."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import pytest
import rockon_sync
from rockon_sync import CancelToken, Outcome, Progress, Store
from support import CatalogDir, Server, serve

HANG_S = 60.0
"""Longer than any step takes, but shorter than the server's silence: ends broken tests."""


def assert_no_retry(server: Server) -> None:
    """Fails if a request was repeated: then a call has waited until the request failed."""
    assert len(server.requests) == len(set(server.requests))


def test_an_exception_of_the_callback_is_passed_on_unchanged(store: Store, v2: Server) -> None:
    mine = KeyError("mine")

    def fail(_progress: Progress) -> None:
        raise mine

    with pytest.raises(KeyError) as raised:
        store.update(v2.url, progress=fail)
    assert raised.value is mine
    assert store.status()[0].current is None
    assert store.update(v2.url).outcome is Outcome.UPDATED


def test_an_exception_before_the_commit_keeps_staged_files(store: Store, v2: Server) -> None:
    def fail(progress: Progress) -> None:
        if progress.files_done == progress.files_total > 0:
            raise LookupError

    with pytest.raises(LookupError):
        store.update(v2.url, progress=fail)
    assert store.status()[0].current is None
    v2.requests.clear()
    assert store.update(v2.url).outcome is Outcome.UPDATED
    assert [path for path in v2.requests if path.startswith("/by-sha/")] == []


def test_a_cancel_from_another_thread_does_not_wait_for_the_server(
    store: Store, v2: Server
) -> None:
    v2.stalls.add("/root.sha")
    token = CancelToken()

    def cancel() -> None:
        v2.stalled.wait(HANG_S)
        token.cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    with pytest.raises(rockon_sync.CanceledError) as raised:
        store.update(v2.url, cancel=token)
    assert raised.value.kind is rockon_sync.ErrorKind.CANCELED
    thread.join()
    assert_no_retry(v2)
    # The abandoned request is still waiting, but does not keep the lock.
    v2.stalls.clear()
    assert store.update(v2.url).outcome is Outcome.UPDATED
    assert not v2.release.is_set()


def test_a_canceled_token_prevents_an_update(store: Store, v2: Server) -> None:
    token = CancelToken()
    assert not token.is_canceled
    token.cancel()
    assert token.is_canceled
    with pytest.raises(rockon_sync.CanceledError):
        store.update(v2.url, cancel=token)
    assert v2.requests == []


def test_a_token_can_be_used_for_many_calls_and_survives_exceptions(
    store: Store, v2: Server
) -> None:
    token = CancelToken()

    def fail(_progress: Progress) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        store.update(v2.url, cancel=token, progress=fail)
    assert not token.is_canceled
    assert store.update(v2.url, cancel=token).outcome is Outcome.UPDATED
    assert store.check(v2.url, cancel=token).outcome is Outcome.UNCHANGED


# If the parent ignores SIGINT, as nohup does, Python installs no handler.
INTERRUPTED = """
import signal, sys, rockon_sync
signal.signal(signal.SIGINT, signal.default_int_handler)
def run():
    {call}
try:
    run()
except KeyboardInterrupt:
    print("interrupted", flush=True)
sys.stdin.readline()
print(run().outcome.value, flush=True)
"""


def interrupt(call: str, server: Server, *arguments: str | Path) -> str:
    """Interrupts a call while the server is silent, and repeats it while the first request still
    waits. Returns the outcome."""
    command = [sys.executable, "-c", INTERRUPTED.format(call=call), *map(str, arguments)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert server.stalled.wait(HANG_S)
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "interrupted\n"
        assert_no_retry(server)
        server.stalls.clear()
        output, _ = process.communicate("\n", timeout=HANG_S)
    assert not server.release.is_set()
    assert process.returncode == 0
    return output.strip()


@pytest.mark.parametrize("stall", ["/root.sha", "/by-sha"])
def test_ctrl_c_interrupts_an_update_without_waiting_for_the_server(
    store: Store, v2: Server, stall: str
) -> None:
    if stall == "/by-sha":
        files = (v2.path / "by-sha").iterdir()
        v2.stalls |= {f"/by-sha/{file.name}" for file in files}
        v2.stalls |= {f"/{file.name}" for file in (v2.path / "packs").glob("*")}
        v2.stalls |= {f"/packs/{file.name}" for file in (v2.path / "packs").glob("*")}
    else:
        v2.stalls.add(stall)
    call = "return rockon_sync.Store(sys.argv[1]).update(sys.argv[2])"
    assert interrupt(call, v2, store.dir, v2.url) == "updated"


def test_ctrl_c_interrupts_the_reading_of_an_update_site(tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "list.xml").write_text(
        '<extensionset><extension type="component" element="shop" detailsurl="shop.xml"/>'
        "</extensionset>"
    )
    (site / "shop.xml").write_text(
        "<updates><update><name>Shop</name><element>shop</element><type>component</type>"
        "<client>site</client><version>1.0</version></update></updates>"
    )
    call = 'return rockon_sync.publish(sys.argv[1], format="jupdate", out=sys.argv[2])'
    with serve(site) as server:
        server.stalls.add("/list.xml")
        interrupted = interrupt(call, server, server.url + "list.xml", tmp_path / "tree")
    assert interrupted == "published"


GUIDE = Path(__file__).parents[2] / "docs/guides/python.md"
CANCELED_TASK = """
import sys
{example}
async def main() -> None:
    task = asyncio.create_task(refresh(Store(sys.argv[1]), sys.argv[2]))
    await asyncio.to_thread(sys.stdin.readline)
    task.cancel()
    await asyncio.wait([task])
    print("canceled" if task.cancelled() else "not canceled", flush=True)

asyncio.run(main())
"""


def test_a_canceled_task_ends_its_update_and_does_not_delay_the_exit(
    store: Store, v2: Server
) -> None:
    examples = re.findall(r"^```python\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    (example,) = [example for example in examples if "import asyncio" in example]
    v2.stalls.add("/root.sha")
    command = [sys.executable, "-c", CANCELED_TASK.format(example=example)]
    with subprocess.Popen(
        [*command, str(store.dir), v2.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert v2.stalled.wait(HANG_S)
        output, _ = process.communicate("\n", timeout=HANG_S)
    assert (process.returncode, output) == (0, "canceled\n")
    assert_no_retry(v2)
    assert not v2.release.is_set()


def test_other_threads_run_while_an_update_waits(
    store: Store, v2: Server, catalog: CatalogDir
) -> None:
    v2.stalls.add("/root.sha")
    thread = threading.Thread(target=store.update, args=(v2.url,))
    with serve(catalog.path) as other:
        thread.start()
        assert v2.stalled.wait(HANG_S)
        for _ in range(50):
            with urllib.request.urlopen(other.url + "root.json", timeout=HANG_S) as response:
                response.read()
    # If the update held the GIL while waiting, this thread would only run after its end.
    assert thread.is_alive()
    v2.release.set()
    thread.join()
    assert store.status()[0].current is not None


GREENLETS = """
import sys
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
while ticks < 20:
    gevent.sleep(0.01)
# The server is silent, so an update that is ready has blocked the other greenlets until it failed.
print("blocked" if update.ready() else "waiting", flush=True)
print(update.get().outcome.value, flush=True)
"""


def test_other_greenlets_run_while_an_update_runs_in_the_thread_pool(
    store: Store, v2: Server
) -> None:
    v2.stalls.add("/root.sha")
    command = [sys.executable, "-c", GREENLETS, str(store.dir), v2.url]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n"
    v2.release.set()
    output, _ = process.communicate(timeout=HANG_S)
    assert (process.returncode, output) == (0, "updated\n")


def test_a_concurrent_update_is_refused(store: Store, v2: Server) -> None:
    v2.stalls.add("/root.sha")
    thread = threading.Thread(target=store.update, args=(v2.url,))
    thread.start()
    assert v2.stalled.wait(HANG_S)
    with pytest.raises(rockon_sync.LockedError) as raised:
        store.update(v2.url)
    assert raised.value.retryable
    v2.stalls.clear()
    v2.release.set()
    assert store.update(v2.url, lock_timeout=HANG_S).outcome is Outcome.UNCHANGED
    thread.join()
