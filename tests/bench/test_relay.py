"""The relay: delays, counters and cuts."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from relay import relay

ROUND_TRIP_S = 0.04


@contextmanager
def echo(greeting: bytes = b"") -> Iterator[int]:
    """Runs a server that sends a greeting, then echoes everything."""

    def serve(connection: socket.socket) -> None:
        with connection:
            connection.sendall(greeting)
            with suppress(ConnectionError):
                while heard := connection.recv(65536):
                    connection.sendall(heard)

    def accept() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=accept, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


def read(connection: socket.socket, length: int) -> bytes:
    """Receives exactly this many bytes."""
    found = b""
    while len(found) < length and (chunk := connection.recv(length - len(found))):
        found += chunk
    return found


def ask(port: int) -> None:
    """Connects and waits for a response. A reset may happen at either."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.recv(1)


def test_connecting_and_each_request_cost_a_round_trip() -> None:
    with echo() as upstream, relay(upstream, ROUND_TRIP_S) as line:
        started = time.monotonic()
        with socket.create_connection(("127.0.0.1", line.port)) as connection:
            connection.sendall(b"first")
            assert read(connection, 5) == b"first"
            assert time.monotonic() - started >= 2 * ROUND_TRIP_S
            connection.sendall(b"second")
            assert read(connection, 6) == b"second"
            assert time.monotonic() - started >= 3 * ROUND_TRIP_S


def test_a_greeting_arrives_after_two_round_trips() -> None:
    with echo(b"hello") as upstream, relay(upstream, ROUND_TRIP_S) as line:
        started = time.monotonic()
        with socket.create_connection(("127.0.0.1", line.port)) as connection:
            assert read(connection, 5) == b"hello"
        assert time.monotonic() - started >= 2 * ROUND_TRIP_S


def test_every_byte_arrives_in_order_and_is_counted() -> None:
    sent = bytes(number % 251 for number in range(3_000_000))
    with echo() as upstream, relay(upstream, ROUND_TRIP_S) as line:
        with socket.create_connection(("127.0.0.1", line.port)) as connection:
            writing = threading.Thread(target=connection.sendall, args=(sent,))
            writing.start()
            assert read(connection, len(sent)) == sent
            writing.join()
            connection.shutdown(socket.SHUT_WR)
            assert connection.recv(1) == b""
        traffic = line.take()
        assert (traffic.received, traffic.sent) == (len(sent), len(sent))
        assert traffic.connections == 1
        assert line.take().received == 0


def test_a_cut_line_delivers_no_more_bytes_until_it_is_repaired() -> None:
    with echo() as upstream, relay(upstream, 0.0) as line:
        line.cut_after(100)
        with socket.create_connection(("127.0.0.1", line.port)) as connection:
            connection.sendall(bytes(1000))
            assert read(connection, 100) == bytes(100)
            with pytest.raises(ConnectionResetError):
                connection.recv(1)
        assert line.take().received == 100
        with pytest.raises(ConnectionError):
            ask(line.port)
        line.cut_after(None)
        with socket.create_connection(("127.0.0.1", line.port)) as connection:
            connection.sendall(b"again")
            assert read(connection, 5) == b"again"
