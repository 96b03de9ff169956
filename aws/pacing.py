"""Take a slot for one SES control call: people first, then the background, over all processes of the installation.

AWS allows about one control call a second an account and region (SES quotas) and gives no Retry-After, so we
keep our own clock in the database. It is moved by conditional updates alone: nothing is locked while anybody waits.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.utils import timezone

from aws.errors import out_of_time
from aws.models import CallBudget

_UNPACED_RATE = 1000.0
# Nobody reserves further ahead than their patience; a row beyond this was written before the clock was set back.
_FURTHEST_AHEAD = timedelta(minutes=5)


@dataclass(frozen=True)
class Caller:
    """Who waits for the answer, and until when: `deadline` is on the clock of `time.monotonic()`, in seconds."""

    is_person: bool
    deadline: float

    @property
    def remaining(self) -> float:
        """Seconds of patience left; negative when it is over."""
        return self.deadline - time.monotonic()


def person(seconds: float = 25.0) -> Caller:
    """A caller whom somebody watches: goes before the background."""
    return Caller(is_person=True, deadline=time.monotonic() + seconds)


def background(seconds: float = 60.0) -> Caller:
    """A caller whom nobody watches: takes the slots that people leave."""
    return Caller(is_person=False, deadline=time.monotonic() + seconds)


def take_slot(*, region: str, caller: Caller) -> None:
    """Wait until this caller may make one paced call in the region.

    A person reserves the next slot at once and waits for it. The background reserves nothing: it takes a slot only
    when it is free now, so whoever arrives meanwhile goes first. Raises AwsTimedOut when the slot would come after
    the deadline; then nothing was reserved.
    """
    rate: float = settings.SES_CALLS_PER_SECOND
    if rate >= _UNPACED_RATE:
        return
    interval = timedelta(seconds=1 / rate)
    while True:
        seen = _next_slot(region)
        now = timezone.now()
        slot = now if seen - now > _FURTHEST_AHEAD else max(now, seen)
        wait = (slot - now).total_seconds()
        if caller.remaining < wait or caller.remaining <= 0:
            raise out_of_time("take_slot")
        if caller.is_person or slot == now:
            if _move(region, seen=seen, to=slot + interval, now=now):
                time.sleep(wait)
                return
        else:
            # The jitter keeps the workers from waking together to fight for one slot.
            jitter = random.uniform(0, interval.total_seconds() / 10)  # noqa: S311
            time.sleep(min(wait + jitter, max(caller.remaining, 0.0)))


def _next_slot(region: str) -> datetime:
    row, _ = CallBudget.objects.get_or_create(
        region=region, defaults={"next_slot_at": datetime(2000, 1, 1, tzinfo=UTC), "updated_at": timezone.now()}
    )
    return row.next_slot_at


def _move(region: str, *, seen: datetime, to: datetime, now: datetime) -> bool:
    """Move the region's clock if nobody has moved it since it was `seen`."""
    rows = CallBudget.objects.filter(region=region, next_slot_at=seen)
    return rows.update(next_slot_at=to, updated_at=now) == 1
