"""Every code that a check can give is documented, and nothing else is."""

from __future__ import annotations

import re
from pathlib import Path

from domains.dns.codes import CODES
from tests.domains.test_zone_stories import ALL_BROKEN

ROOT = Path(__file__).resolve().parents[2]


def documented() -> list[str]:
    return re.findall(r"^\| `([a-z_]+)` \|", (ROOT / "docs" / "dns-codes.md").read_text(), re.MULTILINE)


def given() -> set[str]:
    """The codes as the modules of the diagnosis write them: the first argument of a Finding, or a place's meaning."""
    text = "".join(path.read_text() for path in (ROOT / "domains" / "dns").glob("*.py"))
    return set(re.findall(r'Finding\(\s*"([a-z_]+)"', text)) | set(
        re.findall(r'^    "([a-z_]+)": "', text, re.MULTILINE)
    )


def test_the_documented_codes_are_those_of_the_table_in_its_order() -> None:
    assert documented() == list(CODES)


def test_every_code_has_a_story() -> None:
    assert {story.code for story in ALL_BROKEN} == set(CODES)


def test_every_code_is_documented() -> None:
    assert given() & set(documented()) >= {"server_unreachable", "not_published", "name_doubled"}
    assert {code for code in given() if "_" in code} <= set(documented())
