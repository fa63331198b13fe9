#!/usr/bin/env python3
"""Judges a client by the conformance vectors. README.md explains both.

    run.py [--claim CLASS,...] [--only TEXT] [--jobs N] COMMAND [ARGUMENT...]

Runs `COMMAND ARGUMENT... URL DIR [KEY...]` for each step of each case. Prints the cases whose
verdict the client does not reach, and exits with 1 if there are any.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any
from urllib.parse import quote, unquote_to_bytes, urlsplit

CASES = Path(__file__).parent / "cases"
CLASSES = ["plain", "strict", "pack", "resume", "mirrors", "verifying", "key-lists", "list"]
# Files of DIR/current that are not entries.
OWN = {"root.json", "root.sha", "root.v2.json", "root.v2.sha"}
KEY_LISTS = "keys/"
# A head with this URL gets that of the server instead.
PLACEHOLDER = b"http://tree.invalid/"
TIMEOUT_S = 60

Step = dict[str, Any]
Files = dict[str, str]


class Server(ThreadingHTTPServer):
    """A web server for the tree of one step."""

    daemon_threads = True
    tree = Path()
    rules: dict[str, dict[str, Any]]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Reports an error, unless a client has broken its connection."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/"


class Handler(BaseHTTPRequestHandler):
    """Answers one request, as the step says."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Server

    def do_GET(self) -> None:
        path = quote(unquote_to_bytes(urlsplit(self.path).path.lstrip("/")))
        rule = self.server.rules.get(path, {})
        if "location" in rule:
            self.respond(rule.get("status", 302), b"", Location=rule["location"])
        elif "status" in rule:
            self.respond(rule["status"], b"")
        elif not (self.server.tree / path).is_file():
            self.respond(404, b"")
        else:
            content = (self.server.tree / path).read_bytes()
            if path.endswith(".sha"):
                content = content.replace(PLACEHOLDER, self.server.url().encode())
            self.send_file(content, rule)

    def send_file(self, content: bytes, rule: dict[str, Any]) -> None:
        etag = f'"{sha256(content).hexdigest()[:16]}"'
        start = 0
        if self.headers["Range"]:
            start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        if rule.get("range_from", start) != start:
            self.respond(404, b"")
        elif self.headers["If-None-Match"] == etag:
            self.respond(304, b"", ETag=etag)
        elif start >= len(content) > 0:
            self.respond(416, b"")
        elif start and not rule.get("ignore_range"):
            span = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
            self.respond(206, content[start:], rule.get("cut_at", len(content)) - start, **span)
        else:
            headers = {} if rule.get("no_etag") else {"ETag": etag}
            self.respond(200, content, rule.get("cut_at"), **headers)

    def respond(self, status: int, body: bytes, most: int | None = None, **headers: str) -> None:
        """Sends a response, of whose body at most `most` bytes arrive."""
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if most is None else body[: max(most, 0)])
        self.close_connection = most is not None and most < len(body)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--claim", default="plain", help=f"classes, of {','.join(CLASSES)}")
    parser.add_argument("--only", default="", help="only cases with this text in their name")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    claims = options.claim.split(",")
    if not options.command or not set(claims) <= set(CLASSES):
        parser.error("expected known classes and a command")
    names = [path.parent.name for path in sorted(CASES.glob("*/case.json"))]
    cases = [name for name in names if options.only in name and case_of(name)["class"] in claims]
    waiting: SimpleQueue[str] = SimpleQueue()
    for name in cases:
        waiting.put(name)
    with ThreadPoolExecutor(options.jobs) as pool:
        judged = [pool.submit(judge, waiting, options.command) for _ in range(options.jobs)]
        failed = sorted(text for part in judged for text in part.result())
    print(*failed, sep="\n", end="\n" if failed else "")
    print(f"{len(cases) - len(failed)} of {len(cases)} cases hold ({', '.join(claims)})")
    return 1 if failed or not cases else 0


def case_of(name: str) -> dict[str, Any]:
    case: dict[str, Any] = json.loads((CASES / name / "case.json").read_text())
    return case


def judge(waiting: SimpleQueue[str], command: list[str]) -> list[str]:
    """Judges a client by cases until none is waiting. Returns what is wrong."""
    found: list[str] = []
    with tempfile.TemporaryDirectory() as scratch, serving() as server:
        client = Client(command, Path(scratch), server)
        while True:
            try:
                name = waiting.get_nowait()
            except Empty:
                return found
            if wrong := client.problem(name):
                found.append(f"{name}: {wrong}")


class Client:
    """A client with a directory of its own, and the server that it follows."""

    def __init__(self, command: list[str], scratch: Path, server: Server) -> None:
        self.command, self.server = command, server
        self.directory = scratch / "dir"
        # The directory after the publication that most cases begin with.
        self.after_base = scratch / "base"

    def problem(self, name: str) -> str | None:
        """Returns the first step at which the client does something else, if any."""
        case = case_of(name)
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir()
        for number, step in enumerate(case["steps"], start=1):
            is_base = number == 1 and step["tree"] == "base"
            if is_base and self.after_base.exists():
                shutil.rmtree(self.directory)
                shutil.copytree(self.after_base, self.directory, symlinks=True)
                continue
            wrong = self.take(name, case, step)
            if wrong:
                return f"step {number}: {case['summary']} {wrong}"
            if is_base:
                shutil.copytree(self.directory, self.after_base, symlinks=True)
        return None

    def take(self, name: str, case: dict[str, Any], step: Step) -> str | None:
        """Runs the client for one step. Returns what is wrong."""
        tree = step["tree"]
        self.server.tree = CASES / tree if tree == "base" else CASES / name / tree
        self.server.rules = step.get("http", {})
        before = files_in(self.directory / "current", case)
        url = self.server.url() + case.get("path", "")
        status, output = run([*self.command, url, str(self.directory), *case.get("keys", [])])
        after = files_in(self.directory / "current", case)
        wrong = mismatch(step, status, before, after)
        return f"{wrong}\n{indented(output)}" if wrong else None


class serving:  # noqa: N801
    """A context with a server that runs."""

    def __enter__(self) -> Server:
        self.server = Server(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()
        return self.server

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def run(command: list[str]) -> tuple[int, str]:
    """Runs a client. Returns its exit status and its output."""
    environment = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        output += f"\nkilled after {TIMEOUT_S} s".encode()
    return process.returncode, output.decode(errors="replace")


def files_in(top: Path, case: dict[str, Any]) -> Files:
    """Returns the digests of the files below a directory, by their paths."""
    own = OWN | {case.get("manifest", "root.json")}
    files = {path: sha256(data).hexdigest() for path, data in contents(top) if path not in own}
    return {path: sha for path, sha in files.items() if not path.startswith(KEY_LISTS)}


def contents(top: Path) -> Iterator[tuple[str, bytes]]:
    for directory, _, names in os.walk(os.path.realpath(top)):
        for name in names:
            file = Path(directory, name)
            if file.is_file() and not file.is_symlink():
                yield str(file.relative_to(top.resolve())), file.read_bytes()


def mismatch(step: Step, status: int, before: Files, after: Files) -> str | None:
    """Compares what a client did with the verdict of the step."""
    verdict, files = step["verdict"], step.get("files", {})
    if verdict == "accepted" and status != 0:
        return f"Expected it to be accepted, got the exit status {status}"
    if verdict == "accepted" and after != files:
        return f"Expected the files {sorted(files)}, got {listing(after, files)}"
    if verdict != "accepted" and status == 0:
        return f"Expected it to be {verdict}, got the exit status 0"
    if verdict == "refused" and after != before:
        return f"Expected the files of before, got {listing(after, before)}"
    if verdict == "incomplete" and after not in (before, files):
        return f"Expected the files {sorted(files)} or those of before, got {listing(after, files)}"
    return None


def listing(files: Files, expected: Files) -> str:
    """Returns the names of files, and marks those whose contents differ."""
    differs = {name for name in files if expected.get(name, files[name]) != files[name]}
    return str([f"{name} (other contents)" if name in differs else name for name in sorted(files)])


def indented(output: str) -> str:
    return "\n".join(f"    {line}" for line in output.strip().splitlines()[-5:])


if __name__ == "__main__":
    sys.exit(main())
