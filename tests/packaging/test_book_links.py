"""The check of the book finds links without a target."""

from __future__ import annotations

from pathlib import Path

import book_links
import pytest


def test_a_link_needs_an_existing_file_and_anchor(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/page.html").write_text('<h2 id="here">x</h2><img src="../a%20b.svg">')
    (tmp_path / "a b.svg").write_text("<svg/>")
    index = tmp_path / "index.html"
    good = '<a href="sub/page.html#here"></a><a href="https://x/y"></a><a href="#top" id="top"></a>'
    index.write_text(good)
    assert book_links.main(tmp_path) == 0
    assert capsys.readouterr().out == "2 pages, 3 links, 0 without a target\n"
    index.write_text(
        f'{good}\n<a href="gone.html"></a>\n<a href="sub/page.html#gone"></a>\n<a href="sub"></a>\n'
    )
    assert book_links.main(tmp_path) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"{index}:2: gone.html: no such file",
        f"{index}:3: sub/page.html#gone: no such anchor",
        f"{index}:4: sub: no such file",
        "2 pages, 6 links, 3 without a target",
    ]


def test_a_book_without_links_is_an_error(tmp_path: Path) -> None:
    assert book_links.main(tmp_path) == 1
