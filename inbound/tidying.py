"""What the queue of record and the fates of sent mail need not keep: what came to an end long ago."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TypeVar

from django.db.models import Model, QuerySet

from inbound.models import SendingFeedback, SentMessage, SnsNotification

# Longer than SNS tries and SQS keeps (14 days): afterwards the messages and their ledger guard against a second one.
NOTIFICATIONS_KEPT = timedelta(days=30)
# Complaints come weeks after the mail.
FATES_KEPT = timedelta(days=90)
BATCH = 1000

State = SnsNotification.State
Row = TypeVar("Row", bound=Model)


def tidy(*, now: datetime) -> int:
    """Remove notifications that ended 30 days ago, and sent mail with its fates after 90; how many rows.

    What is parked stays: it is work that staff have not decided on.
    """
    ended = SnsNotification.objects.filter(
        done_at__lt=now - NOTIFICATIONS_KEPT, state__in=(State.DONE, State.IGNORED)
    ).order_by("done_at")
    told = SendingFeedback.objects.filter(stored_at__lt=now - FATES_KEPT).order_by("stored_at")
    sent = SentMessage.objects.filter(created_at__lt=now - FATES_KEPT).order_by("created_at")
    return _remove(ended) + _remove(told) + _remove(sent)


def _remove(rows: QuerySet[Row]) -> int:
    """A batch at a time, so that no statement holds many rows."""
    removed = 0
    while batch := list(rows.values_list("pk", flat=True)[:BATCH]):
        rows.model._default_manager.filter(pk__in=batch).delete()
        removed += len(batch)
    return removed
