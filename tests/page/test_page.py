"""The page in a browser. For its text, see `rockon-sync/src/publish/page/tests.rs`."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.request import urlopen

import pytest
from browser import CONTRASTS, Browser, serve
from conftest import HOSTILE, Catalog
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
        assert places == {"list", "updates", "e-alpha", "e-beta", "e-gamma"}
        assert places <= ids
        files = {target for target in targets if "#" not in target}
        # Of three entries, the file and its copy in `by-sha/`; feed and head.
        assert len(files) == 8
        for file in files:
            with urlopen(file) as answer:
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
    assert days == ["2026-01-21", "2026-01-11", "2026-01-01"]


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


def test_hostile_definitions_are_inert(browser: Browser, hostile: Catalog) -> None:
    with serve(hostile.tree) as (url, requests):
        browser.get(f"{url}index.html")
        assert browser.execute_script("return window.pwned") is None
        assert len(shown(browser)) == len(HOSTILE)
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
