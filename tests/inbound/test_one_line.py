"""A stranger's words on one line: what turns or hides is gone, what people write stays."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbound.one_line import JOINERS, one_line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Your parcel", "Your parcel"),
        ("\u202egpj.exe invoice", "gpj.exe invoice"),
        ("a\u2066b\u2069c\u200ed", "abcd"),
        ("one\r\n two\u2028three\x00", "one two three"),
        ("\u202e\u200b\u2060", ""),
        ("\u3164\u2800 \u00ad", ""),
        ("نامه\u200cها", "نامه\u200cها"),
        ("👩\u200d👧 שלום", "👩\u200d👧 שלום"),
        ("", ""),
    ],
)
def test_what_is_left_of_a_text(text: str, line: str) -> None:
    assert one_line(text) == line


@pytest.mark.parametrize(("length", "cut"), [(10, "xxxxxxxxxx"), (11, "xxxxxxxxx…")])
def test_a_long_text_is_cut_and_says_so(length: int, cut: str) -> None:
    assert one_line("x" * length, 10) == cut


@given(text=st.text(max_size=300), most=st.integers(min_value=1, max_value=50))
def test_nothing_turns_nor_is_too_long(text: str, most: int) -> None:
    line = one_line(text, most)
    assert len(line) <= most
    assert all(unicodedata.category(character)[0] != "C" or character in JOINERS for character in line)
    assert one_line(line, most) == line
