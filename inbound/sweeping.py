"""The third way in: mail that SES stored and that nobody announced is adopted from S3 after a while."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

import orjson
from django.conf import settings

from accounts.doorbell import ring
from aws.errors import AwsError
from aws.mail_store import StoredObject, delete_object, iter_objects, read_range
from domains.models import Installation
from inbound.keeping import NOBODY
from inbound.models import DeletedMessage, InboundMessage, SnsNotification
from inbound.received import recipient_of_received
from inbound.ses_events import SETUP_MESSAGE_ID

logger = logging.getLogger(__name__)

HEAD_BYTES = 64 * 1024


def sweep(*, now: datetime) -> int:
    """Adopt what has lain under the incoming prefix for SWEEP_AFTER_SECONDS; how many mails were.

    Raises AwsError when the bucket can not be listed; an object that can not be read stops no other.
    """
    before = now - timedelta(seconds=settings.SWEEP_AFTER_SECONDS)
    adopted = 0
    row = Installation.objects.exclude(bucket="").order_by("pk").first()
    if row is None:
        return 0
    for stored in iter_objects(region=settings.SES_REGIONS[0], bucket=row.bucket, prefix=settings.INBOUND_PREFIX):
        ses_message_id = stored.key.removeprefix(settings.INBOUND_PREFIX)
        if stored.last_modified > before or not ses_message_id or ses_message_id == SETUP_MESSAGE_ID:
            continue
        try:
            adopted += _sweep_one(row, stored, ses_message_id, now=now)
        except AwsError as error:
            logger.warning("%s is left to the next sweep: %s", stored.key, error)
    if adopted:
        ring("inbound.tasks.ingest_due")
    return adopted


def _sweep_one(row: Installation, stored: StoredObject, ses_message_id: str, *, now: datetime) -> bool:
    """Adopt one object that nobody works on and nobody has stored; raises AwsError."""
    region = settings.SES_REGIONS[0]
    announced = SnsNotification.objects.filter(message__contains=f'"{ses_message_id}"')
    if announced.exclude(state=SnsNotification.State.DONE).exists():
        return False
    if _is_done(ses_message_id):
        # Stored, but the process died before it cleared the object away.
        delete_object(region=region, bucket=row.bucket, key=stored.key)
        return False
    head = read_range(region=region, bucket=row.bucket, key=stored.key, start=0, length=HEAD_BYTES)
    return _adopt(row, stored, ses_message_id, recipient=recipient_of_received(head) or NOBODY, now=now)


def _is_done(ses_message_id: str) -> bool:
    return (
        InboundMessage.objects.filter(ses_message_id=ses_message_id).exists()
        or DeletedMessage.objects.filter(ses_message_id=ses_message_id).exists()
    )


def _adopt(row: Installation, stored: StoredObject, ses_message_id: str, *, recipient: str, now: datetime) -> bool:
    """Write the notification that never came, without verdicts; the same object again changes nothing."""
    notification = {
        "notificationType": "Received",
        "mail": {
            # S3 cuts its times to the second: the end of that second is never before the mail came.
            "timestamp": stored.last_modified.strftime("%Y-%m-%dT%H:%M:%S.999Z"),
            "source": "",
            "messageId": ses_message_id,
            "destination": [],
            "headersTruncated": True,
        },
        "receipt": {
            "recipients": [recipient],
            "action": {"type": "S3", "bucketName": row.bucket, "objectKey": stored.key},
        },
    }
    made = SnsNotification.objects.get_or_create(
        sns_message_id=f"sweep-{ses_message_id}"[:100],
        defaults={
            "topic_arn": row.topic_arn,
            "source": SnsNotification.Source.SWEEP,
            "message": orjson.dumps(notification).decode(),
            "sent_at": stored.last_modified,
            "received_at": now,
            "next_attempt_at": now,
        },
    )[1]
    if made:
        logger.warning("adopted %s, which was never announced", stored.key)
    return made
