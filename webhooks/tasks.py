"""The background work of telling: each task finds its work in the database and may run twice at once."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from webhooks import outbox, tidying


@shared_task
def deliver_due(**kwargs: object) -> None:
    outbox.deliver_due(now=timezone.now())


@shared_task
def tidy(**kwargs: object) -> None:
    tidying.tidy(now=timezone.now())
