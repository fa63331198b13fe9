# Keeps a local copy of a tree up to date: plain.py URL DIR. The catalog is DIR/current.

import json
import shutil
import sys
from hashlib import sha256
from pathlib import Path
from urllib import error, parse, request


def fetch(address, at_most, sha=None, **headers):
    with request.urlopen(request.Request(address, headers=headers), timeout=10) as answer:
        data = answer.read(at_most + 1)
    if len(data) > at_most or sha not in (None, sha256(data).hexdigest()):
        sys.exit(f"{address}: expected at most {at_most} bytes with the digest {sha}")
    return data, answer.headers["ETag"] or ""


def keys_of(head):
    return dict(row.partition(" ")[::2] for row in head.decode().split("\n\n")[0].split("\n# ")[1:])


url, local, etag = sys.argv[1].rstrip("/"), Path(sys.argv[2], "current"), Path(sys.argv[2], "etag")
try:
    known = {"If-None-Match": etag.read_text()} if etag.exists() and local.exists() else {}
    head, validator = fetch(f"{url}/root.sha", 16 << 10, **known)
except error.HTTPError as answer:
    sys.exit(None if answer.code == 304 else f"{url}/root.sha: {answer}")
keys, old = keys_of(head), keys_of((local / "root.sha").read_bytes() if local.exists() else b"")
if "requires" in keys or int(keys.get("serial", 0)) < int(old.get("serial", 0)):
    sys.exit(f"{url}: needs a newer client, or is older than the current head")
url = keys.get("url", url).rstrip("/\n")
files = {"root.sha": head, "root.json": fetch(f"{url}/root.json", 64 << 20, head[:64].decode())[0]}
for entry in json.loads(files["root.json"]).values():
    path, sha, own = entry["url"], entry["sha"], local / entry["url"]
    if not all(part.isprintable() and part[:1] not in ("", ".") for part in path.split("/")):
        sys.exit(f"unsafe path: {path!r}")
    files[path] = own.read_bytes() if own.is_file() else b""
    if sha256(files[path]).hexdigest() != sha:
        files[path], _ = fetch(f"{url}/{parse.quote(path)}", entry.get("size", 1 << 20), sha)
new = local.with_name("b" if local.exists() and local.readlink().name == "a" else "a")
shutil.rmtree(new, ignore_errors=True)
for path, data in files.items():
    (new / path).parent.mkdir(parents=True, exist_ok=True)
    (new / path).write_bytes(data)
(new / ".next").symlink_to(new.name)
(new / ".next").replace(local)
etag.write_text(validator)
