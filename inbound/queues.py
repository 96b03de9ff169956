"""The second way in: the SQS queue on the same topic brings what the HTTP door missed, through the same checks."""

from __future__ import annotations

import logging
from datetime import datetime

from django.utils import timezone

from aws.errors import AwsError
from aws.queues import delete_message, receive_messages
from domains.models import Installation
from inbound import door
from inbound.certificates import CertificateUnavailable, UntrustedCertificateUrl
from inbound.sns import MalformedMessage, parse_message

logger = logging.getLogger(__name__)

MOST_BATCHES = 50


def drain(*, now: datetime) -> int:
    """Take in what waits in the queues of every region; how many messages were kept."""
    kept = 0
    for row in Installation.objects.exclude(queue_url=""):
        try:
            kept += _drain_one(row)
        except AwsError as error:
            logger.warning("the queue of %s could not be read: %s", row.region, error)
    return kept


def _drain_one(row: Installation) -> int:
    kept = 0
    for _ in range(MOST_BATCHES):
        batch = receive_messages(queue_url=row.queue_url, region=row.region)
        if not batch:
            break
        for received in batch:
            try:
                message = parse_message(received.body.encode(errors="replace"))
                door.believe(message, now=timezone.now())
                door.take_in(message, source="sqs", now=timezone.now())
                kept += 1
            except (CertificateUnavailable, door.NotNow, AwsError) as error:
                # Left in the queue: it is shown again after the visibility timeout.
                logger.warning("a queued message is left for later: %s", error)
                continue
            except (MalformedMessage, door.NotOurs, UntrustedCertificateUrl) as error:
                logger.warning("a queued message was refused: %s", error)
            delete_message(queue_url=row.queue_url, region=row.region, receipt_handle=received.receipt_handle)
    return kept
