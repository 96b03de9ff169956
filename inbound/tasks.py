"""The background work of mail in: each task finds its work in the database and may run twice at once."""

from __future__ import annotations

import logging

from celery import shared_task
from django.utils import timezone

from aws.errors import AwsError
from inbound import ingestion, queues, releasing, retention, sweeping, tidying

logger = logging.getLogger(__name__)


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
    try:
        sweeping.sweep(now=timezone.now())
    except AwsError as error:
        # Said in a line and without a traceback: while S3 is away it is said every time.
        logger.error("the incoming mail was not swept, the next sweep tries again: %s", error)


@shared_task
def expire_mail(**kwargs: object) -> None:
    retention.expire(now=timezone.now())


@shared_task
def tidy(**kwargs: object) -> None:
    tidying.tidy(now=timezone.now())
