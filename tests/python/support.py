"""A catalog directory, and an HTTP server on loopback that logs its requests."""

from __future__ import annotations

import email.utils
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

LONGEST_STALL_S = 120.0
"""The longest silence of the server, so that a broken test fails instead of hanging."""


def definition(name: str, **fields: object) -> dict[str, object]:
    """Returns a valid definition with one container."""
    slug = name.lower().replace(" ", "-")
    container = {"image": f"example/{slug}", "launch_order": 1}
    base: dict[str, object] = {
        "description": f"{name} for tests",
        "website": "https://example.org/",
        "version": "1.0",
        "containers": {slug: container},
    }
    return {name: base | fields}


class CatalogDir:
    """A catalog directory: `root.json` and the files that it names."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        self._files: dict[str, str] = {}
        self._write_list()

    def put(self, name: str, **fields: object) -> None:
        """Adds or replaces the file of one definition."""
        file = name.lower().replace(" ", "-") + ".json"
        self.put_file(name.lower(), file, definition(name, **fields))

    def put_file(self, entry_id: str, file: str, content: object) -> None:
        """Adds or replaces a file with any JSON."""
        (self.path / file).write_text(json.dumps(content, indent=1))
        self._files[entry_id] = file
        self._write_list()

    def remove(self, name: str) -> None:
        """Removes a definition's file and its row of the list."""
        (self.path / self._files.pop(name.lower())).unlink()
        self._write_list()

    def _write_list(self) -> None:
        (self.path / "root.json").write_text(json.dumps(self._files, indent=1))


@dataclass
class Server:
    """A served directory, its request log, and its scripted faults."""

    url: str
    path: Path
    requests: list[str] = field(default_factory=list)
    statuses: dict[str, int] = field(default_factory=dict)
    """Maps paths to statuses that replace the file."""
    bodies: dict[str, bytes] = field(default_factory=dict)
    """Maps paths to bytes that replace the file."""
    stalls: set[str] = field(default_factory=set)
    """Paths without a response until `release` is set."""
    release: threading.Event = field(default_factory=threading.Event)
    stalled: threading.Event = field(default_factory=threading.Event)
    """Set when a request gets no response."""
    on_request: Callable[[str], None] = lambda _path: None


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            server.requests.append(path)
            server.on_request(path)
            if path in server.stalls:
                server.stalled.set()
                server.release.wait(LONGEST_STALL_S)
            if path in server.statuses:
                self.answer(server.statuses[path], b"")
                return
            file = server.path / path.lstrip("/")
            if path in server.bodies:
                self.answer(200, server.bodies[path])
            elif not file.is_file():
                self.answer(404, b"")
            else:
                body = file.read_bytes()
                etag = '"' + hashlib.sha256(body).hexdigest()[:16] + '"'
                if self.headers.get("if-none-match") == etag:
                    self.answer(304, b"", etag)
                else:
                    self.answer(200, body, etag)

        def answer(self, status: int, body: bytes, etag: str | None = None) -> None:
            self.send_response_only(status)
            self.send_header("date", email.utils.formatdate(usegmt=True))
            self.send_header("content-length", str(len(body)))
            if etag:
                self.send_header("etag", etag)
            self.end_headers()
            self.wfile.write(body)

    return Handler


class _QuietServer(ThreadingHTTPServer):
    """A server whose clients may hang up in the middle of a response."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        pass


@contextmanager
def serve(path: Path) -> Iterator[Server]:
    """Serves a directory on a free port of the loopback interface."""
    server = Server(url="", path=path)
    http = _QuietServer(("127.0.0.1", 0), _handler(server))
    server.url = f"http://127.0.0.1:{http.server_port}/"
    thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.release.set()
        http.shutdown()
        http.server_close()
        thread.join()
