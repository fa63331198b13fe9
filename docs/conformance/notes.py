"""Signed heads: which are trusted, and which are refused."""

from collections.abc import Iterable

from model import NEXT, Case, Files, Step, tree
from wire import ORDER, Key, P, note, signature_line, trusted_key

MAIN = Key("example.org/rockons", "main")
OTHER = Key("example.org/other", "other")
STRANGER = Key("example.org/stranger", "stranger")
# Points for which anybody can sign: the neutral one, and one of order 4.
NEUTRAL = (1).to_bytes(32, "little")
OF_ORDER_4 = bytes(32)
# The neutral point again, with a coordinate that is not below the prime.
NOT_CANONICAL = (P + 1).to_bytes(32, "little")

TEXT = tree(NEXT, serial=2)["root.sha"]


def cases() -> Iterable[Case]:
    for rows, verdict in [(GOOD, "accepted"), (BAD, "refused")]:
        for name, summary, text, keys in rows:
            steps = [Step(signed(text), verdict, NEXT)]
            trusted = keys or [MAIN.trusted()]
            yield Case(f"note-{name}", "note", summary, steps, "verifying", keys=trusted)
    yield from over_time()


def signed(text: bytes) -> Files:
    return {**tree(NEXT, serial=2), "root.sha": text}


def with_order_added(signature: bytes) -> bytes:
    """Returns the other encoding of S, which is not below the order of the group."""
    s = int.from_bytes(signature[32:], "little") + ORDER
    return signature[:32] + s.to_bytes(32, "little")


def of_small_order(r: bytes) -> bytes:
    """Returns a signature whose R anybody can choose, since it has small order."""
    return MAIN.signature_with(0, r, TEXT)


def of_strangers(count: int) -> bytes:
    return b"".join(STRANGER.line(TEXT) for _ in range(count))


def line(name: str, signature: bytes) -> bytes:
    return signature_line(name, bytes(4), signature)


GOOD_LINE = MAIN.line(TEXT)
BAD_LINE = MAIN.line(TEXT + b"#\n")
IN_PARAGRAPHS = TEXT + b"\nA text for people.\n\n# serial x\n"

GOOD: list[tuple[str, str, bytes, list[str]]] = [
    ("signed", "A trusted key has signed.", note(TEXT, GOOD_LINE), []),
    (
        "unknown-key-too",
        "Signatures of unknown keys are ignored.",
        note(TEXT, STRANGER.line(TEXT), GOOD_LINE),
        [],
    ),
    (
        "unknown-kind-too",
        "So are those of unknown kinds.",
        note(TEXT, line("example.org/later", b"\x06" * 200), GOOD_LINE),
        [],
    ),
    (
        "one-of-two-keys",
        "One of the trusted keys is enough.",
        note(TEXT, OTHER.line(TEXT)),
        [MAIN.trusted(), OTHER.trusted()],
    ),
    (
        "both-of-two-keys",
        "Two may sign as well.",
        note(TEXT, GOOD_LINE, OTHER.line(TEXT)),
        [MAIN.trusted(), OTHER.trusted()],
    ),
    ("signed-twice", "A key may sign twice.", note(TEXT, GOOD_LINE, GOOD_LINE), []),
    (
        "empty-lines-in-the-text",
        "The last empty line ends the text; the first ends the keys.",
        note(IN_PARAGRAPHS, MAIN.line(IN_PARAGRAPHS)),
        [],
    ),
    (
        "100-signatures",
        "A note has up to 100 signatures.",
        note(TEXT, of_strangers(99), GOOD_LINE),
        [],
    ),
]

BAD: list[tuple[str, str, bytes, list[str]]] = [
    ("unsigned", "A head that nobody signed is refused.", TEXT, []),
    (
        "unknown-key",
        "A key that is not trusted does not count.",
        note(TEXT, STRANGER.line(TEXT)),
        [],
    ),
    (
        "other-key-of-the-name",
        "Name and hash belong together.",
        note(TEXT, Key(MAIN.name, "impostor").line(TEXT)),
        [],
    ),
    (
        "other-hash",
        "A line with another hash is that of another key.",
        note(TEXT, line(MAIN.name, MAIN.signature(TEXT))),
        [],
    ),
    ("invalid", "The signature must be that of the text.", note(TEXT, BAD_LINE), []),
    (
        "invalid-beside-valid",
        "An invalid signature of a trusted key is never ignored.",
        note(TEXT, BAD_LINE, GOOD_LINE),
        [],
    ),
    (
        "invalid-beside-another-key",
        "Nor beside a valid one of another trusted key.",
        note(TEXT, BAD_LINE, OTHER.line(TEXT)),
        [MAIN.trusted(), OTHER.trusted()],
    ),
    (
        "edited",
        "No byte of the text can be changed.",
        note(TEXT.replace(b"serial 2", b"serial 3"), GOOD_LINE),
        [],
    ),
    ("line-added", "No line can be added to the text.", note(TEXT + b"# size 9\n", GOOD_LINE), []),
    ("without-empty-line", "An empty line separates text and signatures.", TEXT + GOOD_LINE, []),
    ("two-empty-lines", "The text ends before one empty line.", note(TEXT + b"\n", GOOD_LINE), []),
    ("without-last-newline", "The last line has its end.", note(TEXT, GOOD_LINE)[:-1], []),
    (
        "text-after-signatures",
        "Nothing follows the signatures.",
        note(TEXT, GOOD_LINE, b"more\n"),
        [],
    ),
    (
        "hyphen",
        "A line begins with an em dash.",
        note(TEXT, GOOD_LINE.replace("\u2014".encode(), b"-")),
        [],
    ),
    ("no-base64", "A signature is Base64.", note(TEXT, GOOD_LINE.replace(b"=", b"")), []),
    (
        "63-bytes",
        "A signature has 64 bytes.",
        note(TEXT, MAIN.line_of(MAIN.signature(TEXT)[:63])),
        [],
    ),
    (
        "65-bytes",
        "A signature has 64 bytes.",
        note(TEXT, MAIN.line_of(MAIN.signature(TEXT) + b"\0")),
        [],
    ),
    (
        "carriage-return",
        "A note has no control characters.",
        note(TEXT, GOOD_LINE.replace(b"\n", b"\r\n")),
        [],
    ),
    (
        "101-signatures",
        "A note has at most 100 signatures.",
        note(TEXT, of_strangers(100), GOOD_LINE),
        [],
    ),
    (
        "s-above-the-order",
        "S is below the order of the group.",
        note(TEXT, MAIN.line_of(with_order_added(MAIN.signature(TEXT)))),
        [],
    ),
    (
        "r-of-small-order",
        "R has no small order, which Go would accept.",
        note(TEXT, MAIN.line_of(of_small_order(NEUTRAL))),
        [],
    ),
    (
        "r-not-canonical",
        "R has one encoding.",
        note(TEXT, MAIN.line_of(of_small_order(NOT_CANONICAL))),
        [],
    ),
    (
        "key-of-small-order",
        "A key of small order is no key.",
        note(TEXT, GOOD_LINE),
        [trusted_key("example.org/weak", OF_ORDER_4)],
    ),
    (
        "key-not-canonical",
        "A key has one encoding.",
        note(TEXT, GOOD_LINE),
        [trusted_key("example.org/weak", NOT_CANONICAL)],
    ),
    (
        "key-with-other-hash",
        "A key whose hash is another is a typing error.",
        note(TEXT, GOOD_LINE),
        [MAIN.trusted().replace("rockons+", "rockon+")],
    ),
]


def over_time() -> Iterable[Case]:
    keys = [MAIN.trusted()]
    first = tree({"a.json": NEXT["a.json"], "b.json": NEXT["b.json"]})
    files = {path: first[path] for path in ["a.json", "b.json"]}
    first["root.sha"] = note(first["root.sha"], MAIN.line(first["root.sha"]))
    begin = Step(first, "accepted", files)
    for name, served, summary in [
        ("later-unsigned", signed(TEXT), "A signed source stays signed."),
        (
            "later-without-head",
            {"root.json": b'{"A": "a.json"}', **files},
            "A signed source is not followed as a list.",
        ),
        (
            "later-older",
            {**first, "root.sha": old_head(first["root.sha"])},
            "A signed head can be old.",
        ),
    ]:
        yield Case(
            f"note-{name}",
            "note",
            summary,
            [begin, Step(served, "refused")],
            "verifying",
            keys=keys,
        )
    steps = [begin, Step(signed(note(TEXT, GOOD_LINE)), "accepted", NEXT)]
    yield Case(
        "note-later-signed", "note", "The next head is signed too.", steps, "verifying", keys=keys
    )


def old_head(head: bytes) -> bytes:
    text = head.split(b"\n\n")[0].replace(b"# serial 1", b"# serial 0") + b"\n"
    return note(text, MAIN.line(text))
