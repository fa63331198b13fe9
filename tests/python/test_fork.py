"""Processes that fork, and sub-interpreters."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path
from subprocess import CompletedProcess

import pytest
import rockon_sync
from rockon_sync import Outcome, Phase, Progress, Store
from support import CatalogDir, Server

HANG_S = 60
"""Longer than any child takes: ends broken tests."""

FORKS = """
import logging, os, sys, threading, rockon_sync

logging.getLogger("rockon_sync").setLevel(logging.DEBUG)
url, path = sys.argv[1:]
done = threading.Event()

def update(number):
    store = rockon_sync.Store(f"{path}/{number}")
    while not done.is_set():
        store.update(url)

rockon_sync.Store(f"{path}/first").update(url)
threads = [threading.Thread(target=update, args=(number,)) for number in range(4)]
for thread in threads:
    thread.start()
for number in range(100):
    child = os.fork()
    if child == 0:
        store = rockon_sync.Store(f"{path}/first")
        os._exit(0 if store.status() and store.catalog() else 1)
    assert os.waitpid(child, 0)[1] == 0
done.set()
for thread in threads:
    thread.join()
print("done")
"""


def test_a_child_forked_while_other_threads_log_can_read_a_store(
    catalog: CatalogDir, tmp_path: Path
) -> None:
    rockon_sync.publish(catalog.path)
    command = [sys.executable, "-c", FORKS, str(catalog.path / "v2"), str(tmp_path)]
    found = subprocess.run(command, capture_output=True, text=True, timeout=3 * HANG_S, check=False)
    assert (found.returncode, found.stdout) == (0, "done\n"), found.stderr


class Recorder(logging.Handler):
    """Keeps the records of this process."""

    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


def test_a_forked_child_does_not_take_the_queue_of_log_records(store: Store, v2: Server) -> None:
    statuses: list[int] = []
    recorder = Recorder(logging.DEBUG)

    def fork(progress: Progress) -> None:
        # The request for the head is logged, and its record is passed on after this call.
        if progress.phase is Phase.FETCHING and not statuses:
            child = os.fork()
            if child == 0:
                recorder.records.clear()
                rockon_sync.Store(store.dir).status()
                os._exit(len(recorder.records))
            statuses.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

    logger = logging.getLogger("rockon_sync")
    logger.addHandler(recorder)
    logger.setLevel(logging.DEBUG)
    try:
        store.update(v2.url, progress=fork)
    finally:
        logger.removeHandler(recorder)
        logger.setLevel(logging.NOTSET)
    assert statuses == [0]
    assert recorder.records


def test_a_child_forked_during_an_update_does_not_keep_the_lock(store: Store, v2: Server) -> None:
    children: list[int] = []
    waiting, release = os.pipe()

    def fork(progress: Progress) -> None:
        if progress.phase is Phase.COMMITTING and not children:
            child = os.fork()
            if child == 0:
                os.close(release)
                os.read(waiting, 1)
                os._exit(0)
            children.append(child)

    assert store.update(v2.url, progress=fork).outcome is Outcome.UPDATED
    try:
        assert len(children) == 1
        assert store.update(v2.url).outcome is Outcome.UNCHANGED
        assert os.waitpid(children[0], os.WNOHANG) == (0, 0)
    finally:
        os.close(release)
        os.waitpid(children[0], 0)
        os.close(waiting)


SUB_INTERPRETER = """
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
{before}
sub = interpreters.create()
code = "try:\\n import {module}\\nexcept ImportError as error:\\n print(error, flush=True)"
interpreters.run_string(sub, code)
import {module}
"""
"""A program that imports a module in a sub-interpreter, and then in the main one."""


def import_in_both(module: str, before: str = "", after: str = "") -> CompletedProcess[str]:
    """Runs that program, with other lines around it."""
    program = SUB_INTERPRETER.format(module=module, before=before) + after
    command = [sys.executable, "-c", program]
    return subprocess.run(command, capture_output=True, text=True, timeout=HANG_S, check=False)


@pytest.mark.parametrize("before", ["", "import rockon_sync"])
def test_a_sub_interpreter_cannot_import_the_package(before: str) -> None:
    # CPython 3.12.1 and 3.13.0 crash here even without this package.
    if not before and import_in_both("datetime").returncode < 0:
        pytest.skip("this Python crashes if two interpreters import `datetime`")
    found = import_in_both("rockon_sync", before, 'print(rockon_sync.Store("/nonexistent"))')
    assert found.returncode == 0, found.stderr
    refused, created = found.stdout.splitlines()
    assert "sub" in refused
    assert "interpreter" in refused
    assert created == 'Store("/nonexistent")'
