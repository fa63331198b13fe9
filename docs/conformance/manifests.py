"""Manifests and paths: which are read, and which are refused."""

import json
from collections.abc import Iterable

from model import (
    BASE,
    NEXT,
    A,
    B,
    Case,
    Files,
    Step,
    each,
    entries,
    entry,
    refused,
    tree,
    tree_of,
)
from wire import Fields, as_json, canonical, digest


def cases() -> Iterable[Case]:
    yield from each("manifest", good, GOOD)
    yield from each("manifest", bad, BAD)
    yield from each("manifest", collision, COLLISIONS)
    yield from each("path", safe, SAFE)
    yield from each("path", unsafe, UNSAFE)
    yield from sizes()


def good(manifest: str | bytes, files: Files) -> list[Step]:
    return [Step(tree_of(in_bytes(manifest), files), "accepted", files)]


def bad(manifest: str | bytes) -> list[Step]:
    return refused(tree_of(in_bytes(manifest), NEXT))


def in_bytes(manifest: str | bytes) -> bytes:
    return manifest.encode() if isinstance(manifest, str) else manifest


def with_field(name: str, value: object) -> str:
    """Returns a manifest of two entries, the second with a field."""
    return canonical({**entries(BASE), "b.json": entry("b.json", B) | {name: value}}).decode()


def row(more: str = "", path: str = "a.json") -> str:
    """Returns the text of an entry with more fields."""
    return f'{{"url":{as_json(path)},"sha":"{digest(A)}"{more}}}'


def one(more: str = "", key: str = "a") -> str:
    """Returns a manifest with one entry, whose id is written as `key`."""
    return f'{{"{key}":{row(more)}}}'


def with_extra(count: int) -> str:
    return one(',"x":' + "[" * count + "1" + "]" * count)


ONE: Files = {"a.json": A}
CANONICAL = canonical(entries(BASE)).decode()
NESTED: Fields = {"x": {"y": [1, 2.5, None, "z"]}, "w": True}

GOOD = [
    ("plain", "canonical", "The canonical form is accepted.", CANONICAL, BASE),
    (
        "plain",
        "other-form",
        "Any JSON with the right digest is accepted.",
        json.dumps(dict(reversed(entries(BASE).items())), indent=4),
        BASE,
    ),
    ("plain", "one-line", "Line ends mean nothing.", CANONICAL.replace("\n", ""), BASE),
    (
        "plain",
        "escapes",
        "Escaped characters are those characters.",
        CANONICAL.replace("a.json", "\\u0061.json"),
        BASE,
    ),
    (
        "plain",
        "upper-case-sha",
        "Digits have either case.",
        CANONICAL.replace(digest(A), digest(A).upper()),
        BASE,
    ),
    ("plain", "without-size", "The size may be missing.", one(), ONE),
    ("plain", "no-entries", "A manifest may be empty.", "{\n}\n", {}),
    (
        "plain",
        "unknown-fields",
        "Unknown fields are kept, whatever they contain.",
        canonical({"a": entry("a.json", A, **NESTED)}),
        ONE,
    ),
    (
        "plain",
        "unknown-format",
        "Files of an unknown format are files.",
        canonical({"a": entry("a.bin", b"\0\xff", format="tomorrow")}),
        {"a.bin": b"\0\xff"},
    ),
    (
        "plain",
        "no-content-checks",
        "A file with the right digest is never looked into.",
        canonical({"a": entry("a.json", b"{ broken")}),
        {"a.json": b"{ broken"},
    ),
    (
        "plain",
        "invalid-formerly",
        "Former names that are no names are ignored.",
        canonical({"a": entry("a.json", A, names=["A"], formerly=["", 1])}),
        ONE,
    ),
    (
        "plain",
        "invalid-requirements",
        "Requirements that are not understood fit every machine.",
        canonical({"a": entry("a.json", A, arch={"x": 1}, min_version=[])}),
        ONE,
    ),
    (
        "plain",
        "same-contents-twice",
        "Two entries may have one digest.",
        canonical(entries({"a.json": A, "z.json": A})),
        {"a.json": A, "z.json": A},
    ),
    (
        "plain",
        "empty-file",
        "A file may be empty.",
        canonical(entries({"a.json": A, "empty": b""})),
        {"a.json": A, "empty": b""},
    ),
    (
        "plain",
        "id-of-1024-bytes",
        "An id has up to 1,024 bytes.",
        canonical({"x" * 1024: entry("a.json", A)}),
        ONE,
    ),
    (
        "plain",
        "id-of-any-characters",
        "An id is no path.",
        canonical({"../\u00e9 \U0001f433:\\": entry("a.json", A)}),
        ONE,
    ),
    (
        "plain",
        "time-with-offset",
        "Times are those of RFC 3339.",
        canonical({"a": entry("a.json", A, updated="2026-01-01T01:00:00+01:00")}),
        ONE,
    ),
]

BAD = [
    ("plain", "not-json", "A manifest is JSON.", CANONICAL + "}"),
    ("plain", "cut-off", "A manifest is whole.", CANONICAL[:-4]),
    ("plain", "array", "A manifest is an object.", "[]"),
    ("plain", "without-url", "An entry has a url.", f'{{"a":{{"sha":"{digest(A)}"}}}}'),
    ("plain", "without-sha", "An entry has a sha.", '{"a":{"url":"a.json"}}'),
    ("plain", "entry-is-a-string", "A list is no manifest.", '{"a":"a.json"}'),
    ("plain", "url-no-string", "A url is a string.", with_field("url", ["b.json"])),
    ("plain", "sha-short", "A digest has 64 digits.", with_field("sha", "e3b0c442")),
    ("strict", "byte-order-mark", "A manifest has no byte order mark.", "\ufeff" + CANONICAL),
    (
        "strict",
        "not-utf-8",
        "A manifest is UTF-8.",
        canonical({"a": entry("a.json", A, x="y")}).replace(b'"y"', b'"\xff"'),
    ),
    ("strict", "lone-surrogate", "Strings are Unicode.", one(key="\\ud800")),
    ("strict", "duplicate-id", "An id occurs once.", f'{{"a":{row()},"a":{row()}}}'),
    (
        "strict",
        "duplicate-field",
        "A field occurs once.",
        one(f',"sha":"{digest(A)}"'),
    ),
    ("strict", "duplicate-unknown-field", "A field occurs once.", one(',"x":1,"x":1')),
    (
        "strict",
        "duplicate-nested-key",
        "A key occurs once.",
        one(',"x":{"y":1,"y":1}'),
    ),
    ("strict", "nested-too-deep", "A value has at most 32 levels.", with_extra(40)),
    ("strict", "empty-id", "An id is not empty.", one(key="")),
    ("strict", "id-with-newline", "An id has no control characters.", one(key="a\\nb")),
    ("strict", "id-with-nul", "An id has no control characters.", one(key="a\\u0000")),
    ("strict", "id-of-1025-bytes", "An id has at most 1,024 bytes.", one(key="x" * 1025)),
    ("strict", "size-negative", "A size is not negative.", with_field("size", -1)),
    ("strict", "size-fraction", "A size is a whole number.", with_field("size", 1.5)),
    ("strict", "size-string", "A size is a number.", with_field("size", "2")),
    ("strict", "updated-no-time", "Times are those of RFC 3339.", with_field("updated", "today")),
    ("strict", "names-no-array", "Names are an array.", with_field("names", "B")),
    ("strict", "name-no-string", "A name is a string.", with_field("names", ["B", 1])),
    (
        "strict",
        "name-with-control-character",
        "A name has no control characters.",
        with_field("names", ["B\u0007"]),
    ),
    (
        "strict",
        "name-of-1025-bytes",
        "A name has at most 1,024 bytes.",
        with_field("names", ["x" * 1025]),
    ),
    ("strict", "not-a-number", "NaN is not JSON.", one(',"x":NaN')),
    ("strict", "comment", "JSON has no comments.", "// catalog\n" + CANONICAL),
]


def collision(*paths: str) -> list[Step]:
    """Returns a publication of files whose paths collide on some file system."""
    manifest = canonical({f"{number}": entry(path, B) for number, path in enumerate(paths)})
    return refused(tree_of(manifest, {**NEXT, "b.json": B}))


COLLISIONS = [
    ("strict", "duplicate-path", "No two entries have one path.", "b.json", "b.json"),
    ("strict", "paths-in-two-cases", "Paths differ by more than case.", "b.json", "B.json"),
    (
        "strict",
        "paths-in-two-forms",
        "Paths differ in the form NFKC.",
        "gr\u00fcn.json",
        "gru\u0308n.json",
    ),
    (
        "strict",
        "paths-of-two-sigmas",
        "Paths differ with full case folding.",
        "\u03c3.json",
        "\u03c2.json",
    ),
    (
        "strict",
        "paths-with-sharp-s",
        "Paths differ with full case folding.",
        "\u00df.json",
        "SS.json",
    ),
    ("strict", "paths-with-ligature", "Paths differ in the form NFKC.", "\ufb01x", "fix"),
    ("strict", "paths-full-width", "Paths differ in the form NFKC.", "\uff42.json", "b.json"),
    ("strict", "path-is-a-directory", "No file is the directory of another.", "b", "b/c.json"),
    (
        "strict",
        "path-is-a-directory-but-for-case",
        "Nor is it in another case.",
        "b",
        "B/c.json",
    ),
    ("plain", "path-of-the-manifest", "No entry is root.json.", "root.json"),
    ("strict", "path-of-the-head", "Names of the tree are reserved in any case.", "Root.SHA"),
    ("strict", "path-of-objects", "Directories of the tree are reserved.", "by-sha/x"),
    ("strict", "path-of-key-lists", "Directories of the tree are reserved.", "keys/1"),
    ("strict", "path-of-packs", "Directories of the tree are reserved.", "packs"),
    ("strict", "path-reserved-full-width", "Names are reserved in any form.", "r\uff4fot.json"),
]


def safe(path: str) -> list[Step]:
    files: Files = {path: A, "b.json": B}
    return [Step(tree(files), "accepted", files)]


def unsafe(path: str) -> list[Step]:
    return refused(tree_of(canonical({"a": entry("b.json", B), "x": entry(path, B)}), NEXT))


ALLOWED = "This character is allowed."
SAFE = [
    ("plain", "space", "Paths are encoded in URLs.", "a b/c d.json"),
    ("plain", "percent", "A percent sign is no escape.", "%2e%2e/%41.json"),
    ("plain", "delimiters-of-urls", "Delimiters of URLs are ordinary.", "a#b?c&d=e+f;g@h.json"),
    (
        "plain",
        "for-a-shell",
        "Signs of a shell are ordinary.",
        "$(a) `b` 'c' \"d\" *",
    ),
    ("plain", "leading-dash", "A leading dash is ordinary.", "-rf/--help"),
    ("plain", "dots", "Dots within a segment are ordinary.", "a..b/c...json"),
    ("plain", "letters", "Letters of any script are allowed.", "Gr\u00fc\u00dfe/\u4f60\u597d.json"),
    ("plain", "decomposed", "Paths keep their form.", "gru\u0308n.json"),
    ("plain", "ideographic-space", ALLOWED, "a\u3000b.json"),
    ("plain", "no-break-space", ALLOWED, "a\u00a0b.json"),
    ("plain", "private-use", ALLOWED, "a\ue000\U000f0000.json"),
    ("plain", "unassigned", "Characters without a meaning yet are allowed.", "a\u0378\U0003fffd"),
    ("plain", "noncharacter", ALLOWED, "a\ufdd0.json"),
    ("plain", "emoji", ALLOWED, "\U0001f433.json"),
    ("plain", "segment-of-255-bytes", "A segment has up to 255 bytes.", "x" * 255),
    ("plain", "many-directories", "Directories are as deep as they are.", "/".join("abcdefghij")),
]

SIGN = "Characters that nobody sees are refused."
UNSAFE = [
    ("plain", "empty", "A path is not empty.", ""),
    ("plain", "parent", "A segment is not two dots.", "../x"),
    ("plain", "parent-within", "A segment is not two dots.", "a/../../x"),
    ("plain", "parent-at-end", "A segment is not two dots.", "a/.."),
    ("plain", "current", "A segment is not a dot.", "a/./x"),
    ("plain", "absolute", "A path is relative.", "/tmp/rockon-sync-vector"),
    ("plain", "empty-segment", "A segment is not empty.", "a//x"),
    ("plain", "slash-at-end", "A segment is not empty.", "a/"),
    ("plain", "hidden", "A segment does not start with a dot.", ".profile"),
    ("plain", "hidden-directory", "A segment does not start with a dot.", "a/.git/config"),
    ("plain", "backslash", "A path has no backslash.", "a\\..\\x"),
    ("plain", "drive", "A path has no colon.", "C:x"),
    ("plain", "nul", "A path has no control characters.", "a\0b"),
    ("plain", "newline", "A path has no control characters.", "a\nb"),
    ("plain", "tab", "A path has no control characters.", "a\tb"),
    ("plain", "delete", "A path has no control characters.", "a\x7fb"),
    ("plain", "next-line", "A path has no control characters.", "a\u0085b"),
    ("plain", "segment-of-256-bytes", "A segment has at most 255 bytes.", "x" * 256),
    ("plain", "segment-of-256-bytes-in-letters", "Bytes count, not characters.", "\u00e9" * 128),
    ("plain", "1025-bytes", "A path has at most 1,024 bytes.", "/".join(["x" * 204] * 5) + "x"),
    *(
        ("plain", f"u-{ord(sign):04x}", SIGN, f"a{sign}b.json")
        for sign in "\xad\u061c\u180e\u200b\u200f\u2028\u202e\u2060\u206f\ufeff\ufff9"
        "\U000e0001\U000e007f"
    ),
]


def sizes() -> Iterable[Case]:
    """Yields cases of entries whose size is not that of their file."""
    for name, size, verdict, summary in [
        ("too-small", len(B) - 1, "incomplete", "A file is not larger than its entry says."),
        ("too-large", len(B) + 1, "accepted", "It may be smaller: the digest decides."),
        ("beyond-every-limit", 2**40, "incomplete", "A size beyond the limit is no invitation."),
    ]:
        manifest = canonical({**entries(ONE), "b": entry("b.json", B) | {"size": size}})
        files = BASE if verdict == "accepted" else ONE
        step = Step(tree_of(manifest, BASE), verdict, files)
        yield Case(f"manifest-size-{name}", "manifest", summary, [step])
