"""A headless browser without network access, and a server on loopback."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Resolves no name, so that a wrong page cannot send requests to other hosts.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]

SHOTS = Path("build/page/shots")

CONTRASTS = """
const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
const rgb = (color) => {
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = color;
  canvas.fillRect(0, 0, 1, 1);
  return Array.from(canvas.getImageData(0, 0, 1, 1).data);
};
const luminance = (color) => {
  const [r, g, b] = rgb(color).map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const ground = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const color = getComputedStyle(at).backgroundColor;
    if (rgb(color)[3] === 255) return color;
  }
  return "white";
};
const found = {};
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.textContent.trim() || element.closest("script, [hidden]")) continue;
  const pair = [getComputedStyle(element).color, ground(element)];
  const [dark, light] = pair.map(luminance).sort((a, b) => a - b);
  found[pair.join(" on ")] = (light + 0.05) / (dark + 0.05);
}
return found;
"""
"""Yields every pair of text colours with its contrast (WCAG 2.2, section 1.4.3)."""


class Browser(webdriver.Chrome):
    """Chromium with an empty profile."""

    def __init__(self, profile: Path) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium") or ""
        for flag in [*FLAGS, f"--user-data-dir={profile}"]:
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        super().__init__(options=options, service=Service(shutil.which("chromedriver")))

    def reset(self) -> None:
        """Resets settings, storage and the log of requests."""
        self.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
        self.screen(1360, 900, phone=False)
        self.get("about:blank")
        self.asked()
        self.complaints()

    def screen(self, width: int, height: int, scheme: str = "light", *, phone: bool) -> None:
        """Sets the screen for pages that are opened from now on."""
        screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone}
        self.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def without_scripts(self) -> None:
        """Disables scripts in pages."""
        self.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})

    def complaints(self) -> list[str]:
        """Returns the errors and policy violations on the console since the last call."""
        return [entry["message"] for entry in self._log("browser")]

    def asked(self) -> list[str]:
        """Returns the URLs requested since the last call, without the browser's own images, such as
        the one in its style sheet for date fields."""
        entries = [json.loads(entry["message"])["message"] for entry in self._log("performance")]
        sent = [entry for entry in entries if entry["method"] == "Network.requestWillBeSent"]
        urls = [entry["params"]["request"]["url"] for entry in sent]
        return [url for url in urls if not url.startswith("data:image/svg+xml;base64,")]

    def _log(self, kind: str) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self.get_log(kind)  # type: ignore[no-untyped-call]
        return entries

    def shot(self, name: str) -> None:
        """Takes a screenshot for people."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.save_screenshot(str(SHOTS / f"{name}.png"))


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, requests: list[str], *args: Any, **options: Any) -> None:
        self.requests = requests
        super().__init__(*args, **options)

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.requests.append(self.path)
        super().do_GET()


@contextmanager
def serve(directory: Path) -> Iterator[tuple[str, list[str]]]:
    """Serves a directory on a free port. Yields its URL and the log of requests."""
    requests: list[str] = []
    handler = partial(_Handler, requests, directory=str(directory))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", requests
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
