"""Send again what was sent before, or was not accepted: one delivery, or those of a time window."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.doorbell import ring
from accounts.errors import Refusal
from accounts.models import AuditEvent
from webhooks.endpoints import valid_types
from webhooks.events import TEST
from webhooks.models import WebhookDelivery, WebhookEndpoint

# A window is sent at this pace, so that an endpoint which has just come back is not run over.
PAUSE_BETWEEN = timedelta(milliseconds=100)
BATCH = 500


class EndpointDisabled(Refusal):
    code = "webhook_disabled"
    default_message = "The webhook is disabled; enable it first."


class InvalidWindow(Refusal):
    code = "invalid_window"
    default_message = "to must be after from"


def replay_delivery(*, delivery: WebhookDelivery, actor: str, now: datetime) -> WebhookDelivery:
    """Queue it now with its event id and all its attempts before it; raises EndpointDisabled.

    What is being attempted at this moment is left to that attempt.
    """
    with transaction.atomic():
        _demand_enabled(delivery.endpoint)
        _free(now).filter(pk=delivery.pk).update(**_again(now))
        _audit(delivery.endpoint, "webhook.replayed", actor=actor, now=now, delivery=delivery.public_id)
        ring("webhooks.tasks.deliver_due")
    delivery.refresh_from_db()
    return delivery


def replay_window(
    *,
    endpoint: WebhookEndpoint,
    begins_at: datetime,
    ends_at: datetime,
    actor: str,
    now: datetime,
    types: object = None,
    is_dry_run: bool = False,
) -> int:
    """Queue again every event of the window, from `begins_at` up to but not `ends_at`, the oldest first; how many.

    Test events are left out, and what is being attempted at this moment. Raises InvalidWindow, UnknownEventType and,
    unless it is a dry run, EndpointDisabled.
    """
    if ends_at <= begins_at:
        raise InvalidWindow(field="to")
    rows = _free(now).filter(endpoint=endpoint, created_at__gte=begins_at, created_at__lt=ends_at)
    rows = rows.exclude(type=TEST)
    if types is not None:
        rows = rows.filter(type__in=valid_types(types, style=endpoint.style, field="types"))
    if is_dry_run:
        return rows.count()
    with transaction.atomic():
        _demand_enabled(endpoint)
        count = _queue_paced(rows, now=now)
        _audit(endpoint, "webhook.window_replayed", actor=actor, now=now, count=str(count))
        ring("webhooks.tasks.deliver_due")
    return count


def _queue_paced(rows: QuerySet[WebhookDelivery], *, now: datetime) -> int:
    found = list(rows.order_by("created_at", "pk").values_list("pk", "status", "next_attempt_at"))
    queued = 0
    for first in range(0, len(found), BATCH):
        batch = []
        for number, (pk, status, waits_for) in enumerate(found[first : first + BATCH], start=first):
            at = now + number * PAUSE_BETWEEN
            if status == WebhookDelivery.Status.PENDING and waits_for is not None:
                # It is in the queue, untried: to ask for it once more must not put it off.
                at = min(at, waits_for)
            batch.append(WebhookDelivery(pk=pk, **_again(at)))
        # What has been taken up since stays with its attempt.
        queued += _free(now).bulk_update(batch, list(_again(now)))
    return queued


def _free(now: datetime) -> QuerySet[WebhookDelivery]:
    return WebhookDelivery.objects.filter(Q(leased_until__isnull=True) | Q(leased_until__lte=now))


def _again(at: datetime) -> dict[str, Any]:
    return {"status": WebhookDelivery.Status.PENDING, "tries": 0, "next_attempt_at": at, "ended_at": None}


def _demand_enabled(endpoint: WebhookEndpoint) -> None:
    if not WebhookEndpoint.objects.filter(pk=endpoint.pk, status=WebhookEndpoint.Status.ENABLED).exists():
        raise EndpointDisabled


def _audit(endpoint: WebhookEndpoint, action: str, *, actor: str, now: datetime, **details: str) -> None:
    AuditEvent.objects.create(
        organization_id=endpoint.organization_id,
        at=now,
        actor=actor[:200],
        action=action,
        subject=endpoint.public_id,
        details=details,
    )
