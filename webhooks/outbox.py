"""Work off the outbox: lease what is due, call the endpoints side by side, and note how each attempt ended.

Only the calls run in threads; the database is spoken to by the caller alone. A lease ends by itself, so what a dead
worker held is tried again, with the same event id. No endpoint gets more than its share of the calls, and those that
fail share a few: a dead one keeps none of the others waiting.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Collection, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from typing import NamedTuple

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.db import transaction
from django.db.models import Min
from django.utils import timezone

from accounts.doorbell import ring
from webhooks.delivery import DEADLINE_SECONDS, Answer, Call, attempt
from webhooks.endpoints import signing_keys
from webhooks.health import note_failure, note_success
from webhooks.models import DeliveryAttempt, WebhookDelivery, WebhookEndpoint
from webhooks.schedule import next_attempt_at
from webhooks.signing import signed_headers
from webhooks.targets import Network

logger = logging.getLogger(__name__)

CALLS = 32
CALLS_TO_FAILING = 8
# However many endpoints it has, and however slowly they answer.
CALLS_AN_ORGANIZATION = 16
CALLS_AN_ENDPOINT = 4
CALLS_A_FAILING_ENDPOINT = 1
LEASE = timedelta(seconds=DEADLINE_SECONDS * 4)
# After so long another run takes over, which other work of the worker may go before; this one sees its calls home.
TAKING_SECONDS = 20.0
LOOK_AGAIN_SECONDS = 0.2

_one_taker_a_process = threading.Lock()
_rung = threading.Event()


def deliver_due(*, now: datetime) -> int:
    """Make the attempts that are due and those that come due meanwhile; how many were made.

    One run a process takes: whoever rings meanwhile is served by it.
    """
    made, ends = 0, time.monotonic() + TAKING_SECONDS
    _rung.set()
    with ThreadPoolExecutor(max_workers=CALLS, thread_name_prefix="webhook") as pool:
        flying: dict[Future[Answer], WebhookDelivery] = {}
        while _rung.is_set() and time.monotonic() < ends and _one_taker_a_process.acquire(blocking=False):
            try:
                _rung.clear()
                made += _take_and_land(pool, flying, now=timezone.now() if made else now, ends=ends)
            finally:
                _one_taker_a_process.release()
        if time.monotonic() >= ends:
            ring("webhooks.tasks.deliver_due")
        while flying:
            made += _land(flying)
    return made


def _take_and_land(
    pool: ThreadPoolExecutor, flying: dict[Future[Answer], WebhookDelivery], *, now: datetime, ends: float
) -> int:
    """Keep the calls going until nothing is due and all have ended, or the time to take is over; how many ended."""
    made = 0
    while time.monotonic() < ends:
        for delivery in take_due(flying=flying.values(), now=timezone.now() if made or flying else now):
            flying[pool.submit(send, delivery, timezone.now())] = delivery
        if not flying:
            break
        made += _land(flying)
    return made


def _land(flying: dict[Future[Answer], WebhookDelivery]) -> int:
    """Wait a moment for calls to end and write down those that did, each by itself: no fault of one costs another."""
    landed = wait(flying, timeout=LOOK_AGAIN_SECONDS, return_when=FIRST_COMPLETED).done
    for future in landed:
        delivery = flying.pop(future)
        try:
            record(delivery, future.result(), now=timezone.now())
        except Exception:
            logger.exception("the answer to %s could not be recorded", delivery.public_id)
            _record_fault(delivery, now=timezone.now())
    return len(landed)


def take_due(*, flying: Collection[WebhookDelivery], now: datetime) -> list[WebhookDelivery]:
    """Lease what may be called beside what is flying already, each endpoint its share.

    The organization with the fewest calls under way goes first, then the endpoint that waits longest. Endpoints that
    fail are looked for apart from the others, so that however many wait they hide none that works.
    """
    free = CALLS - len(flying)
    free_for_failing = CALLS_TO_FAILING - sum(each.endpoint.failing_since is not None for each in flying)
    if free <= 0:
        return []
    calls = Counter(each.endpoint.organization_id for each in flying)
    waiting = [*_waiting(now, is_failing=False), *_waiting(now, is_failing=True)]
    waiting.sort(key=lambda each: (calls[each.organization_id], each.since))
    share = max(1, free // max(1, len(waiting)))
    taken: list[WebhookDelivery] = []
    for each in waiting:
        of_organization = CALLS_AN_ORGANIZATION - calls[each.organization_id]
        room = min(share, free - len(taken), of_organization, free_for_failing if each.is_failing else free)
        if room > 0:
            leased = _lease(each.endpoint_id, most=room, now=now)
            free_for_failing -= len(leased) if each.is_failing else 0
            calls[each.organization_id] += len(leased)
            taken += leased
    return taken


class _Waiting(NamedTuple):
    """An endpoint with something due, and since when."""

    endpoint_id: int
    organization_id: int
    since: datetime
    is_failing: bool


def _waiting(now: datetime, *, is_failing: bool) -> list[_Waiting]:
    found = (
        WebhookDelivery.objects.due(now)
        .filter(endpoint__failing_since__isnull=not is_failing)
        .values_list("endpoint_id", "endpoint__organization_id")
        .annotate(first=Min("next_attempt_at"))
        .order_by("first")[: 4 * CALLS]
    )
    return [_Waiting(endpoint, organization, first, is_failing) for endpoint, organization, first in found]


def _lease(endpoint_id: int, *, most: int, now: datetime) -> list[WebhookDelivery]:
    """Up to `most` due deliveries of one endpoint within its own limit, over all processes."""
    with transaction.atomic():
        # The lock makes the count of live leases true until ours are written; whoever holds it is leasing already.
        endpoint = WebhookEndpoint.objects.select_for_update(skip_locked=True).filter(pk=endpoint_id).first()
        if endpoint is None:
            return []
        limit = CALLS_A_FAILING_ENDPOINT if endpoint.failing_since else CALLS_AN_ENDPOINT
        live = WebhookDelivery.objects.filter(endpoint=endpoint, leased_until__gt=now).count()
        due = WebhookDelivery.objects.due(now).filter(endpoint=endpoint).order_by("next_attempt_at", "pk")
        taken = list(due[: max(0, min(most, limit - live))])
        until = now + LEASE
        WebhookDelivery.objects.filter(pk__in=[delivery.pk for delivery in taken]).update(leased_until=until)
    for delivery in taken:
        delivery.endpoint, delivery.leased_until = endpoint, until
    return taken


def send(delivery: WebhookDelivery, now: datetime, allowed: Sequence[Network] | None = None) -> Answer:
    """Sign and make one attempt; touches no database, raises nothing. `allowed` in place of WEBHOOK_ALLOWED_TARGETS."""
    endpoint = delivery.endpoint
    try:
        keys = signing_keys(endpoint, now=now)
        headers = signed_headers(event_id=delivery.event_id, body=delivery.body, keys=keys, now=now)
        networks = settings.WEBHOOK_ALLOWED_TARGETS if allowed is None else allowed
        return attempt(Call(endpoint.url, delivery.body, headers, networks))
    except InvalidToken:
        logger.error("the secret of %s can not be decrypted: is a key missing in ENCRYPTION_KEYS?", endpoint.public_id)
        return Answer(None, "the signing secret can not be read", 0)
    except Exception:
        # A fault of ours that nobody foresaw may cost this attempt, not the run of all the others.
        logger.exception("the attempt of %s failed", delivery.public_id)
        return Answer(None, "the attempt could not be made", 0)


def record(delivery: WebhookDelivery, answer: Answer, *, now: datetime) -> None:
    """List the attempt, say when the next one is, and what it means for the endpoint.

    Where the lease has passed to somebody else the attempt is listed and no more.
    """
    with transaction.atomic():
        if not _count(delivery, answer, now=now) and not WebhookDelivery.objects.filter(pk=delivery.pk).exists():
            return
        list_attempt(delivery, answer, now=now)
        if answer.is_success:
            note_success(endpoint=delivery.endpoint, now=now)
        else:
            note_failure(endpoint=delivery.endpoint, is_gone=answer.is_gone, now=now)


def _count(delivery: WebhookDelivery, answer: Answer, *, now: datetime) -> bool:
    """Count the attempt, say when the next one is and end the lease; False if that has passed to somebody else."""
    tries = delivery.tries + 1
    next_at = None
    if not answer.is_success and not answer.is_gone:
        next_at = next_attempt_at(tries=tries, retry_after=answer.retry_after, now=now)
    held = WebhookDelivery.objects.filter(pk=delivery.pk, leased_until=delivery.leased_until).update(
        status=_status(answer, is_last=next_at is None),
        tries=tries,
        next_attempt_at=next_at,
        leased_until=None,
        ended_at=now if next_at is None else None,
    )
    return bool(held)


def _record_fault(delivery: WebhookDelivery, *, now: datetime) -> None:
    """Count as failed an attempt whose answer can not be recorded, or it would be made at each lease's end for ever.

    Nothing of the answer is used, and the fault, which is ours, says nothing of the endpoint. Raises nothing.
    """
    answer = Answer(None, "the answer could not be recorded", 0)
    try:
        with transaction.atomic():
            if _count(delivery, answer, now=now):
                list_attempt(delivery, answer, now=now)
    except Exception:
        # The database takes nothing now; once it does, the lease has ended and the attempt is made again.
        logger.exception("the attempt of %s could not be counted", delivery.public_id)


def _status(answer: Answer, *, is_last: bool) -> str:
    if answer.is_success:
        return WebhookDelivery.Status.SUCCEEDED
    return WebhookDelivery.Status.EXHAUSTED if is_last else WebhookDelivery.Status.FAILED


def record_only_attempt(delivery: WebhookDelivery, answer: Answer, *, now: datetime) -> None:
    """List an attempt after which no other is made, whatever it says of the endpoint."""
    with transaction.atomic():
        if WebhookDelivery.objects.filter(pk=delivery.pk).update(
            status=_status(answer, is_last=True), tries=1, next_attempt_at=None, leased_until=None, ended_at=now
        ):
            list_attempt(delivery, answer, now=now)


def list_attempt(delivery: WebhookDelivery, answer: Answer, *, now: datetime) -> DeliveryAttempt:
    return DeliveryAttempt.objects.create(
        delivery=delivery,
        at=now - timedelta(milliseconds=answer.duration_ms),
        status_code=answer.status_code,
        error=answer.error[:200],
        duration_ms=answer.duration_ms,
        response=answer.response,
    )
