"""The current appliance: fetches the list, then every file, one after the other, into memory."""

from __future__ import annotations

import sys

import requests


def main(url: str) -> None:
    """Fetches the catalog at a URL and discards it."""
    session = requests.Session()
    # Otherwise the environment is searched for proxies and passwords for every file.
    session.trust_env = False

    def get(name: str) -> dict[str, object]:
        answer = session.get(url + name, timeout=30)
        answer.raise_for_status()
        content: dict[str, object] = answer.json()
        return content

    definitions: dict[str, object] = {}
    for file in get("root.json").values():
        definitions.update(get(str(file)))


if __name__ == "__main__":
    main(sys.argv[1])
