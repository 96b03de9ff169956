"""The notifications as they came: the queue of record of mail in."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils import timezone


class SnsNotificationQuerySet(models.QuerySet["SnsNotification"]):
    def due(self, now: datetime) -> SnsNotificationQuerySet:
        """Neither done nor parked, wanted now, and in nobody's hands."""
        return self.filter(
            Q(leased_until__isnull=True) | Q(leased_until__lte=now), state="waiting", next_attempt_at__lte=now
        ).order_by("next_attempt_at", "id")


class SnsNotification(models.Model):
    """A notification as it came through a door: the queue of record of mail in."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        DONE = "done", "Done"
        PARKED = "parked", "Parked"
        IGNORED = "ignored", "Ignored"

    class Source(models.TextChoices):
        SNS = "sns", "SNS over HTTP"
        SQS = "sqs", "SQS"
        SWEEP = "sweep", "S3 sweep"

    sns_message_id = models.CharField(max_length=100, unique=True)
    topic_arn = models.CharField(max_length=300)
    source = models.CharField(max_length=5, choices=Source.choices, default=Source.SNS)
    message = models.TextField(help_text="The signed Message, verbatim.")
    sent_at = models.DateTimeField()
    received_at = models.DateTimeField(default=timezone.now, editable=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    deaths = models.PositiveIntegerField(default=0, help_text="Leases that ended without a word: its worker died.")
    next_attempt_at = models.DateTimeField(default=timezone.now)
    leased_until = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)
    done_at = models.DateTimeField(null=True, blank=True)

    objects = SnsNotificationQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["next_attempt_at", "id"], condition=Q(state="waiting"), name="sns_notification_due"),
            # The few that a worker has or had in hand, among however many that wait.
            models.Index(
                fields=["deaths", "id"],
                condition=Q(Q(deaths__gt=0) | Q(leased_until__isnull=False), state="waiting"),
                name="sns_notification_in_hand",
            ),
        ]

    def __str__(self) -> str:
        return self.sns_message_id
