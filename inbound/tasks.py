"""The background work of mail in: each task finds its work in the database and may run twice at once."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from inbound import ingestion, queues, releasing, retention, sweeping, tidying


@shared_task
def ingest_due(**kwargs: object) -> None:
    ingestion.ingest_due(now=timezone.now())


@shared_task
def release_held(**kwargs: object) -> None:
    releasing.release_held(now=timezone.now())


@shared_task
def drain_queues(**kwargs: object) -> None:
    queues.drain(now=timezone.now())


@shared_task
def sweep_mail(**kwargs: object) -> None:
    sweeping.sweep(now=timezone.now())


@shared_task
def expire_mail(**kwargs: object) -> None:
    retention.expire(now=timezone.now())


@shared_task
def tidy(**kwargs: object) -> None:
    tidying.tidy(now=timezone.now())
