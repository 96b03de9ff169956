"""Wishes about AWS: written in the caller's transaction before AWS is touched, leased by whoever carries them out."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db.models import F, Q
from django.utils import timezone

from accounts.errors import Refusal
from aws.errors import AwsError, out_of_time
from aws.pacing import Caller
from domains.models import AwsIntent

LEASE = timedelta(minutes=2)
LONGEST_PAUSE = timedelta(minutes=15)
LOOK_AGAIN_SECONDS = 0.2
# The reason of a wish about something in the account that this installation did not make, and leaves alone.
NOT_OURS = "not ours by tag"


def wish(
    *,
    kind: AwsIntent.Kind,
    region: str,
    name: str,
    desired: AwsIntent.Desired,
    now: datetime,
    due_at: datetime | None = None,
    reason: str = "",
) -> AwsIntent:
    """State what shall be; replaces an older wish about the same thing and is due at once unless told otherwise.

    The row itself is locked by the update, so two wishes at the same moment leave the later one, with a revision of
    its own.
    """
    intent, is_new = AwsIntent.objects.get_or_create(
        kind=kind,
        region=region,
        name=name,
        defaults={"desired": desired, "next_attempt_at": due_at or now, "reason": reason, "created_at": now},
    )
    if not is_new:
        AwsIntent.objects.filter(pk=intent.pk).update(
            desired=desired,
            reason=reason,
            revision=F("revision") + 1,
            attempts=0,
            next_attempt_at=due_at or now,
            confirmed_at=None,
            last_error="",
        )
        intent.refresh_from_db()
    return intent


def take_lease(intent: AwsIntent, *, now: datetime, only_if_due: bool = False) -> bool:
    """Become the one who carries the open wish out until the lease ends; False while another does, or has done."""
    wish = AwsIntent.objects.filter(
        Q(leased_until__isnull=True) | Q(leased_until__lte=now), pk=intent.pk, confirmed_at__isnull=True
    )
    if only_if_due:
        wish = wish.filter(next_attempt_at__lte=now)
    taken = wish.update(leased_until=now + LEASE)
    if taken:
        intent.refresh_from_db()
    return bool(taken)


def confirm(intent: AwsIntent, *, now: datetime) -> bool:
    """It is so. False if the wish changed meanwhile: then it stays due.

    Where somebody saw the newer wish come true while we were still at the older one, we may have undone what they
    saw: that is looked at once more.
    """
    wish = AwsIntent.objects.filter(pk=intent.pk)
    done = wish.filter(revision=intent.revision).update(
        confirmed_at=now, leased_until=None, next_attempt_at=None, last_error=""
    )
    if not done:
        wish.filter(confirmed_at__isnull=False).update(confirmed_at=None, next_attempt_at=now)
        wish.update(leased_until=None)
    return bool(done)


def look_again(*, kind: AwsIntent.Kind, region: str, now: datetime) -> None:
    """What has come true is compared with AWS once more, whoever may have changed it there."""
    AwsIntent.objects.filter(kind=kind, region=region, confirmed_at__isnull=False).update(
        confirmed_at=None, next_attempt_at=now
    )


def confirm_present(*, kind: AwsIntent.Kind, region: str, name: str, now: datetime) -> None:
    """What was wished to be there has just been seen there, whoever looked."""
    AwsIntent.objects.filter(
        kind=kind, region=region, name=name, desired=AwsIntent.Desired.PRESENT, confirmed_at__isnull=True
    ).update(confirmed_at=now, leased_until=None, next_attempt_at=None, last_error="")


def put_off(intent: AwsIntent, *, now: datetime, error: str) -> None:
    """It did not work: again after a pause that doubles up to 15 minutes; a newer wish keeps its own time."""
    pause = min(timedelta(seconds=5 * 2 ** min(intent.attempts, 10)), LONGEST_PAUSE)
    AwsIntent.objects.filter(pk=intent.pk, revision=intent.revision).update(
        attempts=F("attempts") + 1, next_attempt_at=now + pause, last_error=error[:2000]
    )
    AwsIntent.objects.filter(pk=intent.pk).update(leased_until=None)


def carry_out_now(
    *,
    kind: AwsIntent.Kind,
    region: str,
    name: str,
    caller: Caller,
    converge: Callable[[AwsIntent, Caller], None],
) -> bool:
    """Have `converge` make the wish about this thing true while somebody waits; False if there is no open one.

    Raises what `converge` does, AwsError or Refusal, having put the wish off; AwsTimedOut when the caller's patience
    ends while another is at it.
    """
    intent = _leased_wish(kind=kind, region=region, name=name, caller=caller)
    if intent is None:
        return False
    try:
        converge(intent, caller)
    except (AwsError, Refusal) as error:
        put_off(intent, now=timezone.now(), error=str(error))
        raise
    return confirm(intent, now=timezone.now())


def _leased_wish(*, kind: AwsIntent.Kind, region: str, name: str, caller: Caller) -> AwsIntent | None:
    """The open wish, leased; while another is at it this one waits: that one may have begun before it was made."""
    while True:
        intent = AwsIntent.objects.filter(kind=kind, region=region, name=name, confirmed_at__isnull=True).first()
        if intent is None or take_lease(intent, now=timezone.now()):
            return intent
        if caller.remaining <= LOOK_AGAIN_SECONDS:
            raise out_of_time(f"carry out {kind} {name}")
        time.sleep(LOOK_AGAIN_SECONDS)
