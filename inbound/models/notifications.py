"""The notifications as they came, the queue of record of mail in, and whose turn it is to sweep for the others."""

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
    ses_message_id = models.CharField(
        max_length=200, blank=True, default="", db_default="", help_text="Which mail it is of, where it says so."
    )
    sent_at = models.DateTimeField()
    received_at = models.DateTimeField(default=timezone.now, editable=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    deaths = models.PositiveIntegerField(default=0, help_text="Leases that ended without a word: its worker died.")
    next_attempt_at = models.DateTimeField(default=timezone.now)
    leased_until = models.DateTimeField(null=True, blank=True)
    leased_by = models.CharField(
        max_length=16, blank=True, default="", db_default="", help_text="The taking that has it in hand."
    )
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
            models.Index(fields=["ses_message_id"], condition=~Q(state="done"), name="sns_notification_by_mail"),
            models.Index(fields=["done_at"], condition=Q(done_at__isnull=False), name="sns_notification_ended"),
        ]

    def __str__(self) -> str:
        return self.sns_message_id


class SweepTurn(models.Model):
    """One process at a time sweeps a bucket, and the next goes on where it stopped."""

    bucket = models.CharField(max_length=100, unique=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    after_key = models.CharField(max_length=1024, blank=True, help_text="The last key that was looked at; empty: none.")

    def __str__(self) -> str:
        return self.bucket
