"""Notifications that were given up on: staff may run them again once the cause is gone."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts.doorbell import ring
from accounts.models import AuditEvent
from inbound.models import SnsNotification


def run_again(*, notification: SnsNotification, actor: str, now: datetime) -> bool:
    """Put a parked notification back into the queue with all its attempts and lives; False if it is parked no more."""
    with transaction.atomic():
        changed = SnsNotification.objects.filter(pk=notification.pk, state=SnsNotification.State.PARKED).update(
            state=SnsNotification.State.WAITING,
            attempts=0,
            deaths=0,
            next_attempt_at=now,
            leased_until=None,
            done_at=None,
        )
        if changed:
            AuditEvent.objects.create(
                at=now, actor=actor, action="notification.run_again", subject=notification.sns_message_id
            )
            ring("inbound.tasks.ingest_due")
    return bool(changed)
