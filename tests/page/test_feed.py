"""The feed in a feed reader's parser."""

from __future__ import annotations

from pathlib import Path

import feedparser  # type: ignore[import-untyped]
from browser import serve
from conftest import HOSTILE, Catalog, definition


def test_a_feed_has_every_update_newest_first(catalog: Catalog) -> None:
    with serve(catalog.tree) as (url, _):
        feed = feedparser.parse(f"{url}updates.atom")
        assert not feed.bozo, feed.get("bozo_exception")
        assert feed.version == "atom10"
        assert feed.feed.id.startswith("urn:uuid:")
        assert feed.feed.updated == "2026-01-21T00:00:00Z"
        titles = [entry.title for entry in feed.entries]
        # Alpha was in the first publication.
        assert titles == ["Gamma (new)", "Beta (new)"]
        beta = feed.entries[1]
        assert beta.summary == "Plays music."
        assert beta.link == f"{url}index.html#e-beta"
        related = [link.href for link in beta.links if link.rel == "related"]
        assert related == [f"{url}b%20eta%3F%23.json"]
        assert len({entry.id for entry in feed.entries}) == 2


def test_hostile_definitions_are_text_in_the_feed(hostile: Catalog) -> None:
    feed = feedparser.parse(str(hostile.tree / "updates.atom"))
    assert not feed.bozo, feed.get("bozo_exception")
    assert len(feed.entries) == len(HOSTILE)
    titles = {entry.title for entry in feed.entries}
    assert f"{HOSTILE[0]} (new)" in titles
    assert all(entry.title_detail.type == "text/plain" for entry in feed.entries)
    assert all(entry.summary_detail.type == "text/plain" for entry in feed.entries)


def test_files_on_another_host_have_full_urls(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path)
    catalog.put("first", "first.json", definition("First"))
    catalog.publish(0)
    catalog.put("alpha", "alpha.json", definition("Alpha"))
    catalog.publish(1, "--url", "https://cdn.example/v2", "--title", "Our <apps>")
    feed = feedparser.parse(str(catalog.tree / "updates.atom"))
    assert not feed.bozo, feed.get("bozo_exception")
    assert feed.feed.title == "Our <apps>: updates"
    assert feed.entries[0].link == "https://cdn.example/v2/index.html#e-alpha"
    own = {link.rel: link.href for link in feed.feed.links}
    assert own["self"] == "https://cdn.example/v2/updates.atom"
    links = [link.href for link in feed.entries[0].links if link.rel == "related"]
    assert links == ["https://cdn.example/v2/alpha.json"]


def test_the_feed_of_the_real_catalog_is_valid(real: Path) -> None:
    feed = feedparser.parse(str(real / "updates.atom"))
    assert not feed.bozo, feed.get("bozo_exception")
    assert 10 < len(feed.entries) <= 50
    assert all(entry.summary for entry in feed.entries)
