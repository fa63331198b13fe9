"""Packs: bundles and deltas that bring everything, and those that are dropped.

A good pack is judged by a tree that has nothing else: only the pack can bring the files. A bad one
is judged by a tree that is whole without it, so that the verdict is the same for every client.
"""

import base64
import json
import tarfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import wire
from model import A2, BASE, NEXT, A, B, C, Case, Files, Step, base, each, entries, entry, head, tree
from wire import END_OF_ARCHIVE, canonical, digest, frame, member

OLD = canonical(entries(BASE))
NEW = canonical(entries(NEXT))
OLD_BASE, NEW_BASE = digest(OLD)[:12], digest(NEW)[:12]

EMPTY = f"packs/empty-{NEW_BASE}.tar.zst"
FROM_OLD = f"packs/{OLD_BASE}-{NEW_BASE}.tar.zst"


def cases() -> Iterable[Case]:
    yield from good_bundles()
    yield from good_deltas()
    yield from each("pack", bad_bundle, BAD_BUNDLES)
    yield large_file()
    yield from bad_offers()
    yield from each("pack", bad_delta, BAD_DELTAS)
    yield from inline()
    yield from resumed()


# Bundles.


def bundle_only(pack: bytes, manifest: bytes = NEW, files: Files = NEXT) -> list[Step]:
    """Returns a first publication with nothing but a head and a bundle."""
    text = head(manifest, f"size {len(manifest)}", f"pack empty {len(pack)}")
    path = f"packs/empty-{digest(manifest)[:12]}.tar.zst"
    return [Step({"root.sha": text, path: pack}, "accepted", files)]


def archive(*members: bytes) -> bytes:
    return b"".join(members) + END_OF_ARCHIVE


def members_of(files: Files) -> list[bytes]:
    return [member(path, content) for path, content in files.items()]


MANIFEST = member("root.json", NEW)
MEMBERS = members_of(NEXT)
BUNDLE = frame(archive(MANIFEST, *MEMBERS))
LONG = "/".join(["directory" * 10, "subdirectory" * 12, "a long name.json"])


def good_bundles() -> Iterable[Case]:
    long = {LONG: A, "b.json": B}
    listed = canonical(entries(long))
    rows = [
        ("bundle", "A bundle brings everything.", BUNDLE),
        (
            "bundle-of-tar",
            "As `tar -C dir -c .` makes it, it has directories and ./ in names.",
            frame(
                archive(
                    MANIFEST,
                    member("./", b"", tarfile.DIRTYPE),
                    *members_of({f"./{path}": content for path, content in NEXT.items()}),
                )
            ),
        ),
        (
            "bundle-in-another-order",
            "Files may be in another order.",
            frame(archive(MANIFEST, *reversed(MEMBERS))),
        ),
        (
            "bundle-with-more",
            "A file that no entry names is left out.",
            frame(archive(MANIFEST, member("d.json", C), *MEMBERS)),
        ),
        (
            "bundle-with-a-large-window",
            "A window has up to 8 MiB.",
            frame(archive(MANIFEST, *MEMBERS), window_log=23),
        ),
        (
            "bundle-of-two-frames",
            "Frames may follow each other.",
            frame(MANIFEST) + frame(archive(*MEMBERS)),
        ),
    ]
    for name, summary, pack in rows:
        yield Case(f"pack-{name}", "pack", summary, bundle_only(pack), "pack")
    for name, one, summary in [
        ("gnu-long-name", member(LONG, A), "Names of more than 100 bytes are GNU long names."),
        ("pax-name", wire.pax_member(LONG, A), "They may be in pax headers too."),
    ]:
        pack = frame(archive(member("root.json", listed), one, member("b.json", B)))
        steps = bundle_only(pack, listed, long)
        yield Case(f"pack-bundle-{name}", "pack", summary, steps, "pack")


def bad_bundle(pack: bytes) -> list[Step]:
    """Returns a first publication with a bundle that is dropped."""
    served = {**tree(NEXT, f"pack empty {len(pack)}"), EMPTY: pack}
    return [Step(served, "accepted", NEXT)]


def edited(pack: bytes, at: int) -> bytes:
    return pack[:at] + bytes([pack[at] ^ 1]) + pack[at + 1 :]


def outside(path: str) -> bytes:
    return frame(archive(MANIFEST, member(path, b"outside"), *MEMBERS))


def special(kind: bytes, **fields: object) -> bytes:
    return frame(archive(MANIFEST, member("a.json", b"", kind, **fields), *MEMBERS[1:]))


DROPPED = "A bundle that is none is dropped."
BAD_BUNDLES = [
    ("plain", "not-zstd", DROPPED, b"<html>Sign in</html>"),
    ("plain", "not-tar", DROPPED, frame(b"not an archive" * 100)),
    ("plain", "empty-file", DROPPED, b""),
    ("plain", "cut-off", "A bundle that ends early is dropped.", BUNDLE[:-700]),
    ("plain", "other-file", "A file in it must have its digest.", edited(BUNDLE, BUNDLE.index(A2))),
    (
        "plain",
        "other-manifest",
        "The manifest in it must have its digest.",
        frame(archive(member("root.json", OLD), *members_of(BASE))),
    ),
    (
        "plain",
        "manifest-not-first",
        "The manifest comes first.",
        frame(archive(*MEMBERS, MANIFEST)),
    ),
    ("plain", "without-files", "What is not in it is fetched.", frame(archive(MANIFEST))),
    (
        "plain",
        "symbolic-link",
        "It has no links.",
        special(tarfile.SYMTYPE, linkname="/etc/passwd"),
    ),
    ("plain", "hard-link", "It has no links.", special(tarfile.LNKTYPE, linkname="root.json")),
    ("plain", "device", "It has no devices.", special(tarfile.CHRTYPE, devmajor=1, devminor=3)),
    ("plain", "path-above", "Its paths are safe.", outside("../outside.json")),
    (
        "plain",
        "absolute-path",
        "Its paths are relative.",
        outside("/tmp/rockon-sync-vector/outside.json"),
    ),
    ("plain", "hidden-path", "Its paths are safe.", outside(".profile")),
    (
        "plain",
        "bomb",
        "What it unpacks to is limited.",
        wire.bomb(MANIFEST + member("a.json", b"")[:124] + b"77777777777\0", 2**30),
    ),
]


def large_file() -> Case:
    """Returns a bundle with a file of 17 MiB, all zeros."""
    zeros = bytes(17 * 2**20)
    manifest = canonical({**entries(BASE), "z": entry("z", zeros)})
    start = archive(member("root.json", manifest), *members_of(BASE), member("z", zeros)[:512])
    pack = wire.bomb(start[: -len(END_OF_ARCHIVE)], len(zeros)) + frame(END_OF_ARCHIVE)
    text = head(manifest, f"pack empty {len(pack)}")
    path = f"packs/empty-{digest(manifest)[:12]}.tar.zst"
    served = {"root.sha": text, "root.json": manifest, **BASE, path: pack}
    summary = "A file of more than 16 MiB is never kept."
    return Case("pack-large-file", "pack", summary, [Step(served, "incomplete", BASE)])


def bad_offers() -> Iterable[Case]:
    whole = tree(NEXT)
    for name, lines, packs, summary in [
        (
            "larger-than-said",
            [f"pack empty {len(BUNDLE) - 1}"],
            {EMPTY: BUNDLE},
            "A pack has exactly the size that the head says.",
        ),
        (
            "smaller-than-said",
            [f"pack empty {len(BUNDLE) + 1}"],
            {EMPTY: BUNDLE},
            "A pack has exactly the size that the head says.",
        ),
        ("missing", [f"pack empty {len(BUNDLE)}"], {}, "A pack is never needed."),
        (
            "beyond-the-limit",
            [f"pack empty {2**31}"],
            {EMPTY: BUNDLE},
            "A pack of more than 1 GiB is not asked for.",
        ),
    ]:
        served = {**whole, "root.sha": head(NEW, *lines), **packs}
        steps = [Step(served, "accepted", NEXT)]
        yield Case(f"pack-{name}", "pack", summary, steps)
    twice = head(NEW, f"pack empty {len(BUNDLE)}", f"pack empty {len(BUNDLE) + 1}")
    steps = [Step({"root.sha": twice, EMPTY: BUNDLE}, "accepted", NEXT)]
    summary = "The first line of a base counts."
    yield Case("pack-same-base-twice", "pack", summary, steps, "pack")


# Deltas.


@dataclass
class Delta:
    """The parts of a delta from one publication to the next, each of which can be replaced."""

    old: Files
    new: Files
    patch: bytes
    prefix: bytes
    files: list[tuple[str, bytes]]

    def manifests(self) -> tuple[bytes, bytes]:
        return canonical(entries(self.old)), canonical(entries(self.new))

    def pack(self) -> tuple[bytes, int]:
        return wire.delta(self.patch, self.prefix, self.files)

    def path(self) -> str:
        old, new = (digest(manifest)[:12] for manifest in self.manifests())
        return f"packs/{old}-{new}.tar.zst"

    def line(self, pack: bytes, first: int) -> str:
        return f"pack {digest(self.manifests()[0])[:12]} {len(pack)} {first}"

    def steps(self, *lines: str, **more: bytes) -> list[Step]:
        """Returns two publications, the second with nothing but a head and this delta."""
        pack, first = self.pack()
        new = self.manifests()[1]
        text = head(new, f"size {len(new)}", *(lines or [self.line(pack, first)]), serial=2)
        served = {"root.sha": text, self.path(): pack, **more}
        return [Step(tree(self.old), "accepted", self.old), Step(served, "accepted", self.new)]


def delta(old: Files, new: Files) -> Delta:
    """Returns the delta between two publications, whose ids are the paths."""
    rows: dict[str, object] = {}
    for path in sorted({*old, *new}, key=str.encode):
        if path not in new:
            rows[path] = None
        elif path not in old:
            rows[path] = entry(path, new[path])
        elif old[path] != new[path]:
            sizes = {"size": len(new[path])} if len(new[path]) != len(old[path]) else {}
            rows[path] = {"sha": digest(new[path]), **sizes}
    changed = [path for path in rows if path in new and path in old]
    files = [(path, new[path]) for path in rows if path in new]
    prefix = b"".join(old[path] for path in changed)
    return Delta(old, new, (json.dumps(rows) + "\n").encode(), prefix, files)


DELTA = delta(BASE, NEXT)


def text_of(seed: str, lines: int) -> bytes:
    """Returns a text that repeats nothing within 16 bytes."""
    return "".join(f"{digest(f'{seed} {n}'.encode())[:40]}\n" for n in range(lines)).encode()


def good_deltas() -> Iterable[Case]:
    long, other = text_of("long", 60), text_of("other", 60)
    two = {"a.json": long, "b.json": other, "c.json": C}
    two_changed = {"a.json": long[:500] + b"!" + long[500:], "b.json": other[600:], "c.json": C}
    fields = replace(delta(BASE, {"a.json": A}), prefix=b"")
    yield Case(
        "pack-delta", "pack", "A delta brings what is new and what changed.", DELTA.steps(), "pack"
    )
    yield Case(
        "pack-delta-of-several-files",
        "pack",
        "The old versions of the changed files are one prefix, in order of the ids.",
        delta(two, two_changed).steps(),
        "pack",
    )
    yield Case(
        "pack-delta-of-a-removal", "pack", "A delta may have no files.", fields.steps(), "pack"
    )
    added = delta(BASE, {**BASE, "d.json": C})
    yield Case(
        "pack-delta-of-a-new-file",
        "pack",
        "Without changed files there is no prefix.",
        added.steps(),
        "pack",
    )
    plain = replace(DELTA, prefix=b"")
    pack, first = plain.pack()
    yield Case(
        "pack-delta-first-frame",
        "pack",
        "The size of the first frame may be missing.",
        DELTA.steps(f"pack {OLD_BASE} {len(DELTA.pack()[0])}"),
        "pack",
    )
    yield Case(
        "pack-delta-that-copies-nothing",
        "pack",
        "A delta need not refer to its prefix.",
        plain_steps(pack, first),
        "pack",
    )
    yield renamed()


def plain_steps(pack: bytes, first: int) -> list[Step]:
    text = head(NEW, f"size {len(NEW)}", f"pack {OLD_BASE} {len(pack)} {first}", serial=2)
    return [base(), Step({"root.sha": text, FROM_OLD: pack}, "accepted", NEXT)]


def renamed() -> Case:
    """Returns a delta that changes only fields, two of them nested."""
    fields = {"a.json": entry("a.json", A, names=["A"], x={"k": 1, "l": [1, 2]})}
    old = canonical({**fields, "b.json": entry("b.json", B)})
    fields["a.json"] = {"url": "moved.json", "sha": digest(A), "size": len(A)}
    fields["a.json"] |= {"names": ["A", "Z"], "x": {"k": 1, "m": True}}
    new = canonical({**fields, "b.json": entry("b.json", B)})
    change = {"url": "moved.json", "names": ["A", "Z"], "x": {"l": None, "m": True}}
    pack, first = wire.delta(json.dumps({"a.json": change}).encode(), b"", [])
    old_base, new_base = digest(old)[:12], digest(new)[:12]
    text = head(new, f"size {len(new)}", f"pack {old_base} {len(pack)} {first}", serial=2)
    served = {"root.sha": text, f"packs/{old_base}-{new_base}.tar.zst": pack}
    steps = [
        Step({"root.sha": head(old), "root.json": old, **BASE}, "accepted", BASE),
        Step(served, "accepted", {"moved.json": A, "b.json": B}),
    ]
    summary = "A patch changes, adds and removes fields, also nested ones."
    return Case("pack-delta-of-fields", "pack", summary, steps, "pack")


def bad_delta(make: Callable[[], bytes], *lines: str) -> list[Step]:
    """Returns two publications, the second with a delta that is dropped."""
    pack = make()
    rows = lines or (f"pack {OLD_BASE} {len(pack)}",)
    return [base(), Step({**tree(NEXT, *rows, serial=2), FROM_OLD: pack}, "accepted", NEXT)]


def with_patch(patch: bytes | object) -> Callable[[], bytes]:
    text = patch if isinstance(patch, bytes) else json.dumps(patch).encode()
    return lambda: replace(DELTA, patch=text).pack()[0]


BAD_DELTAS = [
    ("plain", "delta-not-zstd", "A delta that is none is dropped.", lambda: b"<html></html>"),
    (
        "plain",
        "delta-cut-off",
        "A delta that ends early is dropped.",
        lambda: DELTA.pack()[0][:-20],
    ),
    (
        "plain",
        "delta-of-one-frame",
        "A delta has two frames.",
        lambda: DELTA.pack()[0][: DELTA.pack()[1]],
    ),
    ("plain", "delta-patch-not-json", "A patch is JSON.", with_patch(b"{")),
    ("plain", "delta-patch-array", "A patch is an object.", with_patch([])),
    ("plain", "delta-to-elsewhere", "The result must have its digest.", with_patch({})),
    (
        "plain",
        "delta-unsafe-path",
        "The result must be a manifest.",
        with_patch({"a.json": {"url": "../a.json"}}),
    ),
    (
        "plain",
        "delta-other-file",
        "A file in it must have its digest.",
        lambda: replace(DELTA, files=[("a.json", A), ("c.json", C)]).pack()[0],
    ),
    (
        "plain",
        "delta-other-prefix",
        "The prefix is that of the changed files.",
        lambda: replace(DELTA, prefix=b"#" * 40 + A).pack()[0],
    ),
    (
        "plain",
        "delta-unsafe-member",
        "Its paths are safe.",
        lambda: replace(DELTA, files=[*DELTA.files, ("../outside.json", C)]).pack()[0],
    ),
    (
        "plain",
        "delta-without-files",
        "What is not in it is fetched.",
        lambda: replace(DELTA, files=[]).pack()[0],
    ),
    (
        "plain",
        "delta-of-another-base",
        "A delta from another manifest is left alone.",
        lambda: DELTA.pack()[0],
        "pack 0123456789ab 100",
    ),
]


# Deltas in heads, and bases in another form.


def in_head(pack: bytes, of: str = OLD_BASE) -> str:
    return f"delta {of} {base64.b64encode(pack).decode()}"


def inline() -> Iterable[Case]:
    pack, first = DELTA.pack()

    def case(name: str, summary: str, served: Files, client: str = "plain") -> Case:
        steps = [base(), Step(served, "accepted", NEXT)]
        return Case(f"delta-{name}", "pack", summary, steps, client)

    def alone(*lines: str) -> Files:
        return {"root.sha": head(NEW, f"size {len(NEW)}", *lines, serial=2)}

    line = f"pack {OLD_BASE} {len(pack)} {first}"
    yield case(
        "in-head", "A delta in the head needs no other request.", alone(in_head(pack)), "pack"
    )
    yield case(
        "in-head-and-file", "The same delta may be a file too.", alone(line, in_head(pack)), "pack"
    )
    other = {**tree(NEXT, f"pack {OLD_BASE} {len(pack) + 1}", in_head(pack), serial=2)}
    yield case("in-head-of-another-size", "One of another size than the file is ignored.", other)
    noise = tree(NEXT, in_head(b"noise"), serial=2)
    yield case("in-head-damaged", "A delta in the head that is none is dropped.", noise)
    strange = tree(NEXT, in_head(pack, "0123456789ab"), serial=2)
    yield case("in-head-of-another-base", "One from another manifest is left alone.", strange)
    yield not_canonical()


def not_canonical() -> Case:
    """Returns a delta from a manifest in another form, which no client can apply by lines."""
    old = json.dumps(entries(BASE), indent=1).encode()
    pack, first = DELTA.pack()
    line = f"pack {digest(old)[:12]} {len(pack)} {first}"
    path = f"packs/{digest(old)[:12]}-{NEW_BASE}.tar.zst"
    steps = [
        Step({"root.sha": head(old), "root.json": old, **BASE}, "accepted", BASE),
        Step({**tree(NEXT, line, serial=2), path: pack}, "accepted", NEXT),
    ]
    summary = "A base in another form than the canonical one has no deltas; files are fetched."
    return Case("pack-delta-from-another-form", "pack", summary, steps)


def resumed() -> Iterable[Case]:
    """Yields cases of a bundle that is cut off, and continued by the next run."""
    step = bundle_only(BUNDLE)[0]
    cut = {EMPTY: {"cut_at": 1000}}
    first = Step(step.tree, "refused", http=cut)
    rest = replace(step, http={EMPTY: {"range_from": 1000}})
    whole = replace(step, http={EMPTY: {"ignore_range": True}})
    summary = "A download that was cut off is continued where it ended."
    yield Case("pack-resumed", "pack", summary, [first, rest], "resume")
    summary = "A server that ignores ranges sends everything again."
    yield Case("pack-not-resumed", "pack", summary, [first, whole], "pack")
    other = frame(archive(MANIFEST, *MEMBERS), window_log=18)
    damaged = Step({**step.tree, EMPTY: edited(other, 5)}, "refused", http=cut)
    summary = "If the parts do not belong together, everything is fetched again."
    yield Case("pack-resumed-with-damage", "pack", summary, [damaged, step], "pack")
