"""Writes an update site as large as a whole directory of extensions: directory.py FOLDER [COUNT].

Always the same: COUNT extensions, 9,000 if not given, in 60 collections, with one to three releases
each, 17,900 of 9,000. What they say has the length of what real ones say, and digests that do not
compress.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

EXTENSIONS = 9_000
"""About as many as Joomla's own directory lists."""

COLLECTIONS = 60
MAINTAINERS = 400
SECTIONS = 30


def collection(number: int, count: int) -> str:
    """The extensions of one collection, every so many of all."""
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


def write(folder: Path, count: int) -> None:
    drawn = random.Random(1)
    (folder / "ext").mkdir(parents=True)
    categories = "\n".join(
        f"<category name='Category {number}' ref='cat{number}.xml'/>"
        for number in range(COLLECTIONS)
    )
    (folder / "list.xml").write_text(
        f"<extensionset name='All' description='All'>\n{categories}\n</extensionset>"
    )
    for number in range(COLLECTIONS):
        (folder / f"cat{number}.xml").write_text(collection(number, count))
    for i in range(count):
        releases = [
            release(i, number, "".join(drawn.choice("0123456789abcdef") for _ in range(64)))
            for number in range(drawn.choice([1, 2, 2, 3]))
        ]
        (folder / "ext" / f"{i}.xml").write_text(
            f'<?xml version="1.0" encoding="UTF-8"?>\n<updates>\n{"".join(releases)}</updates>\n'
        )


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else EXTENSIONS)
