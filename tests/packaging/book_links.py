"""Checks that every link within a rendered book has a target.

    book_links.py DIR

Prints each link and image of the pages below DIR whose file or anchor does not exist, and exits
with 1 if there is one. Links to other hosts are not followed.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


@dataclass
class Page(HTMLParser):
    """The anchors and links of a page."""

    path: Path
    anchors: set[str] = field(default_factory=set)
    links: list[tuple[int, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.path.read_text())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.anchors.add(value)
            if name in ("href", "src") and value and tag != "base":
                self.links.append((self.getpos()[0], value))


def main(root: Path) -> int:
    pages = {path.resolve(): Page(path) for path in sorted(root.rglob("*.html"))}
    checked, dead = 0, []
    for page in pages.values():
        for line, link in page.links:
            url = urlsplit(link)
            if url.scheme or url.netloc:
                continue
            checked += 1
            target = (page.path.parent / unquote(url.path)).resolve() if url.path else page.path
            found = pages.get(target.resolve())
            if not target.is_file():
                dead.append(f"{page.path}:{line}: {link}: no such file")
            elif url.fragment and (found is None or unquote(url.fragment) not in found.anchors):
                dead.append(f"{page.path}:{line}: {link}: no such anchor")
    for message in dead:
        print(message)
    print(f"{len(pages)} pages, {checked} links, {len(dead)} without a target")
    return 1 if dead or checked == 0 else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
