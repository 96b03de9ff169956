"""The background work of the API: it may run twice at once."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from api import idempotency


@shared_task
def forget_idempotency_keys(**kwargs: object) -> None:
    idempotency.forget_old(now=timezone.now())
