"""The pipeline of mail in: announce, fetch, parse, judge, route, store, tell; each once, whatever dies."""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from accounts.doorbell import ring
from aws.errors import AwsError
from aws.mail_store import ObjectMissing, ObjectTooLarge, delete_object, fetch_to
from channels.routing import Route, route
from domains.models import Installation
from inbound.feedback import NoUse, apply_feedback
from inbound.judging import Group
from inbound.keeping import already_kept, complete_swept, keep_group, remove_what_is_left, take_from_staff
from inbound.leasing import end, give_back, keep_hold, put_off, take_due
from inbound.mime import ParsedMessage
from inbound.models import InboundMessage, SnsNotification
from inbound.parsing import parse_in_child
from inbound.scratch import scratch_folder
from inbound.ses_events import MalformedEvent, Received, SetupNotice, UnknownEvent, parse_event

logger = logging.getLogger(__name__)

State = SnsNotification.State
MAX_TRIES = 12
MAX_RAW_BYTES = 41 * 1024 * 1024
# After so long another run takes over, which other work of the worker may go before.
RUN_SECONDS = 20.0
# Of the threads of a worker: the others are left to webhooks, checks and the reconciler while mail piles up.
RUNS_A_PROCESS = 3

_places = threading.BoundedSemaphore(RUNS_A_PROCESS)
_rung = threading.Event()


class Postponed(Exception):
    """Not now: the object is not there yet, or a service is away; the notification comes due again."""


class Hopeless(Exception):
    """Trying again can not help: the notification is parked, where staff see it and may run it again."""


def ingest_due(*, now: datetime) -> int:
    """Work off what is due, the longest waiting first; how many were done. A bad one never stops the others.

    So many runs a process: whoever rings beyond that is served by one of them. A run that has not come to the end
    after RUN_SECONDS rings for another and lets go.
    """
    done, ends = 0, time.monotonic() + RUN_SECONDS
    _rung.set()
    while _rung.is_set() and time.monotonic() < ends and _places.acquire(blocking=False):
        try:
            _rung.clear()
            done += _work_off(now=timezone.now() if done else now, ends=ends)
        finally:
            _places.release()
    if time.monotonic() >= ends:
        ring("inbound.tasks.ingest_due")
    return done


def _work_off(*, now: datetime, ends: float) -> int:
    """Take and run until nothing is due or the time is over; how many were run."""
    done = 0
    while time.monotonic() < ends and (batch := take_due(now=timezone.now() if done else now)):
        with keep_hold(batch):
            for number, notification in enumerate(batch):
                if number and time.monotonic() >= ends:
                    give_back(batch[number:])
                    break
                run(notification)
                done += 1
    return done


def run(notification: SnsNotification) -> None:
    """Carry one leased notification through the pipeline and note how it ended."""
    left = None
    try:
        left = ingest(notification, now=timezone.now())
    except NoUse as reason:
        end(notification, State.IGNORED, error=str(reason), now=timezone.now())
    except Postponed as error:
        put_off(notification, error=str(error), now=timezone.now())
    except Hopeless as error:
        end(notification, State.PARKED, error=str(error), now=timezone.now())
    except Exception as error:
        # A fault of ours or of a mail that we did not foresee: keep it, try again, park it in the end.
        logger.exception("notification %s failed", notification.sns_message_id)
        if notification.attempts >= MAX_TRIES:
            end(notification, State.PARKED, error=repr(error), now=timezone.now())
        else:
            put_off(notification, error=repr(error), now=timezone.now())
    else:
        end(notification, State.DONE, error="", now=timezone.now())
        if left is not None:
            # Of announcements that were worked on side by side, the last to be done sees that all are.
            _clear_away(left, notification)


def ingest(notification: SnsNotification, *, now: datetime) -> Received | None:
    """Announce: what the notification says, in our words. Raises NoUse for what changes nothing here.

    Returns the mail whose object another announcement may still need.
    """
    try:
        event = parse_event(notification.message)
    except UnknownEvent as error:
        raise NoUse(str(error)) from error
    except MalformedEvent as error:
        raise Hopeless(str(error)) from error
    if isinstance(event, SetupNotice):
        raise NoUse(event.text)
    if isinstance(event, Received):
        take_in(event, now=now)
        return None if _clear_away(event, notification) else event
    apply_feedback(event, now=now)
    return None


def take_in(event: Received, *, now: datetime) -> None:
    """Fetch, parse, route and store one mail: one message an organization. Raises Postponed, Hopeless."""
    _refuse_foreign_pointer(event)
    groups = group(event)
    complete_swept(event)
    wanted = [each for each in groups if not already_kept(each, event=event)]
    try:
        for each in groups:
            if each not in wanted:
                remove_what_is_left(each, event=event)
        if wanted:
            _keep(wanted, event=event, now=now)
    except AwsError as error:
        raise Postponed(str(error)) from error
    take_from_staff(groups, event=event, now=now)


def _keep(wanted: Sequence[Group], *, event: Received, now: datetime) -> None:
    """Fetch and parse once, store for each; raises AwsError, Postponed, Hopeless."""
    with scratch_folder() as folder:
        mail, attachments = folder / "mail", folder / "attachments"
        attachments.mkdir()
        fetched = fetch(event, path=mail)
        parsed: ParsedMessage = parse_in_child(mail, attachments_folder=attachments)
        for each in wanted:
            keep_group(each, event=event, parsed=parsed, mail=mail, fetched=fetched, attachments=attachments, now=now)


def _refuse_foreign_pointer(event: Received) -> None:
    """The pointer must be into a bucket and prefix of ours, whoever signed it (reliability T30)."""
    buckets = {settings.INBOUND_BUCKET, *Installation.objects.values_list("bucket", flat=True)} - {""}
    keys = [key for key in event.key_candidates if key.startswith(settings.INBOUND_PREFIX) and ".." not in key]
    if event.bucket not in buckets or not keys:
        raise Hopeless(f"{event.bucket}/{event.key} is not where our mail lies")


def group(event: Received) -> list[Group]:
    """The envelope recipients by the organization that held their name when the mail came; None for nobody."""
    by_organization: dict[int | None, list[Route]] = defaultdict(list)
    for recipient in dict.fromkeys(event.recipients):
        each = route(recipient=recipient, at=event.received_at)
        by_organization[each.domain.organization_id if each.domain else None].append(each)
    return [Group(organization_id, tuple(routes)) for organization_id, routes in by_organization.items()]


@dataclass(frozen=True)
class Fetched:
    """The object as it was fetched: where it lay, its size in bytes and its SHA-256 in hex."""

    key: str
    size: int
    sha256: str


def fetch(event: Received, *, path: Path) -> Fetched:
    """Get the raw mail; raises Postponed while it is not there or S3 is away, Hopeless when it is too large."""
    incoming = [key for key in event.key_candidates if key.startswith(settings.INBOUND_PREFIX)]
    # SES announces a mail once for every rule that matched, and the first announcement clears the incoming object
    # away: a later one, for somebody else, finds the mail among what was kept of it.
    kept = InboundMessage.objects.filter(ses_message_id=event.ses_message_id, bucket=event.bucket)
    keys: Sequence[str] = [*incoming, *kept.exclude(key="").values_list("key", flat=True)]
    for key in keys:
        try:
            found = fetch_to(
                region=settings.SES_REGIONS[0], bucket=event.bucket, key=key, path=path, max_bytes=MAX_RAW_BYTES
            )
        except ObjectMissing:
            continue
        except ObjectTooLarge as error:
            raise Hopeless(str(error)) from error
        except AwsError as error:
            raise Postponed(str(error)) from error
        return Fetched(key=key, size=found.size, sha256=found.sha256)
    raise Postponed(f"there is no object {' or '.join(incoming)} yet")


def _clear_away(event: Received, notification: SnsNotification) -> bool:
    """The incoming prefix holds only what is not done yet, so that sweeping it is cheap; False while it is not done.

    While another announcement of the mail waits, it is not: what this one's organization has may be purged before the
    other's comes to fetch it.
    """
    waiting = SnsNotification.objects.filter(ses_message_id=event.ses_message_id).exclude(state=State.DONE)
    if waiting.exclude(pk=notification.pk).exists():
        return False
    for key in event.key_candidates:
        if key.startswith(settings.INBOUND_PREFIX):
            try:
                delete_object(region=settings.SES_REGIONS[0], bucket=event.bucket, key=key)
            except AwsError as error:
                # Stored is stored; the sweep finds the left-over and sees that it is done.
                logger.warning("could not clear away %s: %s", key, error)
    return True
