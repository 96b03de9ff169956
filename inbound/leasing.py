"""Who works on which notification: leases in the queue of record, and what is done with mail that kills its worker."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import DatabaseError, connection, transaction
from django.db.models import Case, F, Q, QuerySet, When
from django.utils import timezone

from inbound.models import SnsNotification

logger = logging.getLogger(__name__)

State = SnsNotification.State

BATCH = 10
LEASE = timedelta(minutes=2)
LONGEST_HOLD = timedelta(minutes=30)
LONGEST_PAUSE = timedelta(hours=1)
# SES announces after it has put the object; what is not there after two weeks never comes.
GIVE_UP_AFTER = timedelta(days=14)
MAX_DEATHS = 3


def take_due(*, now: datetime, most: int = BATCH) -> list[SnsNotification]:
    """Lease up to `most` due notifications; a dead worker's come back when its lease ends.

    Whatever was in a dead worker's hands is a suspect: it is taken alone and while no other suspect is in hand, so
    that a mail that kills its worker takes the others with it once at most. After MAX_DEATHS it is parked.
    """
    taking = secrets.token_hex(8)
    with transaction.atomic():
        _park_deadly(now)
        suspect = _next_suspect(now)
        due = SnsNotification.objects.due(now)
        fresh = due.filter(deaths=0, leased_until__isnull=True)
        # What another worker is taking at this moment is passed over, not waited for.
        taken = list(due.filter(pk=suspect).select_for_update(skip_locked=True)) if suspect else []
        taken = taken or list(fresh.select_for_update(skip_locked=True)[:most])
        died = [notification.pk for notification in taken if notification.leased_until is not None]
        if died:
            SnsNotification.objects.filter(pk__in=died).update(deaths=F("deaths") + 1)
        mine = SnsNotification.objects.filter(pk__in=[notification.pk for notification in taken])
        mine.update(leased_until=now + LEASE, leased_by=taking, attempts=F("attempts") + 1)
    for notification in taken:
        notification.deaths += notification.pk in died
        notification.attempts += 1
        notification.leased_until, notification.leased_by = now + LEASE, taking
    return taken


def _park_deadly(now: datetime) -> None:
    """Give up on what has killed its worker as often as is allowed, so that it stops nothing else."""
    dead = SnsNotification.objects.due(now).filter(leased_until__isnull=False, deaths__gte=MAX_DEATHS - 1)
    dead.order_by().update(
        state=State.PARKED,
        deaths=F("deaths") + 1,
        leased_until=None,
        leased_by="",
        done_at=now,
        last_error=f"The worker died {MAX_DEATHS} times while it worked on this mail: killed, or out of memory.",
    )


def _next_suspect(now: datetime) -> int | None:
    """The suspect whose turn it is, by primary key; None where there is none, or one is being tried."""
    suspects = SnsNotification.objects.filter(
        Q(deaths__gt=0) | Q(leased_until__lte=now), state=State.WAITING, next_attempt_at__lte=now
    )
    # In one look, so that two workers that come at once see the same one: what is in hand stands in front.
    in_hand_first = Case(When(leased_until__gt=now, then=0), default=1)
    first = suspects.order_by(in_hand_first, "deaths", "pk").values_list("pk", "leased_until").first()
    if first is None:
        return None
    pk, leased_until = first
    return None if leased_until is not None and leased_until > now else pk


@contextmanager
def keep_hold(batch: Sequence[SnsNotification]) -> Iterator[None]:
    """Prolong the lease of what is still waiting of a batch while somebody works on it: slow is not dead.

    A process that hangs is taken for dead in the end, after LONGEST_HOLD.
    """
    is_over = threading.Event()
    heart = threading.Thread(target=_beat, args=[batch, is_over], name="lease", daemon=True)
    heart.start()
    try:
        yield
    finally:
        is_over.set()
        heart.join()


def _beat(batch: Sequence[SnsNotification], is_over: threading.Event) -> None:
    mine = _held([each.pk for each in batch], batch[0].leased_by)
    until = timezone.now() + LONGEST_HOLD
    try:
        while not is_over.wait(LEASE.total_seconds() / 4) and timezone.now() < until:
            try:
                mine.update(leased_until=timezone.now() + LEASE)
            except DatabaseError as error:
                # The next beat tries again; three of them fit into a lease.
                logger.warning("a lease could not be prolonged: %s", error)
    finally:
        connection.close()


def _held(pks: Sequence[int], taking: str) -> QuerySet[SnsNotification]:
    """Those that are still in the hands of this taking: whoever was slower than its lease changes nothing."""
    return SnsNotification.objects.filter(pk__in=pks, leased_by=taking, state=State.WAITING)


def give_back(batch: Sequence[SnsNotification]) -> None:
    """Let go of what nobody has begun to work on, as if it had not been taken."""
    if batch:
        untouched = _held([each.pk for each in batch], batch[0].leased_by)
        untouched.update(leased_until=None, leased_by="", attempts=F("attempts") - 1)


def put_off(notification: SnsNotification, *, error: str, now: datetime) -> None:
    """Let go of it until later, ever more patiently; after two weeks it is parked."""
    if now - notification.received_at > GIVE_UP_AFTER:
        end(notification, State.PARKED, error=error, now=now)
        return
    pause = min(timedelta(seconds=2 ** min(notification.attempts - 1, 12)), LONGEST_PAUSE)
    _held([notification.pk], notification.leased_by).update(
        leased_until=None, leased_by="", next_attempt_at=now + pause, last_error=error[:2000]
    )


def end(notification: SnsNotification, state: str, *, error: str, now: datetime) -> None:
    """Note how it ended: done, ignored or parked, and why."""
    _held([notification.pk], notification.leased_by).update(
        state=state, leased_until=None, leased_by="", last_error=error[:2000], done_at=now
    )
