"""A catalog on disk, and an HTTP server on loopback that logs its requests."""

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

LONGEST_STALL_S = 8.0
"""No reply is held back for longer, whatever a test does: nothing hangs for ever."""


def definition(name: str, **fields: object) -> dict[str, object]:
    """A definition that a publisher accepts, with one container."""
    slug = name.lower().replace(" ", "-")
    container = {"image": f"example/{slug}", "launch_order": 1}
    base: dict[str, object] = {
        "description": f"{name} for tests",
        "website": "https://example.org/",
        "version": "1.0",
        "containers": {slug: container},
    }
    return {name: base | fields}


class CatalogFolder:
    """The folder that a publisher keeps: `root.json` and the files that it names."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._files: dict[str, str] = {}
        self._write_list()

    def put(self, name: str, **fields: object) -> None:
        """Adds or replaces the file of one definition."""
        file = name.lower().replace(" ", "-") + ".json"
        self.put_file(name.lower(), file, definition(name, **fields))

    def put_file(self, entry_id: str, file: str, content: object) -> None:
        """Adds or replaces a file, whatever is in it."""
        (self.folder / file).write_text(json.dumps(content, indent=1))
        self._files[entry_id] = file
        self._write_list()

    def remove(self, name: str) -> None:
        """Removes a definition's file and its entry."""
        (self.folder / self._files.pop(name.lower())).unlink()
        self._write_list()

    def _write_list(self) -> None:
        (self.folder / "root.json").write_text(json.dumps(self._files, indent=1))


@dataclass
class Server:
    """A served folder, its request log, and what it is told to do differently."""

    url: str
    folder: Path
    requests: list[str] = field(default_factory=list)
    statuses: dict[str, int] = field(default_factory=dict)
    """Path to the status that is answered instead of the file."""
    bodies: dict[str, bytes] = field(default_factory=dict)
    """Path to the bytes that are answered instead of the file."""
    stalls: set[str] = field(default_factory=set)
    """Paths that are not answered before `release` is set."""
    release: threading.Event = field(default_factory=threading.Event)
    stalled: threading.Event = field(default_factory=threading.Event)
    """Set when a request is being stalled."""
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
            file = server.folder / path.lstrip("/")
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
    """One whose clients may go away in the middle of an answer."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        pass


@contextmanager
def serve(folder: Path) -> Iterator[Server]:
    """Serves a folder on a free port of the loopback interface."""
    server = Server(url="", folder=folder)
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
