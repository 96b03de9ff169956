"""When a challenged name moves: what one look changes, told with times alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from domains.challenge_rules import (
    BLIND_PAUSE,
    RUNNING_PAUSE,
    Sight,
    Standing,
    after_look,
    is_notice_due,
    is_over,
    next_look_at,
    with_notice,
)

START = datetime(2026, 11, 1, tzinfo=UTC)
GOOD = Sight(is_token_there=True, is_incumbent_there=False)
BLIND = [Sight(None, None), Sight(None, False), Sight(True, None)]


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def look(standing: Standing, sight: Sight, hours: float, *, last: float | None = None) -> Standing:
    """One look `hours` after START, the one before it 3 h earlier or at `last`."""
    after = after_look(standing, sight, now=at(hours), last_look_at=at(hours - 3 if last is None else last))
    return with_notice(after, now=at(hours)) if is_notice_due(after, now=at(hours)) and not sight.is_blind else after


def run(until: float, *, sights: dict[float, Sight] | None = None) -> Standing:
    """Looks every 3 h from START on, good ones but for those of `sights`."""
    standing, hours = Standing(), 0.0
    while hours <= until:
        standing = look(standing, (sights or {}).get(hours, GOOD), hours)
        hours += 3
    return standing


def test_a_name_moves_after_72_hours_and_two_notices() -> None:
    assert not is_over(run(69), now=at(71.9))
    assert is_over(run(72), now=at(72))


def test_the_notices_go_out_at_once_and_at_half_time() -> None:
    assert (run(0).notices_sent, run(33).notices_sent, run(36).notices_sent, run(72).notices_sent) == (1, 1, 2, 2)


@pytest.mark.parametrize("hours", [3, 36, 69])
def test_a_record_of_the_incumbent_that_comes_back_starts_the_time_anew(hours: float) -> None:
    standing = run(72, sights={hours: Sight(True, True)})
    assert not is_over(standing, now=at(72))
    assert standing.absent_since is None or standing.absent_since > at(hours)


def test_a_token_that_is_gone_starts_all_anew() -> None:
    standing = run(69, sights={69: Sight(False, False)})
    assert standing == Standing(last_notice_at=at(36))


@pytest.mark.parametrize("sight", BLIND, ids=str)
def test_what_can_not_be_seen_counts_for_nobody(sight: Sight) -> None:
    dark = dict.fromkeys((36.0, 39.0, 42.0), sight)
    standing = run(72, sights=dark)
    assert standing.absent_since == at(9), "nine dark hours are not counted"
    assert not is_over(standing, now=at(72))
    assert standing.token_seen_at == START


@pytest.mark.parametrize("sight", BLIND, ids=str)
def test_the_time_does_not_begin_blindly(sight: Sight) -> None:
    assert look(Standing(), sight, 0).absent_since is None


def test_hours_in_which_nobody_looked_are_not_counted() -> None:
    standing = run(36)
    standing = look(standing, GOOD, 90, last=36)
    assert standing.absent_since == at(54)


def test_no_notice_follows_another_at_once_however_often_all_starts_anew() -> None:
    standing = look(look(run(3), Sight(False, False), 6), GOOD, 9)
    assert (standing.notices_sent, standing.last_notice_at) == (0, START)
    assert standing.ends_at == at(96)
    assert look(standing, GOOD, 36).notices_sent == 1


@pytest.mark.parametrize(("hours", "expected"), [(0, 72), (3, 72), (36, 72), (48, 72)])
def test_the_end_is_told_as_soon_as_the_time_runs(hours: float, expected: float) -> None:
    assert run(hours).ends_at == at(expected)


@pytest.mark.parametrize(
    ("age", "sight", "expected"),
    [
        (0.0, Sight(False, True), timedelta(seconds=30)),
        (0.5, Sight(False, False), timedelta(minutes=2)),
        (5, Sight(False, None), timedelta(minutes=15)),
        (48, Sight(False, True), RUNNING_PAUSE),
        (0, Sight(None, True), BLIND_PAUSE),
        (0, Sight(True, True), RUNNING_PAUSE),
    ],
)
def test_the_record_is_looked_for_often_at_first(age: float, sight: Sight, expected: timedelta) -> None:
    standing = look(Standing(), sight, age)
    assert next_look_at(standing, sight, created_at=START, now=at(age)) - at(age) == expected


def test_what_falls_due_before_the_next_look_is_looked_at_just_then() -> None:
    assert next_look_at(run(33), GOOD, created_at=START, now=at(34)) == at(36)
    assert next_look_at(run(69), GOOD, created_at=START, now=at(71)) == at(72)
