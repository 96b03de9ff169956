"""A Domain is one organization's claim on a name; a DomainEvent is a line of its history."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.ids import public_id
from accounts.models import Organization
from domains.records import SpfMode
from domains.states import REASON_TEXTS, Health, Reason, Status

STATUS_CHOICES = [(status.value, status.value.capitalize()) for status in Status]
REASON_CHOICES = [(reason.value, REASON_TEXTS[reason]) for reason in Reason if reason]

HEALTH_CHOICES = [(health.value, health.value.capitalize()) for health in Health]
SPF_MODE_CHOICES = [(mode.value, mode.value.replace("_", " ").capitalize()) for mode in SpfMode]


def domain_public_id() -> str:
    return public_id("dom")


def event_public_id() -> str:
    return public_id("evt")


class DomainQuerySet(models.QuerySet["Domain"]):
    def live(self) -> DomainQuerySet:
        """Claims that have not been removed."""
        return self.filter(removed_at__isnull=True)

    def proved(self) -> DomainQuerySet:
        """Live claims whose organization has proved the name: those that mail is routed to."""
        return self.live().filter(proved_at__isnull=False)

    def due(self, now: datetime) -> DomainQuerySet:
        """Live claims that the poller should look at now, the longest waiting first."""
        return self.live().filter(next_check_at__lte=now).order_by("next_check_at")


class Domain(models.Model):
    """A claim: whose, on which name, how far it has come, and what SES said last in its own words."""

    public_id = models.CharField(max_length=32, unique=True, default=domain_public_id, editable=False)
    uuid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="domains")
    name = models.CharField(max_length=253, db_index=True, help_text="Lower-case A-labels, no trailing dot.")
    region = models.CharField(max_length=30)

    status = models.CharField(max_length=10, choices=STATUS_CHOICES, default=Status.PENDING.value)
    reason = models.CharField(max_length=30, choices=REASON_CHOICES, default=Reason.AWAITING_DNS.value, blank=True)
    status_before_suspension = models.CharField(max_length=10, blank=True, choices=STATUS_CHOICES)
    is_default = models.BooleanField(default=False)
    is_receiving = models.BooleanField(default=True)
    dmarc_value = models.CharField(max_length=500, help_text="The DMARC record that is proposed for this domain.")
    is_dmarc_wanted = models.BooleanField(default=True, help_text="Propose a DMARC record at all.")
    is_sending = models.BooleanField(default=True, help_text="The owner wants mail to be sent from this domain.")
    spf_mode = models.CharField(max_length=20, choices=SPF_MODE_CHOICES, default=SpfMode.CREATE_IF_MISSING.value)
    spf_value = models.TextField(blank=True, help_text="The SPF record of the mode that forces one.")
    mail_from_label = models.CharField(max_length=63, blank=True, help_text="Label of the custom MAIL FROM subdomain.")

    is_contested = models.BooleanField(default=False)
    claim_token = models.CharField(max_length=64, blank=True, help_text="Set while the claim is contested.")
    proved_at = models.DateTimeField(null=True, blank=True)
    verified_at = models.DateTimeField(null=True, blank=True, help_text="The first activation; set once.")

    verification_status = models.CharField(max_length=20, default="NOT_STARTED", help_text="SES's own word.")
    dkim_status = models.CharField(max_length=20, default="NOT_STARTED", help_text="SES's own word.")
    mail_from_status = models.CharField(max_length=20, blank=True, help_text="SES's own word.")
    identity_is_ours = models.BooleanField(default=True, help_text="The SES identity carries our tag.")

    generation = models.PositiveIntegerField(default=1, help_text="Counts the sets of tokens that were handed out.")
    claim_started_at = models.DateTimeField(help_text="The claim's 72 h run from here.")
    checked_at = models.DateTimeField(null=True, blank=True)
    dns_checked_at = models.DateTimeField(null=True, blank=True)
    next_check_at = models.DateTimeField(null=True, blank=True)
    checks_in_a_row = models.PositiveIntegerField(default=0, help_text="Steps of the back-off since it was reset.")
    leased_until = models.DateTimeField(null=True, blank=True, help_text="A poller is looking until then.")
    zone = models.CharField(max_length=253, blank=True, help_text="The zone that really holds the name.")
    name_servers = models.JSONField(default=list, blank=True)
    dns_summary = models.JSONField(default=dict, blank=True, help_text="What domains.dns.summary made of the DNS.")

    health = models.CharField(max_length=10, choices=HEALTH_CHOICES, default="healthy")
    health_changed_at = models.DateTimeField(null=True, blank=True)

    sent_count = models.PositiveBigIntegerField(default=0)
    delivered_count = models.PositiveBigIntegerField(default=0)
    bounced_count = models.PositiveBigIntegerField(default=0)
    complained_count = models.PositiveBigIntegerField(default=0)
    received_count = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    removed_at = models.DateTimeField(null=True, blank=True)

    objects = DomainQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "name"], condition=Q(removed_at__isnull=True), name="domain_live_claim_once"
            ),
            models.UniqueConstraint(
                fields=["name"],
                condition=Q(proved_at__isnull=False, removed_at__isnull=True),
                name="domain_one_proved_owner",
            ),
            models.UniqueConstraint(
                fields=["organization"],
                condition=Q(is_default=True, removed_at__isnull=True),
                name="domain_one_default",
            ),
            models.CheckConstraint(
                condition=~Q(status=Status.ACTIVE.value) | Q(proved_at__isnull=False), name="domain_active_is_proved"
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "-created_at", "-id"], name="domain_of_organization"),
            models.Index(fields=["next_check_at"], condition=Q(removed_at__isnull=True), name="domain_due"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_proved(self) -> bool:
        return self.proved_at is not None

    @property
    def is_ses_verified(self) -> bool:
        """SES holds the identity as verified; TEMPORARY_FAILURE is its 72-hour warning, not yet a loss."""
        return self.verification_status in ("SUCCESS", "TEMPORARY_FAILURE")

    @property
    def can_send(self) -> bool:
        return self.is_proved and self.is_ses_verified and self.status != Status.SUSPENDED


class DomainEvent(models.Model):
    """A fact in a domain's history, with what was before and after and the evidence for it."""

    public_id = models.CharField(max_length=32, unique=True, default=event_public_id, editable=False)
    domain = models.ForeignKey(Domain, on_delete=models.CASCADE, related_name="events")
    type = models.CharField(max_length=60)
    at = models.DateTimeField(default=timezone.now, editable=False)
    actor = models.CharField(max_length=200, default="system")
    before = models.CharField(max_length=60, blank=True)
    after = models.CharField(max_length=60, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    evidence = models.JSONField(default=dict, blank=True)

    class Meta:
        indexes = [models.Index(fields=["domain", "-at", "-id"], name="domain_event_newest")]

    def __str__(self) -> str:
        return f"{self.type} {self.before} -> {self.after}".strip()
