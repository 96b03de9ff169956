"""The DNS records that a claim asks for, what was seen of each, and every token ever handed out."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from accounts.models import Organization
from domains.dns.codes import sentences
from domains.models.domain import Domain
from domains.records import Purpose

PURPOSE_CHOICES = [(purpose.value, purpose.value) for purpose in Purpose]


class DnsRecord(models.Model):
    """One record of a claim's current generation and the last verdict on it."""

    domain = models.ForeignKey(Domain, on_delete=models.CASCADE, related_name="records")
    generation = models.PositiveIntegerField(default=1)
    position = models.PositiveSmallIntegerField(default=0)
    purpose = models.CharField(max_length=20, choices=PURPOSE_CHOICES)
    type = models.CharField(max_length=10)
    name = models.CharField(max_length=253, help_text="Lower-case A-labels, no trailing dot.")
    value = models.TextField(help_text="Without the priority.")
    priority = models.PositiveIntegerField(null=True, blank=True)
    ttl = models.PositiveIntegerField(default=3600)
    is_required = models.BooleanField(default=False)

    verdict = models.CharField(max_length=10, blank=True, help_text="Empty until the first look.")
    code = models.CharField(max_length=40, blank=True)
    message = models.TextField(blank=True)
    fix = models.TextField(blank=True)
    observed = models.JSONField(default=list, blank=True)
    servers = models.JSONField(default=list, blank=True)
    other_codes = models.JSONField(default=list, blank=True)
    public_verdict = models.CharField(max_length=10, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    first_ok_at = models.DateTimeField(null=True, blank=True, help_text="It has been right at least once.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["domain", "generation", "position"], name="dns_record_position_once")
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.name}"

    @property
    def is_ok(self) -> bool:
        return self.verdict == "ok"

    @property
    def other_findings(self) -> list[tuple[str, str]]:
        """What else is wrong, behind `code`: (code, sentence) in the order of precedence."""
        return sentences(self.other_codes)


class IssuedToken(models.Model):
    """A token that was handed out for a name, kept for ever: stale values are recognised by it."""

    class Kind(models.TextChoices):
        OWNERSHIP = "ownership"
        DKIM = "dkim"
        CLAIM = "claim"

    name = models.CharField(max_length=253)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    region = models.CharField(max_length=30)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    token = models.CharField(max_length=200)
    generation = models.PositiveIntegerField(default=1)
    issued_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["name", "organization", "region", "kind", "token"], name="issued_token_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} token for {self.name}"
