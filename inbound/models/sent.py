"""The mails that we sent, and what Amazon SES told of them later."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from accounts.ids import public_id
from accounts.models import Organization
from domains.models import Domain


def sent_message_public_id() -> str:
    return public_id("snt")


class SentMessage(models.Model):
    """A mail that we sent for an organization, written down before Amazon SES is asked to send it."""

    class Status(models.TextChoices):
        SENDING = "sending", "Sending: the answer is not there, or was lost"
        SENT = "sent", "Sent"
        REFUSED = "refused", "Refused"
        DELIVERED = "delivered", "Delivered"
        BOUNCED = "bounced", "Bounced"
        COMPLAINED = "complained", "Complained about"

    public_id = models.CharField(max_length=32, unique=True, default=sent_message_public_id, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="sent_messages")
    domain = models.ForeignKey(Domain, on_delete=models.CASCADE, related_name="sent_messages")
    ses_message_id = models.CharField(max_length=200, blank=True, db_index=True)
    from_address = models.CharField(max_length=320)
    to_address = models.CharField(max_length=320)
    message_class = models.CharField(max_length=20, help_text="What kind of mail it stands for, as SES is told.")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.SENDING)
    error = models.TextField(blank=True)
    fate_at = models.DateTimeField(null=True, blank=True, help_text="When SES told what became of it.")
    actor = models.CharField(max_length=200)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["organization", "-created_at", "-id"], name="sent_message_newest"),
            models.Index(fields=["created_at"], name="sent_message_by_age"),
        ]

    def __str__(self) -> str:
        return f"to {self.to_address}"


class SendingFeedback(models.Model):
    """What SES told of a mail sent from a domain: one row a kind and recipient, however often it is announced."""

    class Kind(models.TextChoices):
        DELIVERY = "delivery", "Delivered"
        BOUNCE = "bounce", "Bounced"
        COMPLAINT = "complaint", "Complained about"
        REJECT = "reject", "Rejected by Amazon SES"

    domain = models.ForeignKey(Domain, on_delete=models.CASCADE, related_name="sending_feedback")
    sent_message = models.ForeignKey(
        SentMessage, on_delete=models.SET_NULL, null=True, blank=True, related_name="feedback"
    )
    ses_message_id = models.CharField(max_length=200)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    recipient = models.CharField(max_length=998, blank=True)
    is_permanent = models.BooleanField(default=False, help_text="A bounce that trying again can not help.")
    detail = models.TextField(blank=True, help_text="The other server's words.")
    at = models.DateTimeField()
    stored_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name_plural = "sending feedback"
        constraints = [
            models.UniqueConstraint(fields=["ses_message_id", "kind", "recipient"], name="sending_feedback_once")
        ]
        indexes = [
            models.Index(fields=["domain", "-at", "-id"], name="sending_feedback_newest"),
            models.Index(fields=["stored_at"], name="sending_feedback_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.recipient}".strip()
