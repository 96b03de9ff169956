"""When a domain is looked at next (core section 6): often while it is fresh, daily once it is active."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from domains.states import Status

# Seconds: 15 s, 30 s, 1, 2, 5, 15, 60 min.
BACK_OFF = (15, 30, 60, 120, 300, 900, 3600)
DAILY = timedelta(days=1)
AFTER_A_MISS = timedelta(hours=3)
JITTER = 0.2
# A poller that died holds a domain no longer than this.
LEASE = timedelta(minutes=3)


def next_check_at(*, status: Status, step: int, now: datetime) -> datetime | None:
    """The next look after the `step`-th since the back-off began; None for what no look can change.

    The jitter only shortens, so that domains that came together drift apart and none waits longer than the table says.
    """
    if status is Status.FAILED:
        return None
    if status is Status.PENDING:
        pause = timedelta(seconds=BACK_OFF[min(step, len(BACK_OFF)) - 1 if step else 0])
    else:
        pause = DAILY
    return now + pause * (1 - random.random() * JITTER)  # noqa: S311  (spreads load, guards nothing)


def after_a_miss(*, now: datetime) -> datetime:
    """The next look at a domain in use where something that was right is not.

    The jitter only lengthens here: the third of three such looks comes six hours after the first or later, when the
    drift rules may conclude.
    """
    return now + AFTER_A_MISS * (1 + random.random() * JITTER / 4)  # noqa: S311  (spreads load, guards nothing)
