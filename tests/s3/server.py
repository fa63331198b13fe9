"""Serves an empty bucket, `rockons`, from memory, until its standard input ends.

Prints the port. Handles one request at a time, so that conditional requests are atomic, as they are
at a real store. `PUT /_fault?METHOD=refuse&nth=N` makes the N-th request with that method from then
on fail: `refuse` answers 403 without doing it, `lose` does it and answers 503. Method `ANY` counts
all requests; `nth` 0 removes the fault. The answer is the number of requests counted since the last
such request. `PUT /_copy?from=PREFIX&to=PREFIX` copies files. `GET /_dump` returns a JSON object: key to hexadecimal bytes, `Content-Type` and
`Cache-Control`.
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
    """Fails one request of an application."""

    def __init__(self, application: Callable[[dict[str, Any], Start], Iterable[bytes]]) -> None:
        self.application = application
        self.method, self.kind, self.nth, self.count = "ANY", "refuse", 0, 0

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/_fault":
            return self.configure(environ, start)
        if environ["PATH_INFO"] == "/_copy":
            return self.copy(environ, start)
        if environ["PATH_INFO"] == "/_dump":
            return self.dump(start)
        if self.method in ("ANY", environ["REQUEST_METHOD"]):
            self.count += 1
            if self.count == self.nth:
                if self.kind == "lose":
                    body = self.application(environ, lambda *_: lambda _: None)
                    b"".join(body)
                    headers = [("Content-Length", "0"), ("Retry-After", "0")]
                    start("503 Service Unavailable", headers)
                else:
                    start("403 Forbidden", [("Content-Length", "0")])
                return [b""]
        return self.application(environ, start)

    def configure(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        query = dict(urllib.parse.parse_qsl(environ["QUERY_STRING"]))
        body = str(self.count).encode()
        self.nth, self.count = int(query.pop("nth")), 0
        ((self.method, self.kind),) = query.items()
        return answer(start, body)

    def copy(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        query = dict(urllib.parse.parse_qsl(environ["QUERY_STRING"]))
        for key in keys():
            if key.name.startswith(query["from"] + "/"):
                copied = copy.copy(key)
                copied.name = query["to"] + key.name.removeprefix(query["from"])
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
