"""The background work of mail in: each task finds its work in the database and may run twice at once."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from inbound import ingestion, queues, releasing, retention, sweeping


@shared_task
def ingest_due(**kwargs: object) -> None:
    ingestion.ingest_due(now=timezone.now())
    releasing.release_held(now=timezone.now())


@shared_task
def drain_queues(**kwargs: object) -> None:
    if queues.drain(now=timezone.now()):
        ingestion.ingest_due(now=timezone.now())


@shared_task
def sweep_mail(**kwargs: object) -> None:
    sweeping.sweep(now=timezone.now())


@shared_task
def expire_mail(**kwargs: object) -> None:
    retention.expire(now=timezone.now())
