"""Addresses, and how a domain's mail reaches us."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.ids import public_id
from accounts.models import Organization
from domains.models import Domain, SesTenant


def inbox_public_id() -> str:
    return public_id("inb")


class Channel(models.Model):
    """A connected channel: one a name and organization, with an integer id that it keeps for ever."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="channels")
    name = models.CharField(max_length=253, help_text="The domain name.")
    domain = models.ForeignKey(
        Domain, on_delete=models.SET_NULL, null=True, related_name="channels", help_text="The live claim, if any."
    )
    is_connected = models.BooleanField(default=True)
    receiving_active_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="channel_once")]

    def __str__(self) -> str:
        return self.name


class EmailAccountQuerySet(models.QuerySet["EmailAccount"]):
    def live(self) -> EmailAccountQuerySet:
        return self.filter(removed_at__isnull=True)


class EmailAccount(models.Model):
    """An inbox: an address of a domain, whichever contract made it."""

    public_id = models.CharField(max_length=32, unique=True, default=inbox_public_id, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="email_accounts")
    domain = models.ForeignKey(Domain, on_delete=models.PROTECT, related_name="email_accounts")
    channel = models.ForeignKey(Channel, on_delete=models.SET_NULL, null=True, blank=True, related_name="accounts")
    email = models.CharField(max_length=320)
    local_part = models.CharField(max_length=64)
    name = models.CharField(max_length=200, blank=True)
    can_receive = models.BooleanField(default=True)
    can_send = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    removed_at = models.DateTimeField(null=True, blank=True)

    objects = EmailAccountQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Lower("email"), "organization", condition=Q(removed_at__isnull=True), name="email_account_live_once"
            )
        ]
        indexes = [models.Index(fields=["organization", "-created_at", "-id"], name="email_account_newest")]

    def __str__(self) -> str:
        return self.email


class SesSetupQuerySet(models.QuerySet["SesSetup"]):
    def standing(self) -> SesSetupQuerySet:
        """Setups whose deletion nobody has been told of yet."""
        return self.filter(removed_at__isnull=True)


class SesSetup(models.Model):
    """An organization's binding of a tenant and a domain that were set up together; goes by the domain's UUID."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="ses_setups")
    # An undone claim takes both along.
    domain = models.OneToOneField(Domain, on_delete=models.CASCADE, related_name="ses_setup")
    tenant = models.OneToOneField(SesTenant, on_delete=models.CASCADE, related_name="setup")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    deletion_began_at = models.DateTimeField(null=True, blank=True, help_text="AWS is being asked to let go of it.")
    removed_at = models.DateTimeField(null=True, blank=True)

    objects = SesSetupQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["organization", "-created_at", "id"], name="ses_setup_newest")]

    def __str__(self) -> str:
        return str(self.tenant)


class UseCaseQuerySet(models.QuerySet["UseCase"]):
    def live(self) -> UseCaseQuerySet:
        """A use case lives as long as its inbox."""
        return self.filter(inbox__removed_at__isnull=True)


class UseCase(models.Model):
    """What an organization uses a setup for: an inbox to send from and receive at, and what it says of it."""

    class EmailType(models.TextChoices):
        TRANSACTIONAL = "transactional"
        MARKETING = "marketing"

    uuid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    setup = models.ForeignKey(SesSetup, on_delete=models.PROTECT, related_name="use_cases")
    inbox = models.OneToOneField(EmailAccount, on_delete=models.PROTECT, related_name="use_case")
    entity_name = models.CharField(max_length=31)
    name = models.CharField(max_length=31)
    description = models.TextField(null=True, blank=True)
    email_type = models.CharField(max_length=20, choices=EmailType.choices)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = UseCaseQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.entity_name}: {self.name}"
