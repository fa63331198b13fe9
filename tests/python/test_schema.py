"""The JSON Schema of the manifest agrees with the conformance vectors."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from jsonschema import Draft202012Validator

DOCS = Path(__file__).parents[2] / "docs"
SCHEMA = json.loads((DOCS / "manifest.schema.json").read_text())
CASES = sorted(path.parent for path in (DOCS / "conformance/cases").glob("*/case.json"))

# Rules that concern several entries, the text, bytes, or the order of fields.
BEYOND_A_SCHEMA = {
    "manifest-byte-order-mark",
    "manifest-comment",
    "manifest-cut-off",
    "manifest-duplicate-field",
    "manifest-duplicate-id",
    "manifest-duplicate-nested-key",
    "manifest-duplicate-path",
    "manifest-duplicate-unknown-field",
    "manifest-lone-surrogate",
    "manifest-nested-too-deep",
    "manifest-not-a-number",
    "manifest-not-json",
    "manifest-not-utf-8",
    "manifest-path-is-a-directory",
    "manifest-path-is-a-directory-but-for-case",
    "manifest-path-reserved-full-width",
    "manifest-paths-full-width",
    "manifest-paths-in-two-cases",
    "manifest-paths-in-two-forms",
    "manifest-paths-of-two-sigmas",
    "manifest-paths-with-ligature",
    "manifest-paths-with-sharp-s",
    "manifest-updated-no-time",
    "path-segment-of-256-bytes-in-letters",
}


def manifests(verdict: str) -> dict[str, Path]:
    """Returns the manifests of the last steps that have a verdict, by the names of their cases."""
    found = {}
    for directory in CASES:
        case: dict[str, Any] = json.loads((directory / "case.json").read_text())
        last = case["steps"][-1]
        file = directory / last["tree"] / unquote(case.get("manifest", "root.json"))
        is_chosen = case["kind"] in ("manifest", "path") and last["verdict"] == verdict
        if is_chosen and directory.name not in BEYOND_A_SCHEMA:
            found[directory.name] = file
    return found


ACCEPTED, REFUSED = manifests("accepted"), manifests("refused")


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert len(ACCEPTED) > 30
    assert len(REFUSED) > 50


@pytest.mark.parametrize("name", ACCEPTED)
def test_valid_manifests_satisfy_the_schema(name: str) -> None:
    Draft202012Validator(SCHEMA).validate(json.loads(ACCEPTED[name].read_text()))


@pytest.mark.parametrize("name", REFUSED)
def test_invalid_manifests_violate_the_schema(name: str) -> None:
    assert not Draft202012Validator(SCHEMA).is_valid(json.loads(REFUSED[name].read_text()))
