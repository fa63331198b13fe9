# Keeps a local copy of a tree up to date: plain.py URL DIR. The catalog is DIR/current.

import json
import re
import shutil
import sys
from hashlib import sha256
from pathlib import Path
from unicodedata import normalize
from urllib import error, parse, request

RESERVED = {"root.json", "root.sha", "root.v2.json", "root.v2.sha", "history.json"}
RESERVED |= {"by-sha", "packs", "keys"}
INVISIBLE = "\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
UNSAFE = re.compile(rf"[\0-\x1f\x7f-\x9f\\:{INVISIBLE}\U000e0000-\U000e007f]|(^|/)(\.|/|$)")


def fetch(address, at_most, sha=None, **headers):
    with request.urlopen(request.Request(address, headers=headers), timeout=10) as answer:
        data = answer.read(at_most + 1)
    if len(data) > at_most or sha not in (None, sha256(data).hexdigest()):
        sys.exit(f"{address}: expected at most {at_most} bytes with the digest {sha}")
    return data, answer.headers["ETag"] or ""


def parsed(head):
    first, *rows = head.decode().split("\n\n")[0].split("\n")
    keys = dict(row[2:].split(" ", 1) for row in rows if re.match("# [^ ]+ ", row))
    return first[:64].lower(), checked(first[66:] or "root.json"), keys, int(keys.get("serial", 0))


def checked(path):
    sizes = [len(part.encode()) for part in path.split("/")]
    if UNSAFE.search(path) or max(sizes) > 255 or len(path.encode()) > 1024:
        sys.exit(f"unsafe path: {path!r}")
    return path


def folded(path):
    return normalize("NFKC", normalize("NFKC", path).casefold())


url, local, etag = sys.argv[1], Path(sys.argv[2], "current"), Path(sys.argv[2], "etag")
url = url if url.endswith(".sha") else f"{url.rstrip('/')}/root.sha"
try:
    known = {"If-None-Match": etag.read_text()} if etag.exists() and local.exists() else {}
    head, validator = fetch(url, 16 << 10, **known)
except error.HTTPError as answer:
    sys.exit(None if answer.code == 304 else f"{url}: {answer}")
sha, name, keys, serial = parsed(head)
old_sha, _, _, old = parsed((local / "root.sha").read_bytes() if local.exists() else head)
if "requires" in keys or serial < old or (serial == old and serial and sha != old_sha):
    sys.exit(f"{url}: needs a newer client, or is older than the current head")
url = keys.get("url", url.rpartition("/")[0]).rstrip("/")
at_most = min(int(keys.get("size", 64 << 20)), 640 << 20)
files = {"root.sha": head, name: fetch(f"{url}/{parse.quote(name)}", at_most, sha)[0]}
taken = {folded(name)}
for entry in json.loads(files[name]).values():
    path, sha, size = checked(entry["url"]), entry["sha"].lower(), entry.get("size", 1 << 20)
    if folded(path) in taken or folded(path).split("/")[0] in RESERVED:
        sys.exit(f"duplicate or reserved path: {path!r}")
    taken.add(folded(path))
    files[path] = (local / path).read_bytes() if (local / path).is_file() else b""
    if sha256(files[path]).hexdigest() != sha:
        if size > 16 << 20:
            sys.exit(f"{path}: expected at most 16 MiB, got a file of {size} bytes")
        files[path], _ = fetch(f"{url}/{parse.quote(path)}", size, sha)
new = local.with_name("b" if local.exists() and local.readlink().name == "a" else "a")
shutil.rmtree(new, ignore_errors=True)
for path, data in files.items():
    (new / path).parent.mkdir(parents=True, exist_ok=True)
    (new / path).write_bytes(data)
(new / ".next").symlink_to(new.name)
(new / ".next").replace(local)
etag.write_text(validator)
