"""How long mail is kept: what is older than the organization's retention goes, rows and objects."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.models import AuditEvent
from inbound import purging
from inbound.models import InboundMessage, MailPolicy

BATCH = 200
# What was not delivered: held while a domain was suspended, or meant for nobody.
UNDELIVERED_DAYS = 30
ACTOR = "retention"


def expire(*, now: datetime) -> int:
    """Hide expired messages, the oldest first, and remove all that is to go; how many were removed.

    While S3 is away they are hidden and stay: the next run removes them.
    """
    while _mark_expired(now):
        pass
    return purging.purge_due(now=now)


def _mark_expired(now: datetime) -> bool:
    """A batch of them, with a line of the audit for each organization; False where none is left."""
    oldest = _expired(now).filter(purge_at__isnull=True).order_by("received_at", "pk").values_list("pk", flat=True)
    pks = list(oldest[:BATCH])
    with transaction.atomic():
        # Looked at once more under the lock: what was released or is kept longer meanwhile stays.
        marked = purging.mark(_expired(now).filter(pk__in=pks), now=now)
        counts = Counter(organization_id for _, organization_id in marked)
        AuditEvent.objects.bulk_create(
            [
                AuditEvent(
                    organization_id=organization_id,
                    at=now,
                    actor=ACTOR,
                    action="messages.expired",
                    details={"messages": count},
                )
                for organization_id, count in counts.items()
            ]
        )
    return bool(marked)


def _expired(now: datetime) -> QuerySet[InboundMessage]:
    def older_than(days: int) -> Q:
        return Q(received_at__lt=now - timedelta(days=days))

    expired = older_than(UNDELIVERED_DAYS) & ~Q(disposition=InboundMessage.Disposition.DELIVERED)
    expired |= older_than(settings.MAIL_RETENTION_DAYS) & Q(organization__mail_policy__retention_days=None)
    for days in MailPolicy.objects.values_list("retention_days", flat=True).distinct():
        if days is not None:
            expired |= older_than(days) & Q(organization__mail_policy__retention_days=days)
    return InboundMessage.objects.filter(expired)
