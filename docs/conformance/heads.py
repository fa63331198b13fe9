"""Heads: which are read, and which are refused."""

from collections.abc import Iterable

from model import NEXT, Case, Files, Step, each, entries, head, refused, tree
from wire import canonical, digest

MANIFEST = canonical(entries(NEXT))
DIGEST = digest(MANIFEST)
MAX_HEAD = 16 * 1024


def cases() -> Iterable[Case]:
    yield from each("head", good, GOOD)
    yield from each("head", bad, BAD)
    yield from each("head", bad_line, BAD_LINES)
    yield from other_names()
    larger = {**tree(NEXT, serial=2), "root.sha": filled(MAX_HEAD + 1)}
    summary = "A head has at most 16 KiB."
    yield Case("head-larger-than-16-kib", "head", summary, refused(larger))


def with_head(text: bytes | str) -> Files:
    text = text.encode() if isinstance(text, str) else text
    return {**tree(NEXT), "root.sha": text}


def good(text: bytes | str) -> list[Step]:
    return [Step(with_head(text), "accepted", NEXT)]


def bad(text: bytes | str) -> list[Step]:
    return refused(with_head(text))


def bad_line(*lines: str) -> list[Step]:
    return refused(tree(NEXT, *lines, serial=None if lines[0].startswith("serial") else 2))


def filled(size: int) -> bytes:
    """Returns a head of this size, filled with a line of an unknown key."""
    start = head(MANIFEST, serial=2) + b"# filler "
    return start + b"x" * (size - len(start) - 1) + b"\n"


GOOD = [
    ("plain", "text", "The first line is one of sha256sum.", f"{DIGEST}  root.json\n"),
    ("plain", "binary", "The first line may be of its binary form.", f"{DIGEST} *root.json\n"),
    ("plain", "bare-digest", "A bare digest means root.json.", f"{DIGEST}\n"),
    ("plain", "bare-digest-without-newline", "The final newline may be missing.", DIGEST),
    ("plain", "upper-case-digest", "Digits have either case.", f"{DIGEST.upper()}  root.json\n"),
    (
        "plain",
        "last-line-without-newline",
        "The last line counts all the same.",
        f"{DIGEST}  root.json\n# serial 5",
    ),
    (
        "plain",
        "unknown-keys",
        "Unknown keys are ignored, also twice.",
        f"{DIGEST}  root.json\n# colour blue\n# colour red\n# serial 5\n",
    ),
    (
        "plain",
        "lines-without-value",
        "A line without a value, or without the mark, is ignored.",
        f"{DIGEST}  root.json\n# hello\n#\n#serial x\nserial x\n# size\n",
    ),
    (
        "plain",
        "keys-after-empty-line",
        "Nothing after the first empty line is a key.",
        f"{DIGEST}  root.json\n# serial 5\n\n# serial x\n# requires more\n# url x\n",
    ),
    ("plain", "16-kib", "A head has up to 16 KiB.", filled(MAX_HEAD)),
    ("plain", "largest-serial", "A serial has up to 64 bits.", head(MANIFEST, serial=2**64 - 1)),
    (
        "plain",
        "leading-zeros",
        "Leading zeros do not change a number.",
        f"{DIGEST}  root.json\n# serial 007\n",
    ),
    (
        "plain",
        "expired",
        "An expired head is followed, with a warning.",
        head(MANIFEST, "published 2001-01-01T00:00:00Z", "expires 2001-02-01T00:00:00Z"),
    ),
    (
        "plain",
        "size-too-large",
        "The size is a limit: the manifest may be smaller.",
        head(MANIFEST, f"size {len(MANIFEST) + 1}"),
    ),
    (
        "plain",
        "size-beyond-every-limit",
        "Such a size says no more than the limit does.",
        head(MANIFEST, f"size {2**63}"),
    ),
    (
        "plain",
        "later-fields-of-a-pack",
        "A line of a pack may have more fields than are known.",
        head(MANIFEST, "pack 0123456789ab 100 50 later"),
    ),
]

BAD = [
    ("plain", "empty", "A head has a first line.", ""),
    (
        "plain",
        "html",
        "A page of a captive portal is no head.",
        "<html><body>Sign in</body></html>",
    ),
    ("plain", "63-digits", "A digest has 64 digits.", f"{DIGEST[:63]}  root.json\n"),
    ("plain", "65-digits", "A digest has 64 digits.", f"{DIGEST}0  root.json\n"),
    (
        "plain",
        "no-hexadecimal-digit",
        "A digest has hexadecimal digits.",
        f"g{DIGEST[1:]}  root.json\n",
    ),
    (
        "plain",
        "other-digest",
        "The manifest must have the digest of the head.",
        f"{digest(b'')}  root.json\n# serial 2\n",
    ),
    (
        "plain",
        "byte-order-mark",
        "A head does not begin with a byte order mark.",
        f"\ufeff{DIGEST}  root.json\n",
    ),
    (
        "strict",
        "one-space",
        "There are two spaces, or a space and an asterisk.",
        f"{DIGEST} root.json\n",
    ),
    ("strict", "tab", "A tab is not two spaces.", f"{DIGEST}\troot.json\n"),
    (
        "strict",
        "carriage-returns",
        "Lines end with a line feed alone.",
        f"{DIGEST}  root.json\r\n# serial 2\r\n",
    ),
    ("strict", "not-utf-8", "A head is UTF-8.", head(MANIFEST, serial=2) + b"# note \xff\n"),
    (
        "plain",
        "name-above",
        "The name of the manifest is a safe path.",
        f"{DIGEST}  ../root.json\n# serial 2\n",
    ),
    (
        "plain",
        "absolute-name",
        "The name of the manifest is a relative path.",
        f"{DIGEST}  /root.json\n# serial 2\n",
    ),
    (
        "strict",
        "name-of-the-head",
        "The manifest does not have the name of the head.",
        f"{DIGEST}  root.sha\n# serial 2\n",
    ),
    (
        "strict",
        "name-of-the-history",
        "The manifest does not have another reserved name.",
        f"{DIGEST}  history.json\n# serial 2\n",
    ),
]

BAD_LINES = [
    (
        "plain",
        "requires",
        "A client refuses a head that requires what it does not know.",
        "requires teleportation",
    ),
    ("plain", "serial-no-number", "A serial is a number.", "serial one"),
    ("plain", "serial-negative", "A serial is not negative.", "serial -1"),
    ("strict", "serial-plus", "A number has digits only.", "serial +2"),
    ("strict", "serial-two-spaces", "One space separates key and value.", "serial  2"),
    ("strict", "serial-65-bits", "A serial has at most 64 bits.", f"serial {2**64}"),
    ("strict", "serial-twice", "A known key occurs once.", "serial 2", "serial 2"),
    ("strict", "published-no-time", "Times are those of RFC 3339.", "published yesterday"),
    ("strict", "expires-no-time", "Times are those of RFC 3339.", "expires 2026-13-01T00:00:00Z"),
    ("strict", "size-no-number", "A size is a number.", "size 1k"),
    (
        "plain",
        "size-too-small",
        "The manifest is not larger than the head says.",
        f"size {len(MANIFEST) - 1}",
    ),
    ("strict", "keys-no-number", "A key list has a number.", "keys first"),
    ("strict", "url-relative", "The url is absolute.", "url mirror/"),
    ("strict", "url-other-scheme", "The url is one of http or https.", "url ftp://tree.invalid/x/"),
    (
        "strict",
        "url-with-password",
        "The url has no credentials.",
        "url http://me:secret@tree.invalid/",
    ),
    ("strict", "by-sha-above", "The directory of objects is a safe path.", "by-sha ../by-sha/"),
    ("strict", "pack-without-size", "A pack has a size.", "pack empty"),
    ("strict", "pack-size-no-number", "The size of a pack is a number.", "pack empty many"),
    ("strict", "pack-base-upper-case", "A base has lower-case digits.", "pack 0123456789AB 100"),
    ("strict", "pack-base-short", "A base has twelve digits.", "pack 0123456789a 100"),
    ("strict", "delta-no-base64", "A delta is Base64 with padding.", "delta 0123456789ab AAE"),
    ("strict", "delta-empty", "A delta has contents.", "delta 0123456789ab "),
    (
        "strict",
        "delta-twice",
        "A head has one delta.",
        "delta 0123456789ab AAAA",
        "delta ba9876543210 AAAA",
    ),
]


def other_names() -> Iterable[Case]:
    for name, label in [
        ("root.v2.json", "in-place"),
        ("catalog.json", "other"),
        ("sub/catalog.json", "in-a-directory"),
    ]:
        served = {name: MANIFEST, "root.sha": head(MANIFEST, name=name), **NEXT}
        summary = "The manifest is fetched under the name that the head gives."
        steps = [Step(served, "accepted", NEXT)]
        yield Case(f"head-name-{label}", "head", summary, steps, manifest=name)
