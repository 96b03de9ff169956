"""Where we may write DNS, what we wrote there, and how the last attempt ended."""

from __future__ import annotations

import secrets

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.ids import public_id
from accounts.models import Organization
from domains.models.domain import Domain

HOST_CHOICES = [("route53", "Amazon Route 53"), ("cloudflare", "Cloudflare")]


def dns_host_credential_public_id() -> str:
    return public_id("dhc")


def hand_over_public_id() -> str:
    return public_id("hov")


def new_external_id() -> str:
    return f"postern-{secrets.token_hex(16)}"


class DnsHostCredential(models.Model):
    """An organization's own way into its zones: a role that trusts this installation by an ExternalId, or a token."""

    public_id = models.CharField(max_length=32, unique=True, default=dns_host_credential_public_id, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="dns_host_credentials")
    host = models.CharField(max_length=20, choices=HOST_CHOICES)
    label = models.CharField(max_length=100, blank=True)
    role_arn = models.CharField(max_length=300, blank=True)
    token = models.TextField(blank=True, editable=False, help_text="Encrypted; never shown again.")
    external_id = models.CharField(max_length=100, unique=True, default=new_external_id, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    checked_at = models.DateTimeField(null=True, blank=True, help_text="The last time that the host was asked with it.")
    last_error = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "host", "role_arn"], condition=~Q(role_arn=""), name="dns_host_credential_once"
            )
        ]

    def __str__(self) -> str:
        return self.label or self.role_arn or f"{self.get_host_display()} of {self.organization}"

    @property
    def is_complete(self) -> bool:
        """Whether it can be used: a role's ExternalId is given out before its ARN is known."""
        return bool(self.role_arn or self.token)


class AssignedZone(models.Model):
    """A zone of the installation's own account that staff let an organization's domains be written into."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="assigned_zones")
    host = models.CharField(max_length=20, choices=HOST_CHOICES)
    zone_id = models.CharField(max_length=100, help_text="As the host writes it, for Route 53 without /hostedzone/.")
    note = models.CharField(max_length=200, blank=True)
    assigned_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "host", "zone_id"], name="assigned_zone_once"),
        ]

    def __str__(self) -> str:
        return f"{self.zone_id} for {self.organization}"


class Publication(models.Model):
    """How the last attempt to write a domain's records at its DNS host ended."""

    class Status(models.TextChoices):
        APPLIED = "applied"
        FAILED = "failed"

    domain = models.OneToOneField(Domain, on_delete=models.CASCADE, related_name="publication")
    host = models.CharField(max_length=20, choices=HOST_CHOICES)
    zone_id = models.CharField(max_length=100)
    zone = models.CharField(max_length=253)
    status = models.CharField(max_length=10, choices=Status.choices)
    last_attempt_at = models.DateTimeField()
    last_success_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.domain} at {self.host}: {self.status}"


class PublishedValue(models.Model):
    """One value that we wrote into a zone: nothing else there is ours to change or to take back."""

    domain = models.ForeignKey(Domain, on_delete=models.CASCADE, related_name="published_values")
    host = models.CharField(max_length=20, choices=HOST_CHOICES)
    zone_id = models.CharField(max_length=100)
    name = models.CharField(max_length=253, help_text="Lower-case A-labels, no trailing dot.")
    type = models.CharField(max_length=10)
    value = models.TextField(help_text="TXT as its text, MX as `10 host`.")
    host_record_id = models.CharField(max_length=100, blank=True, help_text="The host's own id of the record.")
    replaced = models.JSONField(default=list, blank=True, help_text="Values of others in whose place it stands.")
    intended_at = models.DateTimeField(default=timezone.now, editable=False)
    written_at = models.DateTimeField(null=True, blank=True, help_text="Empty: the answer was lost, it may be there.")
    taken_back_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["domain", "zone_id", "name", "type", "value"],
                condition=Q(taken_back_at__isnull=True),
                name="published_value_once",
            )
        ]
        indexes = [models.Index(fields=["zone_id", "name", "type"], name="published_value_at")]

    def __str__(self) -> str:
        return f"{self.type} {self.name}"


class HandOverLink(models.Model):
    """A page of one domain's records for whoever owns its DNS; who has the token needs no account."""

    public_id = models.CharField(max_length=32, unique=True, default=hand_over_public_id, editable=False)
    domain = models.ForeignKey(Domain, on_delete=models.CASCADE, related_name="hand_over_links")
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_by = models.CharField(max_length=200)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField(null=True, blank=True, help_text="The last time.")
    opened_count = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.domain}, until {self.expires_at:%Y-%m-%d}"
