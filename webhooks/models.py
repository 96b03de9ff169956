"""Where an organization wants to be told, and the outbox: what it is to be told, and every attempt to do so."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.ids import public_id
from accounts.models import Organization


def endpoint_public_id() -> str:
    return public_id("whk")


def delivery_public_id() -> str:
    return public_id("dlv")


class WebhookEndpoint(models.Model):
    """An address of a customer's system, the events that it wants, and how it has been answering."""

    class Style(models.TextChoices):
        STANDARD = "standard", "Standard"
        BY_NAME = "by_name", "By name"

    class Status(models.TextChoices):
        ENABLED = "enabled", "Enabled"
        DISABLED = "disabled", "Disabled"

    class Reason(models.TextChoices):
        BY_OWNER = "by_owner", "Switched off by the owner"
        BY_STAFF = "by_staff", "Switched off by staff"
        GONE = "gone", "The endpoint answered 410 Gone"
        FAILING = "failing", "Nothing but failures for five days"

    public_id = models.CharField(max_length=32, unique=True, default=endpoint_public_id, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="webhook_endpoints")
    url = models.CharField(max_length=2000)
    events = models.JSONField(default=list, help_text="Event types, as the catalogue names them.")
    style = models.CharField(max_length=10, choices=Style.choices, default=Style.STANDARD)
    secret_encrypted = models.TextField(editable=False)
    previous_secret_encrypted = models.TextField(blank=True, editable=False, help_text="Signs as well while it lives.")
    previous_secret_until = models.DateTimeField(null=True, blank=True, editable=False)

    status = models.CharField(max_length=10, choices=Status.choices, default=Status.ENABLED)
    disabled_reason = models.CharField(max_length=10, choices=Reason.choices, blank=True)
    disabled_at = models.DateTimeField(null=True, blank=True)
    last_success_at = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True, help_text="The first failure since the last success.")
    last_failure_at = models.DateTimeField(null=True, blank=True)
    listening_until = models.DateTimeField(
        null=True, blank=True, help_text="Set for `manage.py listen`, which makes the attempts itself until then."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        indexes = [models.Index(fields=["organization", "-created_at", "-id"], name="webhook_endpoint_newest")]

    def __str__(self) -> str:
        return self.url

    @property
    def is_enabled(self) -> bool:
        return self.status == self.Status.ENABLED


class WebhookDeliveryQuerySet(models.QuerySet["WebhookDelivery"]):
    def due(self, now: datetime) -> WebhookDeliveryQuerySet:
        """Wanted now, in nobody's hands, and the worker's to make: not a listener's, not a disabled endpoint's."""
        return self.filter(
            Q(leased_until__isnull=True) | Q(leased_until__lte=now),
            next_attempt_at__lte=now,
            endpoint__status=WebhookEndpoint.Status.ENABLED,
            endpoint__listening_until__isnull=True,
        )


class WebhookDelivery(models.Model):
    """One event for one endpoint: the outbox, written in the transaction of the fact.

    `event_id` is the same for every endpoint and every attempt; `body` is the exact text that is sent.
    """

    class Status(models.TextChoices):
        PENDING = "pending", "Pending: not tried yet"
        SUCCEEDED = "succeeded", "Succeeded"
        FAILED = "failed", "Failed: will be tried again"
        EXHAUSTED = "exhausted", "Exhausted: no attempt is left"

    public_id = models.CharField(max_length=32, unique=True, default=delivery_public_id, editable=False)
    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries")
    event_id = models.CharField(max_length=32)
    type = models.CharField(max_length=40)
    body = models.TextField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    tries = models.PositiveSmallIntegerField(default=0, help_text="Attempts since it was made or replayed.")
    next_attempt_at = models.DateTimeField(null=True, blank=True, help_text="Empty when no attempt is left.")
    leased_until = models.DateTimeField(null=True, blank=True, help_text="An attempt is under way until then.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = WebhookDeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "webhook deliveries"
        constraints = [models.UniqueConstraint(fields=["endpoint", "event_id"], name="webhook_event_once_an_endpoint")]
        indexes = [
            models.Index(fields=["endpoint", "-created_at", "-id"], name="webhook_delivery_newest"),
            models.Index(
                fields=["next_attempt_at"], condition=Q(next_attempt_at__isnull=False), name="webhook_delivery_due"
            ),
            models.Index(fields=["ended_at"], condition=Q(ended_at__isnull=False), name="webhook_delivery_ended"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"


class DeliveryAttempt(models.Model):
    """One call of an endpoint and how it ended; `response` is the first KB of the answer as text."""

    delivery = models.ForeignKey(WebhookDelivery, on_delete=models.CASCADE, related_name="attempts")
    at = models.DateTimeField()
    status_code = models.PositiveSmallIntegerField(null=True, blank=True)
    error = models.CharField(max_length=200, blank=True, help_text="Empty for an answer of 2xx.")
    duration_ms = models.PositiveIntegerField()
    response = models.TextField(blank=True)

    class Meta:
        indexes = [models.Index(fields=["delivery", "at", "id"], name="delivery_attempt_in_order")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.status_code or self.error}"
