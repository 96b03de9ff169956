"""What was right once and is not now: the misses of one record, or of the SES identity, and what people said of it."""

from __future__ import annotations

from django.db import models

from accounts.ids import public_id
from domains.models.domain import Domain


def drift_public_id() -> str:
    return public_id("drf")


class Drift(models.Model):
    """The misses of one watched thing since it was last right; there is no row for what never missed."""

    public_id = models.CharField(max_length=32, unique=True, default=drift_public_id, editable=False)
    domain = models.ForeignKey(Domain, on_delete=models.CASCADE, related_name="drifts")
    purpose = models.CharField(max_length=20, help_text="A record's purpose, or `identity`.")
    type = models.CharField(max_length=10, blank=True)
    name = models.CharField(max_length=253, blank=True)
    code = models.CharField(max_length=40, blank=True, help_text="The diagnosis of the last miss.")
    misses = models.PositiveIntegerField(default=0, help_text="Looks in a row that found it wrong.")
    missed_since = models.DateTimeField(null=True, blank=True)
    last_missed_at = models.DateTimeField(null=True, blank=True)
    drifted_at = models.DateTimeField(null=True, blank=True, help_text="Enough looks over enough hours agreed.")
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.CharField(max_length=200, blank=True)
    muted_at = models.DateTimeField(null=True, blank=True, help_text="No notice about it until it is unmuted.")
    muted_by = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["domain", "purpose", "type", "name"], name="drift_once")]

    def __str__(self) -> str:
        return f"{self.type} {self.name}".strip() or self.purpose
