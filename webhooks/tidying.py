"""What the outbox need not keep: deliveries that ended long ago, endpoints whose listener has left."""

from __future__ import annotations

from datetime import datetime, timedelta

from webhooks.models import WebhookDelivery, WebhookEndpoint

KEPT = timedelta(days=30)
BATCH = 1000


def tidy(*, now: datetime) -> int:
    """Remove what ended more than 30 days ago, with its attempts; how many deliveries."""
    WebhookEndpoint.objects.filter(listening_until__lte=now).delete()
    # Nobody has enabled the endpoint for as long: what waits for it is given up, and listed as such once more as long.
    WebhookDelivery.objects.filter(
        ended_at__isnull=True, created_at__lt=now - KEPT, endpoint__disabled_at__lt=now - KEPT
    ).update(status=WebhookDelivery.Status.EXHAUSTED, next_attempt_at=None, ended_at=now)
    removed = 0
    while True:
        old = WebhookDelivery.objects.filter(ended_at__lt=now - KEPT).order_by("ended_at").values_list("pk", flat=True)
        batch = list(old[:BATCH])
        if not batch:
            return removed
        WebhookDelivery.objects.filter(pk__in=batch).delete()
        removed += len(batch)
