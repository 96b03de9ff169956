"""When the next SES control call of a region may go out: the pacer's memory, shared by all processes."""

from __future__ import annotations

from django.db import models


class CallBudget(models.Model):
    """One row a region; `next_slot_at` moves only by conditional updates in `aws.pacing`."""

    region = models.CharField(max_length=32, unique=True)
    next_slot_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.region
