"""How an endpoint has been answering, and when it is switched off for it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

from accounts.notices import tell_owners
from webhooks.endpoints import disable_endpoint
from webhooks.models import WebhookEndpoint

DISABLE_AFTER = timedelta(days=5)
# A busy endpoint's row is not written for each of its successes.
NOTE_SUCCESS_EVERY = timedelta(seconds=1)
SYSTEM = "system"

_TOLD = {
    WebhookEndpoint.Reason.GONE: "it answered 410 Gone, which asks never to be called again",
    WebhookEndpoint.Reason.FAILING: f"every attempt of the last {DISABLE_AFTER.days} days failed",
}


def note_success(*, endpoint: WebhookEndpoint, now: datetime) -> None:
    WebhookEndpoint.objects.filter(
        Q(failing_since__isnull=False)
        | Q(last_success_at__isnull=True)
        | Q(last_success_at__lte=now - NOTE_SUCCESS_EVERY),
        pk=endpoint.pk,
    ).update(last_success_at=now, failing_since=None, last_failure_at=None)


def note_failure(*, endpoint: WebhookEndpoint, is_gone: bool, now: datetime) -> None:
    """Keep the time of the first failure in a row; switch the endpoint off after five days, and at once if gone."""
    row = WebhookEndpoint.objects.filter(pk=endpoint.pk, url=endpoint.url)
    if not row.exists():
        # The owner has given it another address meanwhile, of which this failure says nothing.
        return
    # After five quiet days an old failure says nothing of today: the count begins anew.
    began = row.filter(
        Q(failing_since__isnull=True) | Q(last_failure_at__isnull=True) | Q(last_failure_at__lte=now - DISABLE_AFTER)
    ).update(failing_since=now, last_failure_at=now)
    if not began:
        row.update(last_failure_at=now)
    if is_gone:
        _switch_off(endpoint, WebhookEndpoint.Reason.GONE, now=now)
    elif row.filter(failing_since__lte=now - DISABLE_AFTER).exists():
        _switch_off(endpoint, WebhookEndpoint.Reason.FAILING, now=now)


def _switch_off(endpoint: WebhookEndpoint, reason: WebhookEndpoint.Reason, *, now: datetime) -> None:
    if not disable_endpoint(endpoint=endpoint, reason=reason, actor=SYSTEM, now=now):
        return
    tell_owners(
        organization=endpoint.organization,
        kind="webhook.disabled",
        subject="A webhook was switched off",
        body=(
            f"We switched off the webhook {endpoint.url} because {_TOLD[reason]}.\n\n"
            "It is told of nothing new while it is off. Once it answers again, enable it: what was waiting for it is "
            "sent at once, and what had used up its attempts can be replayed for a time window.\n"
        ),
        key=f"webhook.disabled:{endpoint.public_id}:{now.isoformat()}",
        now=now,
    )
