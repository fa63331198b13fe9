"""A relay that simulates a long line, counts bytes, and can be cut.

Every byte is delayed by half a round trip in each direction, in order and at unlimited bandwidth.
Connecting costs a round trip too: the kernel accepts at once, so the relay treats the client's
first bytes as sent only when the response to its SYN would have arrived, and connects to the server
when the client's ACK would have. Compared to a real line, loss, jitter, limited bandwidth and TCP
slow start are missing.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

CHUNK_BYTES = 256 * 1024

RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""`struct linger` that makes closing send RST, as a client sees it on a broken line."""


@dataclass
class Traffic:
    """TCP payload and connections, as the client sees them."""

    received: int = 0
    sent: int = 0
    connections: int = 0


class Relay:
    """Forwards connections to a port of the loopback interface; see `relay`."""

    def __init__(self, upstream_port: int, round_trip_s: float) -> None:
        self.port = 0
        self.round_trip_s = round_trip_s
        self.upstream_port = upstream_port
        self.is_cut = False
        self._cut_after: int | None = None
        self._traffic = Traffic()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self) -> Traffic:
        """Returns the traffic since the last call."""
        taken, self._traffic = self._traffic, Traffic()
        return replace(taken)

    def cut_after(self, received: int | None) -> None:
        """Breaks the line after this many more bytes to the client; None repairs it."""
        self._traffic = Traffic()
        self.is_cut = False
        self._cut_after = received

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Handles one connection until both directions have ended."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        if self.is_cut:
            self._reset(writer)
            return
        self._traffic.connections += 1
        self._writers.add(writer)
        one_way_s = self.round_trip_s / 2
        established = asyncio.get_running_loop().time() + self.round_trip_s
        upload = asyncio.Queue[tuple[float, bytes]]()
        download = asyncio.Queue[tuple[float, bytes]]()
        upstream: asyncio.StreamWriter | None = None
        try:
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._read(reader, upload, established))
                await _sleep_until(established + one_way_s)
                answers, upstream = await asyncio.open_connection("127.0.0.1", self.upstream_port)
                self._writers.add(upstream)
                ways.create_task(self._write(upload, upstream, is_download=False))
                ways.create_task(self._read(answers, download, 0.0))
                ways.create_task(self._write(download, writer, is_download=True))
        except* (OSError, asyncio.CancelledError):
            # One side has hung up, so the other is closed too; or the relay is stopping.
            pass
        finally:
            self._tasks.discard(task)
            for each in (writer, upstream):
                if each is not None:
                    self._writers.discard(each)
                    each.close()

    async def _read(
        self,
        reader: asyncio.StreamReader,
        queue: asyncio.Queue[tuple[float, bytes]],
        not_before: float,
    ) -> None:
        """Records when each chunk is due at the other end. An empty chunk is the end."""
        loop = asyncio.get_running_loop()
        while True:
            chunk = await reader.read(CHUNK_BYTES)
            queue.put_nowait((max(loop.time(), not_before) + self.round_trip_s / 2, chunk))
            if not chunk:
                return

    async def _write(
        self,
        queue: asyncio.Queue[tuple[float, bytes]],
        writer: asyncio.StreamWriter,
        *,
        is_download: bool,
    ) -> None:
        while True:
            due, chunk = await queue.get()
            await _sleep_until(due)
            if not chunk:
                writer.write_eof()
                return
            if is_download:
                await self._deliver(chunk, writer)
            else:
                self._traffic.sent += len(chunk)
                writer.write(chunk)
                await writer.drain()

    async def _deliver(self, chunk: bytes, writer: asyncio.StreamWriter) -> None:
        """Passes a chunk to the client, or the part of it before the cut."""
        if self._cut_after is not None:
            chunk = chunk[: self._cut_after - self._traffic.received]
        self._traffic.received += len(chunk)
        writer.write(chunk)
        await writer.drain()
        if self._cut_after is not None and self._traffic.received >= self._cut_after:
            self.is_cut = True
            # Without a pause, the reset would overtake the bytes.
            await asyncio.sleep(0.01)
            for each in list(self._writers):
                self._reset(each)

    def _reset(self, writer: asyncio.StreamWriter) -> None:
        connection = writer.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        writer.transport.abort()


async def _sleep_until(due: float) -> None:
    wait_s = due - asyncio.get_running_loop().time()
    if wait_s > 0:
        await asyncio.sleep(wait_s)


@contextmanager
def relay(upstream_port: int, round_trip_s: float, port: int = 0) -> Iterator[Relay]:
    """Runs a relay in its own thread, on a free port unless one is given."""
    it = Relay(upstream_port, round_trip_s)
    loop = asyncio.new_event_loop()
    listening = loop.run_until_complete(
        asyncio.start_server(it.accept, "127.0.0.1", port, backlog=1024)
    )
    it.port = listening.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def end() -> None:
        listening.close()
        tasks = list(it._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    try:
        yield it
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop).result(timeout=10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=10)
        loop.close()
