"""Writes an update site as large as a directory of all extensions: directory.py DIR [COUNT].

The result is always the same: COUNT extensions (9,000 by default) in 60 collections, with one to
three releases each, 17,900 releases for 9,000. Texts have the length of real ones, and digests do
not compress.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

EXTENSIONS = 9_000
"""About as many as in Joomla's own directory."""

COLLECTIONS = 60
MAINTAINERS = 400
SECTIONS = 30


def collection(number: int, count: int) -> str:
    """Returns one collection, with every n-th extension."""
    rows = [
        f"<extension name='Extension number {i}' element='com_ext{i}' type='component'"
        f" client='administrator' version='{i % 9}.{i % 7}.{i % 5}' detailsurl='ext/{i}.xml'/>"
        for i in range(number, count, COLLECTIONS)
    ]
    return "\n".join([f"<extensionset name='Category {number}'>", *rows, "</extensionset>"])


def release(i: int, number: int, digest: str) -> str:
    site = f"https://extensions{i % MAINTAINERS}.example.org"
    download = f"{site}/download/com_ext{i}-{number}.zip"
    return f"""  <update>
    <name>Extension number {i}</name>
    <description>Does the work number {i} for you and your visitors</description>
    <element>com_ext{i}</element>
    <type>component</type>
    <version>{i % 9}.{i % 7}.{number}</version>
    <client>administrator</client>
    <infourl title="Extension {i}">{site}/extension-{i}/release-{number}</infourl>
    <downloads><downloadurl type="full" format="zip">{download}</downloadurl></downloads>
    <sha256>{digest}</sha256>
    <tags><tag>{"stable" if number < 2 else "beta"}</tag></tags>
    <maintainer>Maintainer {i % MAINTAINERS}</maintainer><maintainerurl>{site}</maintainerurl>
    <section>Section {i % SECTIONS}</section>
    <targetplatform name="joomla" version="((4\\.4)|(5\\.[0-{number + 2}]))"/>
    <php_minimum>8.1</php_minimum>
  </update>
"""


def write(directory: Path, count: int) -> None:
    drawn = random.Random(1)
    (directory / "ext").mkdir(parents=True)
    categories = "\n".join(
        f"<category name='Category {number}' ref='cat{number}.xml'/>"
        for number in range(COLLECTIONS)
    )
    (directory / "list.xml").write_text(
        f"<extensionset name='All' description='All'>\n{categories}\n</extensionset>"
    )
    for number in range(COLLECTIONS):
        (directory / f"cat{number}.xml").write_text(collection(number, count))
    for i in range(count):
        releases = [
            release(i, number, "".join(drawn.choice("0123456789abcdef") for _ in range(64)))
            for number in range(drawn.choice([1, 2, 2, 3]))
        ]
        (directory / "ext" / f"{i}.xml").write_text(
            f'<?xml version="1.0" encoding="UTF-8"?>\n<updates>\n{"".join(releases)}</updates>\n'
        )


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else EXTENSIONS)
