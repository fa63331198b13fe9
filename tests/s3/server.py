"""Serves an empty bucket, `rockons`, from memory, until its standard input ends.

Prints the port. Handles one request at a time, so that conditional requests are atomic, as they are
at a real store. These requests are for tests:

- `PUT /_refuse?nth=N` answers 403 to the N-th request from then on; 0 refuses none.
- `PUT /_lose` carries out the next changes, but answers 503 to the first request for each.
- `PUT /_copy?from=PREFIX&to=PREFIX` copies files.
- `GET /_dump` returns a JSON object: key to hexadecimal bytes, `Content-Type` and `Cache-Control`.

The first two answer with the number of requests since the last one of them.
"""

import copy
import json
import os
import sys
import threading
import urllib.parse
from collections.abc import Callable, Iterable
from typing import Any

import boto3
from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import FakeBucket, FakeKey, s3_backends
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

# Longer than the longest test.
TIME_LIMIT_S = 600

Start = Callable[..., Any]


class Faults:
    """Fails requests of an application."""

    def __init__(self, application: Callable[[dict[str, Any], Start], Iterable[bytes]]) -> None:
        self.application = application
        self.nth, self.count = 0, 0
        # The changes whose responses were lost; None if none are to be lost.
        self.lost: set[tuple[str, str]] | None = None

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        query = dict(urllib.parse.parse_qsl(environ["QUERY_STRING"]))
        if path == "/_refuse":
            return self.configure(start, int(query["nth"]), None)
        if path == "/_lose":
            return self.configure(start, 0, set())
        if path == "/_copy":
            return self.copy(start, query["from"], query["to"])
        if path == "/_dump":
            return self.dump(start)
        self.count += 1
        if self.count == self.nth:
            start("403 Forbidden", [("Content-Length", "0")])
            return [b""]
        if self.lost is not None and method != "GET" and (method, path) not in self.lost:
            self.lost.add((method, path))
            b"".join(self.application(environ, lambda *_: lambda _: None))
            start("503 Service Unavailable", [("Content-Length", "0"), ("Retry-After", "0")])
            return [b""]
        return self.application(environ, start)

    def configure(
        self, start: Start, nth: int, lost: set[tuple[str, str]] | None
    ) -> Iterable[bytes]:
        count, self.count = self.count, 0
        self.nth, self.lost = nth, lost
        return answer(start, str(count).encode())

    def copy(self, start: Start, old: str, new: str) -> Iterable[bytes]:
        for key in keys():
            if key.name.startswith(f"{old}/"):
                copied = copy.copy(key)
                copied.name = new + key.name.removeprefix(old)
                bucket().keys[copied.name] = copied
        return answer(start, b"")

    def dump(self, start: Start) -> Iterable[bytes]:
        files = {}
        for key in keys():
            headers = {name.lower(): value for name, value in key.metadata.items()}
            kinds = headers.get("content-type"), headers.get("cache-control")
            files[key.name] = [key.value.hex(), *kinds]
        return answer(start, json.dumps(files).encode())


def answer(start: Start, body: bytes) -> Iterable[bytes]:
    start("200 OK", [("Content-Length", str(len(body)))])
    return [body]


def bucket() -> FakeBucket:
    return s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets["rockons"]


def keys() -> list[FakeKey]:
    return list(bucket().keys.values())


def main() -> None:
    application = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", 0, Faults(application), threaded=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client = boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{server.server_port}",
        region_name="us-east-1",
        aws_access_key_id="id",
        aws_secret_access_key="secret",
    )
    client.create_bucket(Bucket="rockons", ACL="public-read-write")
    print(server.server_port, flush=True)
    threading.Timer(TIME_LIMIT_S, lambda: os._exit(1)).start()
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
