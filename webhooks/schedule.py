"""When an attempt is made again: ten in all over about 75 hours, as Standard Webhooks proposes (pure)."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

# From each failed attempt to the next one; with the first attempt, which is made at once, these are ten.
PAUSES: tuple[timedelta, ...] = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
# Endpoints that failed together are not called together again.
JITTER = 0.1
LONGEST_RETRY_AFTER = timedelta(hours=24)


def next_attempt_at(
    *, tries: int, retry_after: str, now: datetime, rng: random.Random | None = None
) -> datetime | None:
    """When to try again after `tries` failed attempts; None when there is no attempt left.

    `retry_after` is the answer's header: it can put the next attempt off, by a day at most, and never hurries it.
    """
    if not 0 < tries <= len(PAUSES):
        return None
    pause = PAUSES[tries - 1] * (1 + (rng or random).uniform(-JITTER, JITTER))
    return now + max(pause, asked_pause(retry_after, now=now))


def asked_pause(retry_after: str, *, now: datetime) -> timedelta:
    """What a Retry-After header asks for (RFC 9110 section 10.2.3); nothing for what is no such header."""
    text = retry_after.strip()
    try:
        if re.fullmatch(r"[0-9]+", text):
            return timedelta(seconds=min(int(text), LONGEST_RETRY_AFTER.total_seconds()))
        at = parsedate_to_datetime(text)
        pause = (at if at.tzinfo else at.replace(tzinfo=UTC)) - now
    except (ValueError, OverflowError, TypeError):
        # The parser takes numbers of any length for years, hours and zones, and fails where it counts with them.
        return timedelta(0)
    return min(max(pause, timedelta(0)), LONGEST_RETRY_AFTER)
