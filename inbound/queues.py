"""The second way in: the SQS queue on the same topic brings what the HTTP door missed, through the same checks."""

from __future__ import annotations

import logging
import threading
import time
from datetime import datetime

from django.utils import timezone

from accounts.doorbell import ring
from aws.errors import AwsError
from aws.queues import QueueMessage, delete_message, receive_messages
from domains.models import Installation
from inbound import door
from inbound.certificates import CertificateUnavailable, UntrustedCertificateUrl
from inbound.ses_events import message_id_of
from inbound.sns import MalformedMessage, parse_message

logger = logging.getLogger(__name__)

# After so long another run takes over, which other work of the worker may go before.
RUN_SECONDS = 20.0

_one_a_process = threading.Lock()


def drain(*, now: datetime) -> int:
    """Take in what waits in the queues of every region; how many messages were kept.

    One run a process. The regions share RUN_SECONDS; where that is not enough, another run goes on.
    """
    if not _one_a_process.acquire(blocking=False):
        return 0
    kept, ends = 0, time.monotonic() + RUN_SECONDS
    try:
        # By chance, so that the queue that is never empty does not always come first.
        for row in Installation.objects.exclude(queue_url="").order_by("?"):
            try:
                kept += _drain_one(row, ends=ends)
            except AwsError as error:
                logger.warning("the queue of %s could not be read: %s", row.region, error)
    finally:
        _one_a_process.release()
    if kept and time.monotonic() >= ends:
        ring("inbound.tasks.drain_queues")
    return kept


def _drain_one(row: Installation, *, ends: float) -> int:
    kept = 0
    while time.monotonic() < ends:
        batch = receive_messages(queue_url=row.queue_url, region=row.region)
        if not batch:
            break
        for received in batch:
            try:
                message = parse_message(received.body.encode(errors="replace"))
                door.believe(message, now=timezone.now())
                door.take_in(message, source="sqs", now=timezone.now())
            except (CertificateUnavailable, door.NotNow, AwsError) as error:
                # Left in the queue: it is shown again after the visibility timeout.
                logger.warning("a queued message is left for later: %s", error)
                continue
            except (MalformedMessage, door.NotOurs, UntrustedCertificateUrl) as error:
                _leave_to_dead_letters(received, row, error)
                continue
            kept += 1
            delete_message(queue_url=row.queue_url, region=row.region, receipt_handle=received.receipt_handle)
    return kept


def _leave_to_dead_letters(received: QueueMessage, row: Installation, error: Exception) -> None:
    """Say so once; the message stays, and SQS moves it to the dead letters after a day: it may be all that we get.

    Nothing of it is stored here: who can write to the queue could fill the database.
    """
    if received.receive_count > 1:
        return
    logger.error("a message in the queue of %s can not be believed and goes to its dead letters: %s", row.region, error)
    if message_id_of(received.body):
        logger.error(
            "it is an announcement of SES without SNS's envelope: raw message delivery is on for the queue's "
            "subscription; `manage.py setup_aws` switches it off"
        )
