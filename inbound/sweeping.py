"""The third way in: mail that SES stored and that nobody announced is adopted from S3 after a while."""

from __future__ import annotations

import hashlib
import logging
import time
from datetime import datetime, timedelta

import orjson
from django.conf import settings
from django.db.models import Q

from accounts.doorbell import ring
from aws.errors import AwsError
from aws.mail_store import StoredObject, delete_object, iter_objects, read_range
from channels.routing import route
from domains.models import Installation
from inbound.keeping import NOBODY
from inbound.models import DeletedMessage, InboundMessage, SnsNotification, SweepTurn
from inbound.received import recipient_of_received
from inbound.ses_events import SETUP_MESSAGE_ID, message_id_of

logger = logging.getLogger(__name__)

HEAD_BYTES = 64 * 1024
# After so long another run goes on, which other work of the worker may go before.
RUN_SECONDS = 20.0
# Two at once do no harm, only the work twice: so a dead one's turn need not be waited for long.
LEASE = timedelta(minutes=1)

State = SnsNotification.State


def sweep(*, now: datetime) -> int:
    """Adopt what has lain under the incoming prefix for SWEEP_AFTER_SECONDS; how many mails were.

    One sweep at a time, for RUN_SECONDS: the next goes on where it stopped. Raises AwsError when the bucket can not be
    listed; an object that can not be read stops no other.
    """
    row = Installation.objects.exclude(bucket="").order_by("pk").first()
    if row is None:
        return 0
    turn = _take_turn(row.bucket, now=now)
    if turn is None:
        return 0
    adopted, after_key = 0, turn.after_key
    try:
        _name_mails()
        adopted, after_key = _sweep_on(row, after_key, now=now)
    finally:
        SweepTurn.objects.filter(pk=turn.pk, leased_until=turn.leased_until).update(
            leased_until=None, after_key=after_key
        )
    if adopted:
        ring("inbound.tasks.ingest_due")
    if after_key:
        ring("inbound.tasks.sweep_mail")
    return adopted


def _take_turn(bucket: str, *, now: datetime) -> SweepTurn | None:
    """The turn at this bucket, unless another process has it; a dead one's comes back when its lease ends."""
    turn = SweepTurn.objects.get_or_create(bucket=bucket)[0]
    turn.leased_until = now + LEASE
    free = Q(leased_until__isnull=True) | Q(leased_until__lte=now)
    taken = SweepTurn.objects.filter(free, pk=turn.pk).update(leased_until=turn.leased_until)
    return turn if taken else None


def _name_mails() -> None:
    """Note of which mail those notifications are that came in before that was noted, or by code that did not."""
    unnamed = SnsNotification.objects.filter(ses_message_id="", state__in=(State.WAITING, State.PARKED))
    for pk, message in unnamed.order_by().values_list("pk", "message").iterator(chunk_size=100):
        if ses_message_id := message_id_of(message):
            SnsNotification.objects.filter(pk=pk).update(ses_message_id=ses_message_id)


def _sweep_on(row: Installation, after_key: str, *, now: datetime) -> tuple[int, str]:
    """Go on after this key; how many mails were adopted, and the key to go on after, empty at the end."""
    before, ends = now - timedelta(seconds=settings.SWEEP_AFTER_SECONDS), time.monotonic() + RUN_SECONDS
    region, prefix, adopted = settings.SES_REGIONS[0], settings.INBOUND_PREFIX, 0
    for stored in iter_objects(region=region, bucket=row.bucket, prefix=prefix, after=after_key):
        ses_message_id = stored.key.removeprefix(prefix)
        if stored.last_modified <= before and ses_message_id and ses_message_id != SETUP_MESSAGE_ID:
            try:
                adopted += _sweep_one(row, stored, ses_message_id, now=now)
            except AwsError as error:
                logger.warning("%s is left to the next sweep: %s", stored.key, error)
        if time.monotonic() >= ends:
            return adopted, stored.key
    return adopted, ""


def _sweep_one(row: Installation, stored: StoredObject, ses_message_id: str, *, now: datetime) -> bool:
    """Adopt one object that nobody works on and nobody has stored; raises AwsError."""
    region = settings.SES_REGIONS[0]
    if SnsNotification.objects.filter(ses_message_id=ses_message_id).exclude(state=State.DONE).exists():
        return False
    head = read_range(region=region, bucket=row.bucket, key=stored.key, start=0, length=HEAD_BYTES)
    recipient = recipient_of_received(head)
    if _is_done(ses_message_id, recipient, at=stored.last_modified):
        # Stored, but the process died before it cleared the object away.
        delete_object(region=region, bucket=row.bucket, key=stored.key)
        return False
    return _adopt(row, stored, ses_message_id, recipient=recipient or NOBODY, now=now)


def _is_done(ses_message_id: str, recipient: str | None, *, at: datetime) -> bool:
    """Whose the mail is, as far as it says so, has it or has deleted it: what others have of it is their own."""
    kept = InboundMessage.objects.filter(ses_message_id=ses_message_id)
    deleted = DeletedMessage.objects.filter(ses_message_id=ses_message_id)
    domain = route(recipient=recipient, at=at).domain if recipient else None
    if domain is not None:
        owner = domain.organization_id
        kept, deleted = kept.filter(organization=owner), deleted.filter(organization=owner)
    return kept.exists() or deleted.exists()


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
    # SES puts the object anew for every rule that matched: what was adopted for one may be there for another again.
    whose = hashlib.sha256(recipient.encode(errors="replace")).hexdigest()[:12]
    made = SnsNotification.objects.get_or_create(
        sns_message_id=f"sweep-{whose}-{ses_message_id}"[:100],
        defaults={
            "topic_arn": row.topic_arn,
            "source": SnsNotification.Source.SWEEP,
            "message": orjson.dumps(notification).decode(),
            "ses_message_id": ses_message_id[:200],
            "sent_at": stored.last_modified,
            "received_at": now,
            "next_attempt_at": now,
        },
    )[1]
    if made:
        logger.warning("adopted %s, which was never announced", stored.key)
    return made
