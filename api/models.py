"""What the API itself remembers: the requests that carried an Idempotency-Key."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from accounts.models import ApiKey


class IdempotencyKey(models.Model):
    """One request and, once there is one, its answer; the answer may hold a secret, so it is kept encrypted."""

    api_key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="+")
    route = models.CharField(max_length=200)
    key = models.CharField(max_length=255)
    body_hash = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(default=timezone.now, db_index=True, editable=False)
    leased_until = models.DateTimeField(null=True, blank=True, help_text="The request is under way until then.")
    status = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Of the answer.")
    answer_encrypted = models.TextField(blank=True, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["api_key", "route", "key"], name="idempotency_key_once")]

    def __str__(self) -> str:
        return self.key
