"""Whose name it is and was: the ledger of claims, tenures, challenges and tombstones."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from accounts.ids import public_id
from accounts.models import Organization
from domains.models.domain import Domain


class NameLedger(models.Model):
    """Every organization that ever claimed a name; never deleted, since it decides what is contested."""

    name = models.CharField(max_length=253)
    reversed_name = models.CharField(
        max_length=254, db_index=True, help_text="`com.example.` - descendants are found by prefix."
    )
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    first_claimed_at = models.DateTimeField(default=timezone.now)
    last_claimed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "organization"], name="ledger_once")]

    def __str__(self) -> str:
        return f"{self.name} by {self.organization}"


class Tenure(models.Model):
    """From when to when an organization held a name; mail is routed by the tenure at its own time."""

    name = models.CharField(max_length=253)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    domain = models.ForeignKey(Domain, on_delete=models.PROTECT, related_name="tenures")
    from_at = models.DateTimeField()
    to_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name"], condition=models.Q(to_at__isnull=True), name="tenure_one_holder")
        ]
        indexes = [models.Index(fields=["name", "from_at"], name="tenure_by_name")]

    def __str__(self) -> str:
        return f"{self.name} by {self.organization}"


def challenge_public_id() -> str:
    return public_id("chl")


class Challenge(models.Model):
    """An organization says that a name which another has proved is now its own."""

    class Status(models.TextChoices):
        OPEN = "open"
        WON = "won"
        LOST = "lost"
        WITHDRAWN = "withdrawn"

    public_id = models.CharField(max_length=32, unique=True, default=challenge_public_id, editable=False)
    name = models.CharField(max_length=253)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="challenges")
    token = models.CharField(max_length=64)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN)
    token_seen_at = models.DateTimeField(null=True, blank=True)
    incumbent_absent_since = models.DateTimeField(null=True, blank=True)
    notices_sent = models.PositiveSmallIntegerField(default=0)
    last_notice_at = models.DateTimeField(null=True, blank=True)
    next_look_at = models.DateTimeField(null=True, blank=True, db_index=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.CharField(max_length=200, blank=True)
    decision = models.CharField(max_length=300, blank=True, help_text="Why it ended as it did, in a sentence.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["name", "organization"], condition=models.Q(status="open"), name="challenge_open_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.organization} challenges {self.name}"


class Tombstone(models.Model):
    """A removed name whose DNS is still looked at, so that its former owner is told while mail may come."""

    name = models.CharField(max_length=253)
    region = models.CharField(max_length=30)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    domain = models.ForeignKey(Domain, on_delete=models.CASCADE, related_name="tombstones")
    removed_at = models.DateTimeField(default=timezone.now)
    watched_until = models.DateTimeField()
    next_look_at = models.DateTimeField(null=True, blank=True, db_index=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    looked_at = models.DateTimeField(null=True, blank=True)
    mx_last_seen_at = models.DateTimeField(null=True, blank=True)
    told_at = models.DateTimeField(null=True, blank=True, help_text="The former owner was told that mail still comes.")

    def __str__(self) -> str:
        return self.name
