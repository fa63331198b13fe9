"""Publications one after the other, how they are served, and trees of version 1."""

import json
from collections.abc import Iterable

from model import (
    A2,
    BASE,
    NEXT,
    A,
    B,
    Case,
    Files,
    Rules,
    Step,
    accepted,
    base,
    definition,
    each,
    entries,
    head,
    refused,
    tree,
)
from wire import Fields, canonical, digest

# A URL at which nobody answers.
NOBODY = "http://127.0.0.1:9/"


def cases() -> Iterable[Case]:
    yield from publications()
    yield from old_heads()
    yield from broken_files()
    yield from objects()
    yield from mirrors()
    yield from redirects()
    yield from statuses()
    yield from in_place()
    yield from lists()


def publications() -> Iterable[Case]:
    def case(name: str, summary: str, *steps: Step) -> Case:
        return Case(f"tree-{name}", "tree", summary, [base(), *steps])

    head_only = {"root.sha": tree(BASE)["root.sha"]}
    yield case(
        "next",
        "The next publication adds, changes and keeps files.",
        Step(tree(NEXT, serial=2), "accepted", NEXT),
    )
    yield case(
        "removed",
        "What is no longer in the manifest goes.",
        Step(tree({"a.json": A}, serial=2), "accepted", {"a.json": A}),
    )
    moved = {"new/a.json": A, "b.json": B}
    yield case("moved", "A file moves.", Step(tree(moved, serial=2), "accepted", moved))
    swapped = {"a.json": B, "b.json": A}
    yield case(
        "swapped",
        "Two files exchange their contents.",
        Step(tree(swapped, serial=2), "accepted", swapped),
    )
    into = {"a.json": A, "b.json/c.json": B}
    yield case(
        "file-becomes-directory",
        "A path of a file becomes that of a directory.",
        Step(tree(into, serial=2), "accepted", into),
        Step(tree(BASE, serial=3), "accepted", BASE),
    )
    yield case(
        "unchanged",
        "If the head is unchanged, nothing else is asked for.",
        Step(head_only, "accepted", BASE),
    )
    yield case(
        "unchanged-without-validators",
        "The same head is recognized without an ETag.",
        Step(tree(BASE), "accepted", BASE, {"root.sha": {"no_etag": True}}),
    )
    yield case(
        "kept-files",
        "What is there already is not asked for again.",
        Step({**tree(NEXT, serial=2), "b.json": b"other"}, "accepted", NEXT),
    )
    yield case(
        "three-publications",
        "One publication follows the other.",
        Step(tree(NEXT, serial=2), "accepted", NEXT),
        Step(tree(BASE, serial=3), "accepted", BASE),
    )
    signature = "\n\u2014 example.org/rockons c2lnbmF0dXJl\n".encode()
    signed = {**tree(NEXT, serial=2), "root.sha": tree(NEXT, serial=2)["root.sha"] + signature}
    yield case(
        "signed", "Without trusted keys, signatures mean nothing.", Step(signed, "accepted", NEXT)
    )


def old_heads() -> Iterable[Case]:
    newer = Step(tree(BASE, serial=10), "accepted", BASE)
    for name, serial, summary in [
        ("lower-serial", 9, "An older head is not applied."),
        ("missing-serial", None, "After a head with a serial, one without is not applied."),
        ("same-serial", 10, "One serial stands for one manifest."),
    ]:
        steps = [newer, Step(tree(NEXT, serial=serial), "refused")]
        yield Case(f"tree-{name}", "tree", summary, steps)
    for name, first, second, summary in [
        ("serial-grows-by-much", 10, 2**40, "Serials need not follow each other."),
        ("serials-are-numbers", 9, 10, "Serials are compared as numbers."),
        ("serials-of-64-bits", 2**64 - 2, 2**64 - 1, "Serials are compared as 64 bits."),
        ("first-serial", None, 1, "A head with a serial follows one without."),
        ("no-serials", None, None, "Without serials, every head is followed."),
    ]:
        steps = [Step(tree(BASE, serial=first), "accepted", BASE)]
        steps.append(Step(tree(NEXT, serial=second), "accepted", NEXT))
        yield Case(f"tree-{name}", "tree", summary, steps)
    renewed = tree(BASE, "expires 2100-01-01T00:00:00Z", serial=10)
    summary = "A renewed head of the same manifest is applied."
    yield Case("tree-renewed", "tree", summary, [newer, Step(renewed, "accepted", BASE)])
    after = [
        newer,
        Step(tree(NEXT, serial=9), "refused"),
        Step(tree(NEXT, serial=11), "accepted", NEXT),
    ]
    yield Case("tree-after-an-old-head", "tree", "An old head leaves nothing behind.", after)


def broken_files() -> Iterable[Case]:
    """Yields cases of publications with a file that cannot be had."""
    whole = tree(NEXT, serial=2)
    kept = {**NEXT, "a.json": A}
    without = {path: content for path, content in whole.items() if path != "a.json"}
    for name, served, rules, summary in [
        ("other-contents", {**whole, "a.json": b"{}"}, {}, "A file must have its digest."),
        ("same-size", {**whole, "a.json": A2.replace(b"2", b"3")}, {}, "So must one of its size."),
        ("missing", without, {}, "A file that is missing leaves the old version."),
        ("cut-off", whole, {"a.json": {"cut_at": 50}}, "A part of a file is no file."),
        ("forbidden", whole, {"a.json": {"status": 403}}, "An error is no deletion."),
    ]:
        steps = [base(), Step(served, "incomplete", kept, rules)]
        steps.append(Step(tree(NEXT, serial=2), "accepted", NEXT))
        yield Case(f"tree-file-{name}", "tree", summary, steps)
    other = {**whole, "root.json": whole["root.json"].replace(b"c.json", b"d.json")}
    yield Case("tree-other-manifest", "tree", "The manifest must have its digest.", refused(other))
    none = {path: content for path, content in whole.items() if path != "root.json"}
    yield Case("tree-no-manifest", "tree", "A head leads to a manifest.", refused(none))


def objects() -> Iterable[Case]:
    whole = tree(NEXT, "by-sha by-sha/", serial=2)
    manifest = whole["root.json"]
    by_sha = {f"by-sha/{digest(data)}": data for data in [*NEXT.values(), manifest]}
    summary = "A tree that is being replaced is whole below its objects."
    steps = accepted({"root.sha": whole["root.sha"], **by_sha}, NEXT)
    yield Case("tree-objects", "tree", summary, steps, "pack")
    summary = "Where there are no objects, as in a relay, files have their names."
    yield Case("tree-without-objects", "tree", summary, accepted(whole, NEXT))
    wrong = dict.fromkeys(by_sha, b"other")
    summary = "Where objects are damaged, files have their names."
    yield Case("tree-damaged-objects", "tree", summary, accepted({**whole, **wrong}, NEXT))
    upper: dict[str, Fields] = entries(NEXT)
    for fields in upper.values():
        fields["sha"] = str(fields["sha"]).upper()
    shouted = canonical(upper)
    named = {f"by-sha/{digest(data)}": data for data in [*NEXT.values(), shouted]}
    text = head(shouted, "by-sha by-sha", serial=2)
    summary = "Objects have names in lower case."
    steps = accepted({"root.sha": text, **named}, NEXT)
    yield Case("tree-objects-of-upper-case-digests", "tree", summary, steps, "pack")


def mirrors() -> Iterable[Case]:
    there = {f"there/{path}": data for path, data in tree(NEXT).items() if path != "root.sha"}
    for name, url in [("", "there/"), ("-without-slash", "there")]:
        text = tree(NEXT, f"url http://tree.invalid/{url}", serial=2)["root.sha"]
        summary = "Everything but the head is at the url of the head."
        yield Case(f"tree-url{name}", "tree", summary, accepted({"root.sha": text, **there}, NEXT))
    silent = tree(NEXT, f"url {NOBODY}", serial=2)
    summary = "If nobody answers at the url, the directory of the head is asked."
    yield Case("tree-url-silent", "tree", summary, accepted(silent, NEXT), "mirrors")
    lost = tree(NEXT, "url http://tree.invalid/lost/", serial=2)
    summary = "What is missing at the url is asked for in the directory of the head."
    yield Case("tree-url-lost", "tree", summary, accepted(lost, NEXT), "mirrors")
    damaged = {**lost, **{f"lost/{path}": b"other" for path in [*NEXT, "root.json"]}}
    summary = "What is damaged at the url is asked for in the directory of the head."
    yield Case("tree-url-damaged", "tree", summary, accepted(damaged, NEXT), "mirrors")


def redirects() -> Iterable[Case]:
    moved = {f"moved/{path}": data for path, data in tree(NEXT, serial=2).items()}
    rule: Rules = {"root.sha": {"location": "/moved/root.sha"}}
    summary = "If the head moves with its name, its directory has moved."
    yield Case("http-moved", "http", summary, accepted(moved, NEXT, rule), "mirrors")
    whole = tree(NEXT, serial=2)
    elsewhere = {**whole, "x/9f3a": whole["root.sha"]}
    for status in [301, 302, 303, 307, 308]:
        rule = {"root.sha": {"status": status, "location": "/x/9f3a"}}
        summary = "A redirect is followed; another name says nothing of the other files."
        steps = accepted(elsewhere, NEXT, rule)
        yield Case(f"http-redirect-{status}", "http", summary, steps)
    rule = {"a.json": {"location": "/x/9f3a"}}
    target = {**whole, "x/9f3a": A2}
    yield Case("http-file-redirected", "http", "Files may move too.", accepted(target, NEXT, rule))
    rule = {"root.sha": {"location": "/root.sha"}}
    yield Case("http-redirects-without-end", "http", "Redirects end.", refused(whole, rule))


def statuses() -> Iterable[Case]:
    whole = tree(NEXT, serial=2)
    for status, summary in [
        (401, "A head that needs credentials is an error."),
        (403, "A head that is forbidden is an error."),
        (404, "A source that was there is not empty because its head is missing."),
        (410, "Nor because its head is gone."),
        (500, "An error of the server is an error."),
        (503, "A server that is busy is an error."),
    ]:
        rules = {"root.sha": {"status": status}}
        yield Case(f"http-head-{status}", "http", summary, refused(whole, rules))
    rules = {"root.sha": {"cut_at": 70}}
    yield Case("http-head-cut-off", "http", "A part of a head is no head.", refused(whole, rules))
    rules = {"root.json": {"status": 500}}
    summary = "An error of the server is an error."
    yield Case("http-manifest-500", "http", summary, refused(whole, rules))


def in_place() -> Iterable[Case]:
    """Yields cases of trees that share the directory of a list."""
    manifest = canonical(entries(NEXT))
    files: Files = {
        "root.json": json.dumps({"A": "a.json"}).encode(),
        "root.v2.json": manifest,
        "root.v2.sha": head(manifest, name="root.v2.json"),
        **NEXT,
    }
    steps = [Step(files, "accepted", NEXT)]
    summary = "A URL that ends in .sha is that of the head."
    yield Case("tree-in-place", "tree", summary, steps, path="root.v2.sha")
    summary = "Without root.sha, root.v2.sha is asked for."
    yield Case("tree-in-place-found", "tree", summary, steps, "list")
    named = {"catalog/main.sha": tree(NEXT)["root.sha"]}
    named |= {f"catalog/{path}": data for path, data in tree(NEXT).items() if path != "root.sha"}
    steps = [Step(named, "accepted", NEXT)]
    summary = "The head may have any name that ends in .sha."
    yield Case("tree-named-head", "tree", summary, steps, path="catalog/main.sha")


def good_list(text: str, files: Files) -> list[Step]:
    return [Step({"root.json": text.encode(), **files}, "accepted", files)]


def bad_list(text: str) -> list[Step]:
    first = good_list(json.dumps({"A": "a.json", "B": "b.json"}), BASE)
    return [*first, Step({"root.json": text.encode(), **NEXT}, "refused")]


LISTS = [
    (
        "list",
        "ids-and-files",
        "A list has ids and file names.",
        json.dumps({"A": "a.json", "B": "b.json"}),
        BASE,
    ),
    (
        "list",
        "same-row-twice",
        "A row may occur twice.",
        '{"A": "a.json", "B": "b.json", "A": "a.json"}',
        BASE,
    ),
    (
        "list",
        "encoded-names",
        "File names are encoded in URLs.",
        json.dumps({"A": "a b.json"}),
        {"a b.json": A},
    ),
]

BAD_LISTS = [
    ("list", "not-json", "A list is JSON.", '{"A": "a.json"'),
    ("list", "array", "A list is an object.", '["a.json"]'),
    ("list", "two-files-of-an-id", "An id has one file.", '{"A": "a.json", "A": "b.json"}'),
    ("list", "two-ids-of-a-file", "A file has one id.", '{"A": "a.json", "B": "a.json"}'),
    ("list", "unsafe-path", "File names are safe paths.", '{"A": "../a.json"}'),
    ("list", "reserved-path", "File names are not reserved.", '{"A": "root.json"}'),
    ("list", "no-file-name", "A file name is a string.", '{"A": {"url": "a.json"}}'),
]


def lists() -> Iterable[Case]:
    yield from each("list", good_list, LISTS)
    yield from each("list", bad_list, BAD_LISTS)
    text = json.dumps({"A": "a.json", "B": "b.json"}).encode()
    first = Step({"root.json": text, **BASE}, "accepted", BASE)
    changed = {"a.json": A2, "b.json": B}
    summary = "Each file of a list is asked for again, with its validators."
    steps = [first, Step({"root.json": text, **changed}, "accepted", changed)]
    yield Case("list-changed-file", "list", summary, steps, "list")
    summary = "A list may become a tree with a head."
    steps = [first, Step(tree(NEXT), "accepted", NEXT)]
    yield Case("list-becomes-tree", "list", summary, steps, "list")
    summary = "A source that had a head is never followed as a list."
    steps = [base(), Step({"root.json": text, **changed}, "refused")]
    yield Case("list-after-tree", "list", summary, steps)
    page = {"root.json": text, "a.json": b"<html>Sign in</html>", "b.json": B}
    summary = "No digest vouches for a file of a list: one that is no definition is refused."
    steps = [first, Step(page, "incomplete", BASE)]
    yield Case("list-file-is-a-page", "list", summary, steps, "list")
    lost = {"root.json": text, "b.json": B}
    summary = "A file of a list that is missing keeps its old version."
    steps = [first, Step(lost, "incomplete", BASE)]
    yield Case("list-file-missing", "list", summary, steps, "list")
    other = definition("D")
    grown = json.dumps({"A": "a.json", "B": "b.json", "D": "d.json"}).encode()
    files = {**BASE, "d.json": other}
    steps = [first, Step({"root.json": grown, **files}, "accepted", files)]
    yield Case("list-grows", "list", "A list gets a row.", steps, "list")
