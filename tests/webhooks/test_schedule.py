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
        ("Fri, 31 Dec 9999 23:59:59 GMT", timedelta(hours=24)),
    ],
)
def test_retry_after_is_read_in_seconds_and_as_a_date_up_to_a_day(header: str, pause: timedelta) -> None:
    assert asked_pause(header, now=NOW) == pause


@given(st.text(max_size=40) | st.sampled_from(["-5", "1e9", "5.5", "٣", "soon", "9" * 40, "Mon, 99 Foo 2026 1:1:1"]))
def test_what_is_no_retry_after_asks_for_nothing_that_could_hurt(header: str) -> None:
    assert timedelta(0) <= asked_pause(header, now=NOW) <= timedelta(hours=24)


def test_retry_after_puts_the_attempt_off() -> None:
    assert next_attempt_at(tries=1, retry_after="3600", now=NOW) == NOW + timedelta(hours=1)


def test_retry_after_never_hurries_it() -> None:
    at = next_attempt_at(tries=4, retry_after="1", now=NOW)
    assert at is not None
    assert at - NOW > timedelta(hours=1)
