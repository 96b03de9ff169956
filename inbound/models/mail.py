"""The messages that notifications became, as each organization has them."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.ids import public_id
from accounts.models import Organization
from channels.models import EmailAccount
from domains.models import Domain
from inbound.one_line import one_line

SHORTEST_RETENTION_DAYS = 1
LONGEST_RETENTION_DAYS = 3650
# Of a stranger's words in a line about the row.
LONGEST_SHOWN = 120


def message_public_id() -> str:
    return public_id("msg")


def attachment_public_id() -> str:
    return public_id("att")


def thread_public_id() -> str:
    return public_id("thr")


class Thread(models.Model):
    """Messages of one conversation within one organization."""

    public_id = models.CharField(max_length=32, unique=True, default=thread_public_id, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="threads")
    subject = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    merged_into = models.ForeignKey(
        "self",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="merged",
        help_text="Where its messages went, when both turned out to be one conversation: its id leads there.",
    )

    def __str__(self) -> str:
        return one_line(self.subject, LONGEST_SHOWN) or self.public_id


class ThreadReference(models.Model):
    """A message id that mails of a conversation have or refer to; within an organization it stands for that one."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    thread = models.ForeignKey(Thread, on_delete=models.CASCADE, related_name="references")
    name = models.CharField(max_length=998, help_text="As `message_ids.reference_name` writes it.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="thread_reference_once")]

    def __str__(self) -> str:
        return self.name


class InboundMessage(models.Model):
    """One mail as one organization has it."""

    class Disposition(models.TextChoices):
        DELIVERED = "delivered", "Delivered"
        HELD = "held", "Held: the domain is suspended"
        UNROUTABLE = "unroutable", "Unroutable"

    public_id = models.CharField(max_length=32, unique=True, default=message_public_id, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, null=True, related_name="messages", help_text="None: for staff only."
    )
    domain = models.ForeignKey(Domain, on_delete=models.SET_NULL, null=True, related_name="messages")
    thread = models.ForeignKey(Thread, on_delete=models.SET_NULL, null=True, related_name="messages")
    inbox = models.ForeignKey(EmailAccount, on_delete=models.SET_NULL, null=True, related_name="messages")
    ses_message_id = models.CharField(max_length=200)
    disposition = models.CharField(max_length=12, choices=Disposition.choices, default=Disposition.DELIVERED)
    received_at = models.DateTimeField()
    stored_at = models.DateTimeField(default=timezone.now, editable=False)

    mail_from = models.CharField(max_length=998, blank=True)
    subject = models.TextField(blank=True)
    from_name = models.TextField(blank=True)
    from_email = models.CharField(max_length=998, blank=True)
    to = models.JSONField(default=list, blank=True)
    cc = models.JSONField(default=list, blank=True)
    reply_to = models.JSONField(default=list, blank=True)
    date = models.DateTimeField(null=True, blank=True, help_text="The Date header; the sender's word.")
    message_id_header = models.CharField(max_length=998, blank=True)
    in_reply_to = models.CharField(max_length=998, blank=True)
    references = models.JSONField(default=list, blank=True)
    text = models.TextField(blank=True)
    is_text_from_html = models.BooleanField(
        default=False, db_default=False, help_text="There is no text part: the text is the HTML's."
    )
    html = models.TextField(blank=True, help_text="As received; sanitised whenever it is shown.")
    headers = models.JSONField(default=list, blank=True)

    bucket = models.CharField(max_length=100, blank=True)
    key = models.CharField(max_length=1024, blank=True)
    region = models.CharField(max_length=30, blank=True)
    size = models.PositiveBigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    parse_status = models.CharField(max_length=10, default="ok")
    defects = models.JSONField(default=list, blank=True)
    spam_verdict = models.CharField(max_length=20, blank=True)
    virus_verdict = models.CharField(max_length=20, blank=True)
    spf_verdict = models.CharField(max_length=20, blank=True)
    dkim_verdict = models.CharField(max_length=20, blank=True)
    dmarc_verdict = models.CharField(max_length=20, blank=True)
    has_attachments = models.BooleanField(default=False)
    trace = models.JSONField(default=list, blank=True, help_text="Why it went where it did, step by step.")
    deleted_at = models.DateTimeField(null=True, blank=True)
    purge_at = models.DateTimeField(
        null=True, blank=True, help_text="Its objects in S3 are to go, and when they are gone this row."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "ses_message_id"], name="message_once_an_organization"),
            models.UniqueConstraint(
                fields=["ses_message_id"], condition=Q(organization__isnull=True), name="message_once_unroutable"
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "-received_at", "-id"], name="message_newest"),
            models.Index(fields=["received_at"], name="message_by_age"),
            models.Index(fields=["ses_message_id"], name="message_by_mail"),
            models.Index(fields=["purge_at", "id"], condition=Q(purge_at__isnull=False), name="message_to_purge"),
            models.Index(fields=["received_at", "id"], condition=Q(disposition="held"), name="message_held"),
        ]

    def __str__(self) -> str:
        return one_line(self.subject, LONGEST_SHOWN) or self.public_id


class Recipient(models.Model):
    """An envelope recipient of a message, of this message's organization only."""

    message = models.ForeignKey(InboundMessage, on_delete=models.CASCADE, related_name="recipients")
    address = models.CharField(max_length=998)
    domain = models.ForeignKey(Domain, on_delete=models.SET_NULL, null=True, related_name="+")
    inbox = models.ForeignKey(EmailAccount, on_delete=models.SET_NULL, null=True, related_name="+")
    # The mail is delivered for others; here it waits, without an inbox, until the domain is resumed.
    is_waiting = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["message", "address"], name="recipient_once")]
        indexes = [models.Index(fields=["domain"], condition=models.Q(is_waiting=True), name="recipients_waiting")]

    def __str__(self) -> str:
        return self.address


class Attachment(models.Model):
    """A part of a message that is offered as a file; its bytes lie in S3 under the organization's prefix."""

    public_id = models.CharField(max_length=32, unique=True, default=attachment_public_id, editable=False)
    message = models.ForeignKey(InboundMessage, on_delete=models.CASCADE, related_name="attachments")
    position = models.PositiveIntegerField()
    filename = models.CharField(max_length=255, blank=True)
    content_type = models.CharField(max_length=200)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    is_inline = models.BooleanField(default=False)
    content_id = models.CharField(max_length=998, blank=True)
    key = models.CharField(max_length=1024)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["message", "position"], name="attachment_once")]

    def __str__(self) -> str:
        return one_line(self.filename, LONGEST_SHOWN) or self.public_id


class DeletedMessage(models.Model):
    """What was deleted stays deleted, although S3 or a late announcement may bring it again."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    ses_message_id = models.CharField(max_length=200)
    deleted_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "ses_message_id"], name="deleted_message_once")]
        indexes = [models.Index(fields=["ses_message_id"], name="deleted_message_by_mail")]

    def __str__(self) -> str:
        return self.ses_message_id


class MailPolicy(models.Model):
    """An organization's choices: how long mail is kept, and whether unknown recipients are."""

    organization = models.OneToOneField(Organization, on_delete=models.CASCADE, related_name="mail_policy")
    retention_days = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(SHORTEST_RETENTION_DAYS), MaxValueValidator(LONGEST_RETENTION_DAYS)],
        help_text="Empty: the installation's.",
    )
    keeps_unknown_recipients = models.BooleanField(default=True)

    class Meta:
        verbose_name_plural = "mail policies"
        constraints = [
            models.CheckConstraint(
                # A zero would remove all mail within the hour.
                condition=Q(retention_days__isnull=True)
                | Q(retention_days__range=(SHORTEST_RETENTION_DAYS, LONGEST_RETENTION_DAYS)),
                name="mail_policy_retention_bounds",
            )
        ]

    def __str__(self) -> str:
        return f"mail policy of {self.organization}"
