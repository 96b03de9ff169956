"""The states of a record, told apart by whether we looked, what we saw, and what was there before."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.chips import (
    LOST,
    NEEDS_FIXING,
    NOT_CHECKED,
    NOT_SET,
    VERIFIED,
    WAITING,
    WORTH_FIXING,
    Chip,
    record_chip,
)
from dashboard.forms import trimmed_name
from dashboard.record_groups import difference
from domains.models import DnsRecord
from tests.dashboard.rows import NOW


@pytest.mark.parametrize(
    ("fields", "chip"),
    [
        ({"verdict": ""}, NOT_CHECKED),
        ({"verdict": "ok"}, VERIFIED),
        ({"verdict": "missing", "code": "not_published"}, WAITING),
        ({"verdict": "missing", "code": "name_doubled"}, NEEDS_FIXING),
        ({"verdict": "wrong", "code": "stale_token"}, NEEDS_FIXING),
        ({"verdict": "conflict", "code": "mx_other_provider"}, NEEDS_FIXING),
        ({"verdict": "unknown", "code": "server_unreachable"}, WAITING),
        ({"verdict": "missing", "first_ok_at": NOW}, LOST),
        ({"verdict": "missing", "code": "not_published", "is_required": False}, NOT_SET),
        ({"verdict": "missing", "code": "name_doubled", "is_required": False}, WORTH_FIXING),
        ({"verdict": "wrong", "code": "spf_multiple", "is_required": False}, WORTH_FIXING),
        ({"verdict": "conflict", "is_required": False}, WORTH_FIXING),
    ],
)
def test_each_state_has_its_chip(fields: dict[str, object], chip: Chip) -> None:
    assert record_chip(DnsRecord(**({"is_required": True} | fields))) == chip


@given(verdict=st.sampled_from(["", "ok", "missing", "wrong", "conflict", "unknown"]), code=st.text(max_size=10))
def test_an_optional_record_that_never_was_is_never_red(verdict: str, code: str) -> None:
    assert record_chip(DnsRecord(verdict=verdict, code=code, is_required=False)).tone not in ("bad", "lost")


@pytest.mark.parametrize(
    ("typed", "taken"),
    [
        ("shop.example", "shop.example"),
        ("  shop.example. ", "shop.example"),
        ("https://shop.example/about?x=1", "shop.example"),
        ("http://shop.example:8080", "shop.example"),
        ("jana@shop.example", "shop.example"),
        ("shop.example/path", "shop.example"),
        ("bücher.example", "bücher.example"),
        ("not a domain", "not a domain"),
    ],
)
def test_what_people_paste_is_trimmed_to_the_name(typed: str, taken: str) -> None:
    assert trimmed_name(typed) == taken


@given(st.text(max_size=200))
def test_trimming_never_fails(typed: str) -> None:
    assert len(trimmed_name(typed)) <= len(typed)


@given(wanted=st.text(max_size=40), seen=st.text(max_size=40))
def test_a_difference_puts_together_what_was_seen(wanted: str, seen: str) -> None:
    found = difference(wanted, seen)
    assert found.before + found.differs + found.after == seen
    assert wanted.startswith(found.before)
    assert wanted.endswith(found.after)


def test_the_marked_part_is_the_wrong_one() -> None:
    assert difference("mx.example", "mx.example.shop.example").differs == ".shop.example"
