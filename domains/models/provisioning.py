"""What we want to exist in AWS, written down before it is touched, and what the installation owns there."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Organization
from domains.models.domain import Domain


class AwsIntent(models.Model):
    """A thing in AWS that shall be present or absent; stays until the reconciler has seen that it is so."""

    class Kind(models.TextChoices):
        IDENTITY = "identity"
        RECEIPT_RULES = "receipt_rules"
        TENANT = "tenant"
        ASSOCIATION = "association"

    class Desired(models.TextChoices):
        PRESENT = "present"
        ABSENT = "absent"

    kind = models.CharField(max_length=20, choices=Kind.choices)
    region = models.CharField(max_length=30)
    name = models.CharField(max_length=253, help_text="The identity, the tenant, or the rule prefix.")
    desired = models.CharField(max_length=10, choices=Desired.choices)
    reason = models.CharField(max_length=200, blank=True)
    revision = models.PositiveIntegerField(
        default=1, help_text="Grows with every wish; a stale success changes nothing."
    )
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    confirmed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "region", "name"], name="aws_intent_once")]
        indexes = [
            models.Index(fields=["next_attempt_at"], condition=Q(confirmed_at__isnull=True), name="aws_intent_due")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.name} {self.desired}"


class SesTenant(models.Model):
    """A claim's SES tenant; its name is the customer's, one in the AWS account, and held until AWS has let go of it."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="ses_tenants")
    # An undone claim takes its tenant along; a removed one stays, and so does this.
    domain = models.ForeignKey(Domain, on_delete=models.CASCADE, related_name="ses_tenants")
    tenant_name = models.CharField(max_length=64)
    region = models.CharField(max_length=30)
    made_at = models.DateTimeField(
        null=True, blank=True, help_text="SES said that it is there; empty also where the endpoint has no tenants."
    )
    is_associated = models.BooleanField(default=False, help_text="The identity may send through it.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    leaving_at = models.DateTimeField(null=True, blank=True, help_text="Since then it shall be gone from SES.")
    removed_at = models.DateTimeField(null=True, blank=True, help_text="It is gone from SES, its name free.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant_name"], condition=Q(removed_at__isnull=True), name="ses_tenant_name_once"
            ),
            models.UniqueConstraint(
                fields=["domain"], condition=Q(removed_at__isnull=True), name="ses_tenant_of_domain_once"
            ),
        ]

    def __str__(self) -> str:
        return self.tenant_name


class Installation(models.Model):
    """What `setup_aws` made or adopted in one region; the topic is on the SNS door's allow-list."""

    region = models.CharField(max_length=30, unique=True)
    account_id = models.CharField(max_length=20, blank=True)
    bucket = models.CharField(max_length=100, blank=True)
    topic_arn = models.CharField(max_length=300, blank=True)
    queue_url = models.CharField(max_length=300, blank=True)
    queue_arn = models.CharField(max_length=300, blank=True)
    subscription_arn = models.CharField(max_length=300, blank=True)
    rule_set_name = models.CharField(max_length=100, blank=True)
    configuration_set = models.CharField(max_length=100, blank=True)
    warnings = models.JSONField(default=list, blank=True)
    set_up_at = models.DateTimeField(null=True, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True, help_text="SNS confirmed the subscription of our door.")

    def __str__(self) -> str:
        return self.region
