"""When a challenged name moves (pure): what one look changes, when notices are due, and when the wait is over.

The new owner's record stands on every authoritative server while the incumbent's own proof has been absent for 72 h and
two notices went to the incumbent. What could not be seen counts for nobody.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

ABSENCE = timedelta(hours=72)
NOTICES = 2
# The second notice comes when half of the time is over; after it there is a day left to act on it.
BETWEEN_NOTICES = timedelta(hours=36)
AFTER_THE_LAST_NOTICE = timedelta(hours=24)
# A record that never came: whoever typed the name does not hold it.
UNSEEN_LIFETIME = timedelta(days=30)
# Two looks further apart than this say nothing about the time between them.
LONGEST_GAP = timedelta(hours=12)

BLIND_PAUSE = timedelta(minutes=15)
RUNNING_PAUSE = timedelta(hours=3)
# Until the record is seen: (age of the challenge, pause). Whoever has just got it is about to publish it.
SEARCH = (
    (timedelta(minutes=10), timedelta(seconds=30)),
    (timedelta(hours=1), timedelta(minutes=2)),
    (timedelta(days=1), timedelta(minutes=15)),
)


@dataclass(frozen=True)
class Sight:
    """One look: whether the challenger's record and the incumbent's proof stand; None is not known."""

    is_token_there: bool | None
    is_incumbent_there: bool | None

    @property
    def is_blind(self) -> bool:
        """Too little was seen to say how the challenge stands."""
        return self.is_token_there is None or (self.is_token_there and self.is_incumbent_there is None)


@dataclass(frozen=True)
class Standing:
    """How far a challenge is. `absent_since` is moved on by the time in which nothing could be seen."""

    token_seen_at: datetime | None = None
    absent_since: datetime | None = None
    notices_sent: int = 0
    last_notice_at: datetime | None = None

    @property
    def ends_at(self) -> datetime | None:
        """When the name moves if all stays as it is; None while the time does not run."""
        if self.absent_since is None:
            return None
        missing = max(NOTICES - self.notices_sent, 0)
        told = (self.last_notice_at or self.absent_since) + missing * BETWEEN_NOTICES + AFTER_THE_LAST_NOTICE
        if self.last_notice_at is None:
            # The first goes out at once.
            told -= BETWEEN_NOTICES
        return max(self.absent_since + ABSENCE, told)


def after_look(standing: Standing, sight: Sight, *, now: datetime, last_look_at: datetime | None) -> Standing:
    """The standing after one look."""
    if sight.is_token_there is False:
        return Standing(last_notice_at=standing.last_notice_at)
    seen_at = standing.token_seen_at or (now if sight.is_token_there else None)
    if sight.is_incumbent_there:
        return Standing(token_seen_at=seen_at, last_notice_at=standing.last_notice_at)
    standing = replace(standing, token_seen_at=seen_at)
    if standing.absent_since is None:
        return standing if sight.is_blind else replace(standing, absent_since=now)
    gap = now - (last_look_at or now)
    if sight.is_blind or gap > LONGEST_GAP:
        return replace(standing, absent_since=min(standing.absent_since + gap, now))
    return standing


def is_notice_due(standing: Standing, *, now: datetime) -> bool:
    if standing.absent_since is None or standing.notices_sent >= NOTICES:
        return False
    return standing.last_notice_at is None or now - standing.last_notice_at >= BETWEEN_NOTICES


def with_notice(standing: Standing, *, now: datetime) -> Standing:
    return replace(standing, notices_sent=standing.notices_sent + 1, last_notice_at=now)


def is_over(standing: Standing, *, now: datetime) -> bool:
    """The 72 h are over and both notices have been sent, the last of them a day ago."""
    return standing.notices_sent >= NOTICES and standing.ends_at is not None and standing.ends_at <= now


def next_look_at(standing: Standing, sight: Sight, *, created_at: datetime, now: datetime) -> datetime:
    """Often while the record is awaited, every 3 h while the time runs, and just when something falls due."""
    if sight.is_blind:
        return now + BLIND_PAUSE
    if standing.token_seen_at is None:
        pauses = (pause for age, pause in SEARCH if now - created_at < age)
        return now + next(pauses, RUNNING_PAUSE)
    due = [standing.ends_at, standing.last_notice_at and standing.last_notice_at + BETWEEN_NOTICES]
    return min([now + RUNNING_PAUSE, *(moment for moment in due if moment is not None and moment > now)])
