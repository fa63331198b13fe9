"""nginx from Debian, with the configuration of a plain web server, and its log."""

from __future__ import annotations

import getpass
import http.client
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from processes import answers, daemon, free_port, run

MARKER = "/end-of-measurement"

CONFIGURATION = """
{user}
daemon off;
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/error.log warn;
events {{ worker_connections 1024; }}
http {{
    types {{ application/json json; application/zstd zst; text/plain txt; }}
    default_type application/octet-stream;
    log_format figures '$status $bytes_sent $request_length $connection $request_uri';
    access_log {directory}/access.log figures;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    sendfile on;
    tcp_nopush on;
    etag on;
    gzip on;
    gzip_types application/json;
    gzip_vary on;
    keepalive_timeout 75s;
    client_max_body_size 64m;
    server {{
        listen 127.0.0.1:{port};
        root {root};
        location = {marker} {{ return 204; }}
        location ~ ^/git(/.*)$ {{
            fastcgi_pass unix:{directory}/fcgi.socket;
            fastcgi_param SCRIPT_FILENAME {git_backend};
            fastcgi_param GIT_PROJECT_ROOT {git_root};
            fastcgi_param GIT_HTTP_EXPORT_ALL 1;
            fastcgi_param GIT_PROTOCOL $http_git_protocol;
            fastcgi_param HTTP_CONTENT_ENCODING $http_content_encoding;
            fastcgi_param PATH_INFO $1;
            fastcgi_param REMOTE_USER nobody;
            fastcgi_param REMOTE_ADDR $remote_addr;
            fastcgi_param QUERY_STRING $query_string;
            fastcgi_param REQUEST_METHOD $request_method;
            fastcgi_param CONTENT_TYPE $content_type;
            fastcgi_param CONTENT_LENGTH $content_length;
            fastcgi_param HOME {directory};
        }}
    }}
}}
"""


@dataclass(frozen=True)
class Exchange:
    """One line of the log: the cost of a request and its response, including headers."""

    status: int
    sent_by_server: int
    sent_by_client: int
    path: str


class WebServer:
    """A running nginx; see `serve`."""

    def __init__(self, directory: Path, port: int) -> None:
        self.directory = directory
        self.port = port
        self._offset = 0

    def take_log(self) -> list[Exchange]:
        """Returns the requests since the last call, after the server has logged them all."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        connection.request("GET", MARKER)
        connection.getresponse().read()
        connection.close()
        deadline = time.monotonic() + 5
        log = self.directory / "access.log"
        while True:
            with log.open() as file:
                file.seek(self._offset)
                text = file.read()
            if text.endswith(f"{MARKER}\n") or time.monotonic() > deadline:
                break
            time.sleep(0.005)
        self._offset += len(text)
        exchanges = []
        for line in text.splitlines():
            status, sent, received, _connection, path = line.split(" ", 4)
            if path != MARKER:
                exchanges.append(Exchange(int(status), int(sent), int(received), path))
        return exchanges


@contextmanager
def serve(
    directory: Path, root: Path, git_root: Path, port: int | None = None
) -> Iterator[WebServer]:
    """Serves `root`, and the repositories below `git_root`, on a free port unless one is given."""
    directory.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    backend = Path(run("git", "--exec-path").decode().strip()) / "git-http-backend"
    configuration = directory / "nginx.conf"
    configuration.write_text(
        CONFIGURATION.format(
            # Otherwise the worker has another account, which may not read files of this one.
            user=f"user {getpass.getuser()};" if os.geteuid() == 0 else "",
            directory=directory,
            port=port,
            root=root,
            git_root=git_root,
            git_backend=backend,
            marker=MARKER,
        )
    )
    for name in ("access.log", "fcgi.socket"):
        (directory / name).unlink(missing_ok=True)
    socket = directory / "fcgi.socket"
    with ExitStack() as running:
        running.enter_context(
            daemon(
                ["fcgiwrap", "-s", f"unix:{socket}"],
                socket.exists,
                directory / "fcgiwrap.log",
            )
        )
        running.enter_context(
            daemon(
                [program(), "-p", directory, "-e", directory / "error.log", "-c", configuration],
                lambda: answers(port),
                directory / "nginx.log",
            )
        )
        yield WebServer(directory, port)


def program() -> Path:
    """Returns the path of nginx, which Debian installs outside of a user's PATH."""
    for directory in (*os.environ.get("PATH", "").split(":"), "/usr/sbin", "/usr/local/sbin"):
        if (Path(directory) / "nginx").is_file():
            return Path(directory) / "nginx"
    raise RuntimeError("nginx is missing: install the package nginx-light")
