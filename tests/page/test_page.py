"""The page in a browser. For its text, see `rockon-sync/src/publish/page/tests.rs`."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from urllib.request import urlopen

import pytest
from browser import CONTRASTS, Browser, serve
from conftest import HOSTILE, Catalog, definition
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys


def shown(browser: Browser) -> list[str]:
    """Returns the names of the visible entries."""
    cards = browser.find_elements(By.CSS_SELECTOR, ".card:not([hidden]) h3 a")
    return [str(card.get_attribute("textContent")) for card in cards]


def enter(browser: Browser, field: str, value: str) -> None:
    """Sets the value of a field, independently of the date format of the browser's locale."""
    browser.execute_script(
        "const field = document.getElementById(arguments[0]);"
        "field.value = arguments[1];"
        "field.dispatchEvent(new Event('input', {bubbles: true}));",
        field,
        value,
    )


def test_the_page_requests_nothing_else(browser: Browser, catalog: Catalog) -> None:
    with serve(catalog.tree) as (url, requests):
        browser.get(f"{url}index.html")
        assert shown(browser) == ["Alpha", "Beta", "Gamma"]
        enter(browser, "search", "plays")
        assert browser.asked() == [f"{url}index.html"]
        assert requests == ["/index.html"]
    browser.get(catalog.page)
    assert shown(browser) == ["Alpha", "Beta", "Gamma"]
    assert browser.asked() == [catalog.page]
    assert browser.complaints() == []


def test_every_link_has_an_existing_target(browser: Browser, catalog: Catalog) -> None:
    with serve(catalog.tree) as (url, _):
        browser.get(f"{url}index.html")
        links = browser.find_elements(By.CSS_SELECTOR, "a:not([rel])")
        targets = {str(link.get_property("href")) for link in links}
        ids = {
            element.get_attribute("id") for element in browser.find_elements(By.XPATH, "//*[@id]")
        }
        places = {target.partition("#")[2] for target in targets if "#" in target}
        assert places == {"list", "updates", "follow", "e-alpha", "e-beta", "e-gamma"}
        assert places <= ids
        addresses = {target for target in targets if "#" not in target}
        # Of three entries, the file and its copy in `by-sha/`; feed and head.
        assert len(addresses) == 8
        for address in addresses:
            with urlopen(address) as answer:
                assert answer.status == 200


def test_the_page_is_readable_without_scripts(browser: Browser, catalog: Catalog) -> None:
    browser.without_scripts()
    browser.get(catalog.page)
    cards = browser.find_elements(By.CSS_SELECTOR, ".card")
    assert len(cards) == 3
    assert all(card.is_displayed() for card in cards)
    assert "Plays music." in cards[1].text
    assert not browser.find_element(By.ID, "filters").is_displayed()
    days = [day.text for day in browser.find_elements(By.CSS_SELECTOR, ".day h3")]
    # Entries of the first publication are not new.
    assert days == ["2026-01-21", "2026-01-11"]


def test_search_and_filters_show_matching_entries(browser: Browser, catalog: Catalog) -> None:
    browser.get(catalog.page)
    assert browser.find_element(By.ID, "filters").is_displayed()
    search = browser.find_element(By.ID, "search")
    search.send_keys("PLAYS mus")
    assert shown(browser) == ["Beta"]
    assert browser.find_element(By.ID, "count").text == "1 of 3"
    search.send_keys("x")
    assert shown(browser) == []
    browser.find_element(By.ID, "reset").click()
    assert shown(browser) == ["Alpha", "Beta", "Gamma"]

    # Unknown properties exclude nothing.
    for arch, expected in [
        ("arm64", ["Beta", "Gamma"]),
        ("amd64", ["Alpha", "Beta", "Gamma"]),
        ("", ["Alpha", "Beta", "Gamma"]),
    ]:
        enter(browser, "arch", arch)
        assert shown(browser) == expected

    for since, expected, days in [
        ("2026-01-11", ["Beta", "Gamma"], 2),
        ("2026-01-12", ["Gamma"], 1),
        ("2026-02-01", [], 0),
    ]:
        enter(browser, "since", since)
        assert shown(browser) == expected
        assert len(browser.find_elements(By.CSS_SELECTOR, ".day:not([hidden])")) == days
    assert browser.find_element(By.ID, "nothing-new").is_displayed()
    # A link to an entry shows it even if the filter excludes it.
    enter(browser, "since", "2026-01-12")
    browser.execute_script("location.hash = 'e-alpha'")
    assert browser.find_element(By.ID, "e-alpha").is_displayed()
    search.send_keys("films", Keys.ENTER)
    assert shown(browser) == ["Gamma"]
    assert browser.complaints() == []


def test_the_search_is_in_the_address(browser: Browser, catalog: Catalog) -> None:
    browser.get(f"{catalog.page}?other=1#list")
    enter(browser, "search", "plays a&b")
    enter(browser, "arch", "arm64")
    assert browser.current_url.endswith("index.html?other=1&q=plays+a%26b&arch=arm64#list")
    browser.find_element(By.ID, "reset").click()
    assert browser.current_url.endswith("index.html?other=1#list")
    browser.get(f"{catalog.page}?q=plays&since=2026-01-12&arch=unknown")
    assert shown(browser) == ["Gamma"]
    assert browser.find_element(By.ID, "search").get_property("value") == "plays"
    browser.get(f"{catalog.page}?q=%3Cscript%3Ewindow.pwned%3D1%3C/script%3E")
    assert shown(browser) == []
    assert browser.execute_script("return window.pwned") is None
    assert browser.complaints() == []


def test_links_in_descriptions_work(browser: Browser, tmp_path: Path) -> None:
    catalog = Catalog(tmp_path)
    text = "See <a href='https://h.example/a?b=1&amp;c=2'>here</a>, or http://i.example/x."
    catalog.put("alpha", "alpha.json", definition("Alpha", description=text))
    catalog.publish(0, "--title", "Our <apps>", "--url", "https://cdn.example/v2/")
    browser.get(catalog.page)
    assert browser.find_element(By.TAG_NAME, "h1").text == "Our <apps>"
    links = browser.find_elements(By.CSS_SELECTOR, ".card p[dir] a")
    urls = ["https://h.example/a?b=1&c=2", "http://i.example/x"]
    assert [link.get_property("href") for link in links] == urls
    assert [link.text for link in links] == urls
    assert {link.get_attribute("rel") for link in links} == {"noopener noreferrer nofollow"}
    assert browser.find_elements(By.CSS_SELECTOR, ".day") == []
    follow = browser.find_element(By.ID, "follow").text
    assert "rockon-sync update --store DIR --source https://cdn.example/v2/" in follow


SIZES = """
return Array.from(document.querySelectorAll("a, button, input, select"), (element) => {
  const { width, height } = element.getBoundingClientRect();
  return [element.textContent, width, height];
}).filter(([, width, height]) => width > 0 && (width < 24 || height < 24));
"""

AXE = Path(str(files("axe_core_python"))) / "axe.min.js"
VIOLATIONS = """
const done = arguments[0];
axe.run().then(({ violations }) => done(violations.map(
  ({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).slice(0, 3)}`)), done);
"""


@pytest.mark.parametrize(("width", "height"), [(1360, 900), (360, 740)])
def test_everybody_can_use_the_page(
    browser: Browser, catalog: Catalog, width: int, height: int
) -> None:
    browser.screen(width, height, phone=width < 500)
    browser.get(catalog.page)
    assert browser.execute_script(SIZES) == []
    browser.execute_script(AXE.read_text())
    assert browser.execute_async_script(VIOLATIONS) == []
    news = browser.find_element(By.ID, "updates").rect
    entries = browser.find_element(By.ID, "list").rect
    # On a phone, it comes first.
    assert (news["y"] < entries["y"]) == (width < 500)


def test_hostile_definitions_are_inert(browser: Browser, hostile: Catalog) -> None:
    with serve(hostile.tree) as (url, requests):
        browser.get(f"{url}index.html")
        assert browser.execute_script("return window.pwned") is None
        assert len(shown(browser)) == len(HOSTILE) + 1
        assert HOSTILE[0] in shown(browser)
        count = "return document.querySelectorAll(arguments[0]).length"
        assert browser.execute_script(count, "script") == 1
        assert browser.execute_script(count, "img, svg, iframe, base, b, textarea") == 0
        schemes = "return [...new Set(Array.from(document.links, (link) => link.protocol))]"
        assert browser.execute_script(schemes) == ["http:"]
        for link in browser.find_elements(By.CSS_SELECTOR, ".card h3 a, .day a"):
            browser.execute_script("arguments[0].click()", link)
        enter(browser, "search", "<script>")
        assert requests == ["/index.html"]
    assert browser.execute_script("return window.pwned") is None
    assert browser.complaints() == []


@pytest.mark.parametrize(
    "attack",
    [
        "<script>window.pwned = 1</script>",
        "<img src='x.png' onerror='window.pwned = 1'>",
        "<a id='attack' href='javascript:window.pwned = 1'>x</a>",
        "<style>body { display: none }</style>",
        "<p id='styled' style='display: none'>x</p>",
        "<iframe srcdoc='<script>parent.pwned = 1</script>'></iframe>",
        "<base href='http://outside.example/'>",
        "<form action='/x'><button id='attack'>x</button></form>",
    ],
)
def test_the_policy_blocks_scripts_even_without_escaping(
    browser: Browser, catalog: Catalog, tmp_path: Path, attack: str
) -> None:
    text = (catalog.tree / "index.html").read_text()
    (tmp_path / "index.html").write_text(text.replace("<header", f"{attack}<header", 1))
    with serve(tmp_path) as (url, requests):
        browser.get(f"{url}index.html")
        for target in browser.find_elements(By.ID, "attack"):
            browser.execute_script("arguments[0].click()", target)
        assert browser.execute_script("return window.pwned") is None
        assert browser.find_element(By.TAG_NAME, "h1").is_displayed()
        assert all(styled.is_displayed() for styled in browser.find_elements(By.ID, "styled"))
        assert browser.execute_script("return document.baseURI") == f"{url}index.html"
        assert requests == ["/index.html"]
    assert any("Content Security Policy" in complaint for complaint in browser.complaints())


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("device", "width", "height"), [("desk", 1360, 900), ("phone", 360, 740)])
def test_the_real_catalog_fits_any_screen(
    browser: Browser, real: Path, device: str, width: int, height: int, scheme: str
) -> None:
    manifest = json.loads((real / "root.json").read_text())
    browser.screen(width, height, scheme, phone=device == "phone")
    browser.get((real / "index.html").as_uri())
    browser.shot(f"{device}-{scheme}")
    names = [name for entry in manifest.values() for name in entry["names"]]
    assert sorted(shown(browser)) == sorted(names)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    contrasts = browser.execute_script(CONTRASTS)
    assert len(contrasts) > 5
    assert {pair: ratio for pair, ratio in contrasts.items() if ratio < 4.5} == {}
    assert browser.complaints() == []


def test_hostile_text_is_not_wider_than_a_phone(browser: Browser, hostile: Catalog) -> None:
    browser.screen(360, 740, phone=True)
    browser.get(hostile.page)
    browser.shot("hostile")
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 360


def test_the_keyboard_reaches_everything(browser: Browser, catalog: Catalog) -> None:
    browser.get(catalog.page)
    browser.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    assert browser.switch_to.active_element.text == "Skip to the entries"
    reached = set()
    for _ in range(60):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        element = browser.switch_to.active_element
        reached.add(element.get_attribute("id") or element.get_attribute("href"))
    controls = browser.find_elements(By.CSS_SELECTOR, "a[href], input, select")
    wanted = {control.get_attribute("id") or control.get_attribute("href") for control in controls}
    assert wanted <= reached
    for field in browser.find_elements(By.CSS_SELECTOR, "input, select"):
        assert field.accessible_name != ""
