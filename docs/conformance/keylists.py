"""Key lists: whose keys sign heads, and how one list follows the other."""

from collections.abc import Iterable, Sequence

from model import NEXT, Case, Files, Step, tree
from wire import Key, note

NAME = "example.org/rockons"
GIVEN = Key(NAME, "main")
ROOT, SECOND_ROOT = Key("example.org/root-a", "a"), Key("example.org/root-b", "b")
HEAD, LATER_HEAD = Key("example.org/head-1", "1"), Key("example.org/head-2", "2")


def cases() -> Iterable[Case]:
    first = listed(1, [ROOT], [HEAD], [GIVEN, ROOT])
    second = listed(2, [ROOT], [LATER_HEAD], [ROOT])
    both = [HEAD, LATER_HEAD]
    two_heads = listed(1, [ROOT], both, [GIVEN, ROOT], heads_needed=2)
    no_root = listed(2, [SECOND_ROOT], [HEAD], [SECOND_ROOT])
    rows = [
        (
            "first",
            "accepted",
            "The given key vouches for the first list.",
            signed(1, [HEAD], first),
        ),
        (
            "chain",
            "accepted",
            "A client follows the lists one by one.",
            signed(2, [LATER_HEAD], first, second),
        ),
        (
            "enough-heads",
            "accepted",
            "As many head keys as the list says.",
            signed(1, both, two_heads),
        ),
        (
            "too-few-heads",
            "refused",
            "No fewer head keys than the list says.",
            signed(1, [HEAD], two_heads),
        ),
        (
            "given-key-signs-the-head",
            "refused",
            "The list says who signs heads, not the given key.",
            signed(1, [GIVEN], first),
        ),
        (
            "former-head-key",
            "refused",
            "A head key that a later list removes counts no more.",
            signed(2, [HEAD], first, second),
        ),
        (
            "without-given-key",
            "refused",
            "A list that the given key has not signed is refused.",
            signed(1, [HEAD], listed(1, [ROOT], [HEAD], [ROOT])),
        ),
        (
            "without-own-root",
            "refused",
            "A list is signed by its own root keys too.",
            signed(1, [HEAD], listed(1, [ROOT], [HEAD], [GIVEN])),
        ),
        (
            "without-former-root",
            "refused",
            "A list is signed by the root keys before it.",
            signed(2, [HEAD], first, no_root),
        ),
        (
            "other-version",
            "refused",
            "A list has the number that it is asked for by.",
            signed(1, [HEAD], listed(7, [ROOT], [HEAD], [GIVEN, ROOT])),
        ),
        ("missing", "refused", "A head names a list that is there.", signed(1, [HEAD])),
        (
            "threshold-of-zero",
            "refused",
            "A list needs signatures.",
            signed(1, [HEAD], listed(1, [ROOT], [HEAD], [GIVEN, ROOT], heads_needed=0)),
        ),
    ]
    keys = [GIVEN.trusted()]
    for name, verdict, summary, served in rows:
        steps = [Step(served, verdict, NEXT)]
        yield Case(f"keys-{name}", "keys", summary, steps, "key-lists", keys=keys)
    later = signed(1, [HEAD], first, serial=9)
    steps = [Step(signed(2, [LATER_HEAD], first, second), "accepted", NEXT), Step(later, "refused")]
    summary = "A head that names an older list is refused."
    yield Case("keys-older-list", "keys", summary, steps, "key-lists", keys=keys)


def listed(
    version: int,
    roots: Sequence[Key],
    heads: Sequence[Key],
    signers: Sequence[Key],
    heads_needed: int = 1,
) -> bytes:
    """Returns a key list with one root key needed, signed by `signers`."""
    rows = [f"rockon-sync keys {NAME}", f"# version {version}", "# root 1"]
    rows += [f"root {key.trusted()}" for key in roots]
    rows += [f"# head {heads_needed}", *(f"head {key.trusted()}" for key in heads)]
    text = "".join(f"{row}\n" for row in rows).encode()
    return note(text, *(key.line(text) for key in signers))


def signed(number: int, signers: Sequence[Key], *lists: bytes, serial: int = 2) -> Files:
    """Returns a tree whose head names a key list and is signed by `signers`."""
    served = tree(NEXT, f"keys {number}", serial=serial)
    text = served["root.sha"]
    served["root.sha"] = note(text, *(key.line(text) for key in signers))
    return {**served, **{f"keys/{n}": data for n, data in enumerate(lists, start=1)}}
