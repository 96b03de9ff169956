"""When an attempt is made again."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhooks.schedule import PAUSES, asked_pause, next_attempt_at

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


def test_ten_attempts_spread_over_about_75_hours() -> None:
    assert len(PAUSES) + 1 == 10
    assert timedelta(hours=75) < sum(PAUSES, timedelta()) < timedelta(hours=76)


@given(st.integers(1, len(PAUSES)), st.integers())
def test_the_pause_is_that_of_the_schedule_within_a_tenth(tries: int, seed: int) -> None:
    at = next_attempt_at(tries=tries, retry_after="", now=NOW, rng=random.Random(seed))
    assert at is not None
    assert abs((at - NOW) / PAUSES[tries - 1] - 1) <= 0.1001


def test_two_that_failed_together_are_not_called_together_again() -> None:
    assert len({next_attempt_at(tries=4, retry_after="", now=NOW) for _ in range(20)}) > 15


@pytest.mark.parametrize("tries", [10, 11, 1000])
def test_after_the_tenth_there_is_none(tries: int) -> None:
    assert next_attempt_at(tries=tries, retry_after="60", now=NOW) is None


@pytest.mark.parametrize(
    ("header", "pause"),
    [
        ("120", timedelta(seconds=120)),
        (" 7 ", timedelta(seconds=7)),
        ("0", timedelta(0)),
        ("Sat, 21 Nov 2026 09:00:00 GMT", timedelta(hours=1)),
        ("Saturday, 21-Nov-26 09:00:00 GMT", timedelta(hours=1)),
        ("Sat, 21 Nov 2026 09:00:00", timedelta(hours=1)),
        ("Sat, 21 Nov 2020 09:00:00 GMT", timedelta(0)),
        ("86401", timedelta(hours=24)),
        ("999999999", timedelta(hours=24)),
        ("9999999999", timedelta(hours=24)),
        ("9" * 100, timedelta(hours=24)),
        ("00000000000060", timedelta(seconds=60)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", timedelta(hours=24)),
    ],
)
def test_retry_after_is_read_in_seconds_and_as_a_date_up_to_a_day(header: str, pause: timedelta) -> None:
    assert asked_pause(header, now=NOW) == pause


@given(st.text(max_size=40) | st.sampled_from(["-5", "1e9", "5.5", "٣", "soon", "9" * 40, "Mon, 99 Foo 2026 1:1:1"]))
def test_what_is_no_retry_after_asks_for_nothing_that_could_hurt(header: str) -> None:
    assert timedelta(0) <= asked_pause(header, now=NOW) <= timedelta(hours=24)


# Each of these looks like a date to the standard library, until it counts with it.
DATES_THAT_OVERFLOW = [
    "Mon, 01 Jan 2024 00:00:00 -99999999999999999999",
    "Mon, 01 Jan 99999999999999999999999 00:00:00 GMT",
    "Mon, 99999999999999999999 Jan 2024 00:00:00 GMT",
    "Jan 1 00:00:00 9999999999 ( )",
]


@pytest.mark.parametrize("header", DATES_THAT_OVERFLOW)
def test_a_date_that_can_not_be_counted_with_asks_for_nothing(header: str) -> None:
    assert asked_pause(header, now=NOW) == timedelta(0)


TOKENS = ["Mon,", "01", "Jan", "2024", "9999", "00:00:00", "GMT", "-2359", "+", "-", "9" * 20, "( )", ",", ":"]


@given(st.lists(st.sampled_from(TOKENS), max_size=8).map(" ".join))
def test_what_is_nearly_a_date_raises_nothing(header: str) -> None:
    assert timedelta(0) <= asked_pause(header, now=NOW) <= timedelta(hours=24)


def test_retry_after_puts_the_attempt_off() -> None:
    assert next_attempt_at(tries=1, retry_after="3600", now=NOW) == NOW + timedelta(hours=1)


def test_retry_after_never_hurries_it() -> None:
    at = next_attempt_at(tries=4, retry_after="1", now=NOW)
    assert at is not None
    assert at - NOW > timedelta(hours=1)
