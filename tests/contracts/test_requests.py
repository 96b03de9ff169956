"""How a request is read: bodies, page parameters, cursors, rates."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpRequest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from api.bodies import json_object, strict_json
from api.envelopes import Kind, Problem
from api.pagination import Position, limit_of, offset_of, read_cursor, write_cursor
from api.rate_limit import parse_rate, spend
from api.timestamps import milliseconds, seconds
from tests.contracts.conftest import NOW

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def attempt(read: Callable[[], Any]) -> Any:
    """What is read, or the Problem; any other exception is a failure of the test."""
    try:
        return read()
    except Problem as problem:
        return problem


def request_with(raw: bytes) -> HttpRequest:
    return RequestFactory().generic("POST", "/", raw, content_type="application/json")


@given(st.binary() | st.text().map(str.encode) | st.text(alphabet='[]{}",:0123456789.eE+-ux\\ntrf ').map(str.encode))
def test_whatever_the_bytes_they_are_an_object_or_a_problem(raw: bytes) -> None:
    read = attempt(lambda: json_object(request_with(raw)))
    assert isinstance(read, dict) or read.kind in (Kind.MALFORMED_JSON, Kind.NOT_JSON)


@given(st.dictionaries(st.text(), JSON_VALUES))
def test_a_json_object_is_read_as_it_was_meant(value: dict[str, object]) -> None:
    assert json_object(request_with(json.dumps(value).encode())) == value


@given(st.text() | st.integers().map(str))
def test_a_page_parameter_is_within_its_bounds_or_a_problem(given_text: str) -> None:
    limit = attempt(lambda: limit_of({"limit": given_text}))
    assert limit.field == "limit" if isinstance(limit, Problem) else 1 <= limit <= 100
    offset = attempt(lambda: offset_of({"offset": given_text}))
    assert offset.field == "offset" if isinstance(offset, Problem) else 0 <= offset < 2**31


@given(st.text())
def test_a_made_up_cursor_is_a_problem(text: str) -> None:
    with pytest.raises(Problem):
        read_cursor(text, list_name="messages:1")


def test_times_are_cut_off_not_rounded() -> None:
    assert seconds(NOW) == "2026-11-21T08:00:00Z"
    assert milliseconds(NOW) == "2026-11-21T08:00:00.987Z"


def chunked(raw: bytes) -> object:
    request = RequestFactory().post("/", content_type="application/json", headers={"Transfer-Encoding": "chunked"})
    request.META |= {"wsgi.input": io.BytesIO(raw), "wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
    return request


def test_a_chunked_body_is_read() -> None:
    assert json_object(chunked(b'{"domain": "a.example"}')) == {"domain": "a.example"}


def test_a_chunked_body_over_a_megabyte_is_refused() -> None:
    with pytest.raises(Problem) as caught:
        json_object(chunked(b" " * (1024 * 1024 + 1)))
    assert caught.value.kind is Kind.BODY_TOO_LARGE


def test_a_byte_order_mark_is_no_reason_to_refuse() -> None:
    assert strict_json(b"\xef\xbb\xbf{}") == {}


def test_a_whole_surrogate_pair_is_one_character() -> None:
    assert strict_json(b'"\\ud83d\\ude00"') == "😀"


def test_a_new_window_begins_afresh() -> None:
    assert [spend(key_id=7, rate="1/min", at=at).used for at in (59.0, 59.9, 60.0)] == [1, 2, 1]


@pytest.mark.parametrize("text", ["", "600", "600/fortnight", "-1/min", "x/min"])
def test_a_rate_that_says_nothing_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="API_RATE_LIMIT"):
        parse_rate(text)


def test_a_cursor_is_worth_nothing_in_another_list() -> None:
    cursor = write_cursor(Position(at=NOW, pk=5), list_name="messages:1")
    assert read_cursor(cursor, list_name="messages:1") == Position(at=NOW, pk=5)
    for foreign in (cursor, cursor[:-1], "", "x", "ü", "a:b:c", "x" * 10_000):
        with pytest.raises(Problem):
            read_cursor(foreign, list_name="messages:2")
