"""The background work of accounts: it finds its work in the database and may run twice at once."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from accounts import notices


@shared_task
def mail_notices(**kwargs: object) -> None:
    notices.mail_due(now=timezone.now())
