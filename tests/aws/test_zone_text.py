"""Names and TXT values in zone-file form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws.hosted_zones import RecordChange, RecordSet
from aws.zone_text import is_txt_value, plain_name, txt_text, txt_value


def test_a_short_text_is_one_quoted_string() -> None:
    assert txt_value("v=spf1 include:amazonses.com ~all") == '"v=spf1 include:amazonses.com ~all"'


def test_a_long_text_is_cut_into_strings_of_255_bytes() -> None:
    assert [len(part) for part in txt_value("a" * 300).split(" ")] == [257, 47]


def test_quotes_and_backslashes_are_escaped() -> None:
    assert txt_value('a"b\\c') == '"a\\"b\\\\c"'


@given(st.text(max_size=600))
def test_a_text_comes_back_from_its_value(text: str) -> None:
    value = txt_value(text)
    assert is_txt_value(value)
    assert txt_text(value) == text


@given(st.text(max_size=200))
def test_reading_any_value_never_fails(value: str) -> None:
    assert isinstance(txt_text(value), str)


@pytest.mark.parametrize("value", ["", "plain", '"open', '"a" b', 'a "b"', '"a"b"'])
def test_what_is_not_quoted_is_no_txt_value(value: str) -> None:
    assert not is_txt_value(value)


def test_a_change_with_an_unquoted_txt_value_is_refused() -> None:
    record_set = RecordSet(name="example.com", record_type="TXT", ttl=300, values=("v=spf1 -all",))
    with pytest.raises(ValueError, match="quotes"):
        RecordChange("CREATE", record_set)


def test_an_alias_set_can_not_be_changed() -> None:
    record_set = RecordSet(name="example.com", record_type="A", ttl=0, values=(), is_alias=True)
    with pytest.raises(ValueError, match="plain"):
        RecordChange("DELETE", record_set)


def test_a_name_loses_its_escapes_its_case_and_its_dot() -> None:
    assert plain_name("\\052.Example.COM.") == "*.example.com"
